"""Takes due jobs straight from PostgreSQL when no wake-up brings them: Redis is away, or has lost it."""

from __future__ import annotations

import asyncio
from random import Random

import structlog

from jobs.domain.errors import DatabaseUnavailable
from jobs.services import Services
from jobs.store import sweeps
from jobs.worker.runner import Runner

log = structlog.get_logger()

DEAF_PAUSE = 0.25
"""Seconds between two looks while Redis is away."""
PATIENCE = 0.5
"""Seconds that Redis has to show that it is there."""
SPREAD = 4
"""Jobs that are looked at for each that is taken, so that idle workers do not all try the same one."""


class Fallback:
    """Looks for due jobs: for any while Redis is away, else for those whose wake-up is `WAKE_GRACE` late."""

    def __init__(self, services: Services, runner: Runner) -> None:
        self._services = services
        self._runner = runner
        self._random = Random()  # noqa: S311 - it spreads work
        self._deaf = False

    async def run(self) -> None:
        """Looks until it is cancelled."""
        settings = self._services.settings
        while True:
            await self._listen()
            try:
                await self._take(0 if self._deaf else settings.wake_grace)
            except DatabaseUnavailable as error:
                log.warning("fallback_failed", reason=error.message)
            await asyncio.sleep(DEAF_PAUSE if self._deaf else settings.sweep_interval)

    async def _listen(self) -> None:
        """Finds out whether wake-ups can come in."""
        try:
            async with asyncio.timeout(PATIENCE):
                deaf = not await self._services.feed.ping()
        except TimeoutError:
            deaf = True
        if deaf != self._deaf:
            self._deaf = deaf
            log.warning("fallback_working" if deaf else "fallback_waiting")

    async def _take(self, grace: float) -> None:
        room = self._runner.room
        if not room:
            return
        async with self._services.database.reading() as connection:
            due = await sweeps.find_unwoken(connection, grace, SPREAD * room)
        self._random.shuffle(due)
        for job in due:
            if not self._runner.room:
                return
            await self._runner.take(job.id, job.fence)
