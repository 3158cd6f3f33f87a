"""Mends what died in between: lost leases, lost wake-ups, results whose time is over, litter, old rows.

Every worker sweeps; `SKIP LOCKED` shares the work among them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import uniform

import structlog

from jobs.domain.errors import HaulageError
from jobs.services import Services
from jobs.store import sweeps
from jobs.worker.cleaning import Cleaner
from jobs.worker.orphans import Orphans

log = structlog.get_logger()

ORPHANS_INTERVAL = 4 * 3600.0
"""Longest time in seconds between two looks for what no job knows; each worker takes a random share of it."""


class Sweeper:
    """Sweeps every `SWEEP_INTERVAL` seconds."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._cleaner = Cleaner(services)
        self._orphans = Orphans(services)

    async def run(self) -> None:
        """Sweeps until it is cancelled. Cleaning has a pace of its own: a slow store must not hold up the jobs."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._repeat(self.sweep))
            group.create_task(self._repeat(self.clean))
            group.create_task(self._repeat(self.find_orphans, uniform(0, ORPHANS_INTERVAL)))  # noqa: S311

    async def _repeat(self, round_of: Callable[[], Awaitable[None]], pause: float | None = None) -> None:
        while True:
            await asyncio.sleep(self._services.settings.sweep_interval if pause is None else pause)
            await round_of()

    async def sweep(self) -> None:
        """One round for the jobs."""
        lifecycle = self._services.lifecycle
        await self._try(
            lifecycle.lose_lost, lifecycle.abandon_overdue, lifecycle.wake_unwoken, lifecycle.expire_due, self._forget
        )

    async def clean(self) -> None:
        """One round for the store."""
        await self._try(self._cleaner.clean)

    async def find_orphans(self) -> None:
        """One round for what no job knows."""
        await self._try(self._orphans.remove)

    async def _try(self, *steps: Callable[[], Awaitable[object]]) -> None:
        """A step that can't be done now is done in a later round, and keeps none of the others from being done."""
        for step in steps:
            try:
                await step()
            except HaulageError as error:
                log.warning("sweep_failed", step=step.__name__, reason=error.message)
            except Exception:
                log.exception("sweep_broke", step=step.__name__)

    async def _forget(self) -> None:
        """Removes the rows of jobs that were dropped, or ended long ago."""
        async with self._services.database.begin() as connection:
            old = await sweeps.find_dropped(connection, 100)
            old += await sweeps.find_forgettable(connection, self._services.settings.job_retention, 100)
            if old:
                await sweeps.delete_jobs(connection, old)
                log.info("jobs_forgotten", count=len(old))
