"""Takes due jobs straight from PostgreSQL when no wake-up brings them: Redis is away, or has lost it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from random import Random

import structlog

from jobs.concurrency import keep_running
from jobs.engine.sql import sweeps
from jobs.engine.worker.runner import Runner
from jobs.errors import DatabaseUnavailable
from jobs.services import Services

log = structlog.get_logger()

DEAF_PAUSE = 0.25
"""Seconds between two looks while Redis is away, and between two tries to reach it."""
PING_PAUSE = 1.0
"""Seconds between two looks at whether Redis is there."""
PATIENCE = 0.5
"""Seconds that Redis has to show that it is there."""
SPREAD = 4
"""Jobs that are looked at for each that is taken, so that idle workers do not all try the same one."""


class Poller:
    """Looks for due jobs: for any while Redis is away, else for those whose wake-up is `WAKE_GRACE` late."""

    def __init__(self, services: Services, runner: Runner) -> None:
        self._services = services
        self._runner = runner
        self._random = Random()  # noqa: S311 - it spreads work
        self._deaf = asyncio.Event()
        """Set while no wake-up can come in."""

    async def run(self) -> None:
        """Looks until it is cancelled. Finding out about Redis is done beside it: it takes long just when it hangs."""
        await keep_running(self._keep_listening(), self._keep_taking())

    async def _keep_listening(self) -> None:
        while True:
            self._set_deaf(not await self._hears())
            await asyncio.sleep(DEAF_PAUSE if self._deaf.is_set() else PING_PAUSE)

    def _set_deaf(self, deaf: bool) -> None:
        if deaf == self._deaf.is_set():
            return
        if deaf:
            self._deaf.set()
        else:
            self._deaf.clear()
        log.warning("fallback_working" if deaf else "fallback_waiting")

    async def _hears(self) -> bool:
        """Whether wake-ups can come in."""
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._services.feed.ping()
        except TimeoutError:
            return False
        except Exception:
            log.exception("fallback_ping_broke")
            return False

    async def _keep_taking(self) -> None:
        settings = self._services.settings
        while True:
            more = False
            try:
                more = await self._take(0 if self._deaf.is_set() else settings.wake_grace)
            except DatabaseUnavailable as error:
                log.warning("fallback_failed", reason=error.message)
            except Exception:
                log.exception("fallback_broke")
            if not more:
                await self._pause()

    async def _pause(self) -> None:
        if self._deaf.is_set():
            await asyncio.sleep(DEAF_PAUSE)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._services.settings.sweep_interval):
                await self._deaf.wait()

    async def _take(self, grace: float) -> bool:
        """Takes what there is room for; True when there may be more, as others were faster with what was looked at."""
        room = self._runner.room
        if not room:
            return False
        due = await sweeps.find_unwoken(self._services.database, grace, SPREAD * room)
        self._random.shuffle(due)
        for job in due:
            if not self._runner.room:
                return False
            await self._runner.take(job.id, job.fence)
        return len(due) == SPREAD * room
