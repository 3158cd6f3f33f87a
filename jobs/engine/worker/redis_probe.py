"""Probes Redis for all pollers of a worker, so that they notice when no wake-up can arrive."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from jobs.engine.engine import Engine
from jobs.engine.worker.poller import POLL_PAUSE
from jobs.errors import RedisUnavailable

log = structlog.get_logger()

LOST_PAUSE = 0.25
"""Seconds between two attempts to reach Redis while it is unavailable."""
PROBE_PAUSE = 1.0
"""Seconds between two probes while Redis works."""
PROBE_TIMEOUT = 1.0
"""Seconds that Redis has to respond to a probe, sentinels that do not respond included."""


class RedisProbe:
    """`lost` is set while no wake-up can arrive. As the `Schedule` of pollers it makes them poll often then."""

    def __init__(self, engine: Engine) -> None:
        self.lost = asyncio.Event()
        self._engine = engine

    @property
    def grace(self) -> float:
        """Zero while Redis is unavailable, else `WAKE_GRACE` seconds."""
        return 0 if self.lost.is_set() else self._engine.settings.wake_grace

    async def wait(self) -> None:
        """Waits for `POLL_PAUSE` while Redis is unavailable, else for `SWEEP_INTERVAL`, or until it becomes so."""
        if self.lost.is_set():
            await asyncio.sleep(POLL_PAUSE)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._engine.settings.sweep_interval):
                await self.lost.wait()

    async def run(self) -> None:
        """Probes until it is cancelled, in a task of its own, since a probe takes long when Redis hangs."""
        while True:
            failure = await self._probe()
            if failure is not None and not self.lost.is_set():
                self.lost.set()
                log.warning("wake_ups_lost", reason=failure)
            elif failure is None and self.lost.is_set():
                self.lost.clear()
                log.warning("wake_ups_recovered")
            await asyncio.sleep(PROBE_PAUSE if failure is None else LOST_PAUSE)

    async def _probe(self) -> str | None:
        """Why Redis does not work; None if it does."""
        try:
            async with asyncio.timeout(PROBE_TIMEOUT):
                await self._engine.transport.checks["redis"]()
        except TimeoutError:
            return f"no response within {PROBE_TIMEOUT:g} s"
        except RedisUnavailable as error:
            return error.reason
        except Exception as error:
            log.exception("redis_probe_failed")
            return type(error).__name__
        return None
