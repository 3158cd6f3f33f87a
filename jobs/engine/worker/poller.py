"""Claims due jobs straight from PostgreSQL when no wake-up arrives: Redis is unavailable, or has lost it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

import structlog

from jobs.concurrency import run_forever
from jobs.engine.engine import Engine
from jobs.engine.sql.sweeps import find_overdue
from jobs.engine.worker.runner import Runner
from jobs.errors import DatabaseUnavailable

log = structlog.get_logger()

POLL_PAUSE = 0.25
"""Seconds between two polls while Redis is unavailable, and between two attempts to reach it."""
PING_PAUSE = 1.0
"""Seconds between two pings while Redis responds."""
PING_TIMEOUT = 0.5
"""Seconds that Redis has to respond to a ping."""
SPREAD = 4
"""Jobs that are read for each one that is claimed, so that idle workers do not all try the same one."""


class Poller:
    """Polls for due jobs of one kind: for any while Redis is unavailable, else for those `WAKE_GRACE` seconds overdue."""

    def __init__(self, engine: Engine, runner: Runner) -> None:
        self._engine = engine
        self._runner = runner
        self._random = Random()  # noqa: S311 - it spreads work
        self._redis_lost = asyncio.Event()
        """Set while no wake-up can arrive."""

    async def run(self) -> None:
        """Polls until it is cancelled. Redis is pinged in a task of its own, since that takes long when Redis hangs."""
        await run_forever(self._keep_pinging(), self._keep_polling())

    async def _keep_pinging(self) -> None:
        while True:
            lost = not await self._redis_responds()
            if lost and not self._redis_lost.is_set():
                self._redis_lost.set()
                log.warning("wake_ups_lost")
            elif not lost and self._redis_lost.is_set():
                self._redis_lost.clear()
                log.warning("wake_ups_recovered")
            await asyncio.sleep(POLL_PAUSE if lost else PING_PAUSE)

    async def _redis_responds(self) -> bool:
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                return await self._engine.feed.ping()
        except TimeoutError:
            return False
        except Exception:
            log.exception("redis_ping_failed")
            return False

    async def _keep_polling(self) -> None:
        settings = self._engine.settings
        while True:
            more = False
            try:
                more = await self._poll(0 if self._redis_lost.is_set() else settings.wake_grace)
            except DatabaseUnavailable as error:
                log.warning("poll_lost", reason=error.message)
            except Exception:
                log.exception("poll_failed")
            if more:
                continue
            if self._redis_lost.is_set():
                await asyncio.sleep(POLL_PAUSE)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(settings.sweep_interval):
                    await self._redis_lost.wait()

    async def _poll(self, grace: float) -> bool:
        """Claims as many jobs as there is room for. Returns True if there may be more that others have not claimed."""
        room = self._runner.room
        if not room:
            return False
        due = list(await find_overdue(self._engine.database, self._runner.kind, grace, SPREAD * room))
        self._random.shuffle(due)
        for job_id, fence in due:
            if not self._runner.room:
                return False
            await self._runner.claim(job_id, fence)
        return len(due) == SPREAD * room
