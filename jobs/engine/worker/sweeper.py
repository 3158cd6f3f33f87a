"""Mends what died in between: lost leases, lost wake-ups, results whose time is over, litter, old rows.

Every worker sweeps; `SKIP LOCKED` shares the work among them. One statement asks for all that is counted in seconds, so an
idle worker costs next to nothing. Each kind of sweep is done by a task of its own: one that waits, for Redis or for the
store, holds up none of the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import uniform

import structlog

from jobs.bundles.cleanup import Cleaner
from jobs.bundles.orphans import Orphans
from jobs.concurrency import keep_running
from jobs.engine.jobs import Job
from jobs.engine.lifecycle import SWEEP_BATCH
from jobs.engine.sql import sweeps
from jobs.engine.sql.sweeps import Kind
from jobs.errors import HaulageError
from jobs.services import Services

log = structlog.get_logger()

Step = Callable[[], Awaitable[object]]

ORPHANS_INTERVAL = 4 * 3600.0
"""Longest time in seconds between two looks for what no job knows; each worker takes a random share of it."""
RINGS = 1_000
"""Jobs that are rung for at once: a backpressure that Redis has lost is known to it again after a few rounds."""
FORGOTTEN = 100
"""Jobs whose rows are removed in one transaction."""
SELDOM = 30
"""Rounds to each of those for what is counted in hours and days: jobs that wait too long, old rows."""
LOOKS = 5
"""Looks for lost leases within the time of one lease, at least: so often is PostgreSQL asked whether it answers, too."""


class Sweeper:
    """Looks every `SWEEP_INTERVAL` seconds, and at least `LOOKS` times in a lease, for what there is to do."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._cleaner = Cleaner(services)
        self._orphans = Orphans(services)
        self._heard_since: float | None = None
        """When, on the loop's clock, workers began to be heard by PostgreSQL; None before that was asked."""
        self._answered: float | None = None
        """When, on the loop's clock, PostgreSQL answered last; at first, when it was asked first."""
        self._steps: dict[Kind, Step] = {
            Kind.LOST: self.lose,
            Kind.UNWOKEN: self.wake,
            Kind.EXPIRING: self._expire,
            Kind.LITTERING: self._cleaner.clean,
        }
        self._wanted = {kind: asyncio.Event() for kind in self._steps}
        """Set by a look that has found something to do."""

    async def run(self) -> None:
        """Sweeps until it is cancelled."""
        settings = self._services.settings
        await keep_running(
            self._repeat(self._look, min(settings.sweep_interval, settings.lease_ttl / LOOKS)),
            *(self._answer(kind) for kind in self._steps),
            *(self._repeat(step, settings.sweep_interval * SELDOM) for step in (self._abandon, self._forget)),
            self._repeat(self._orphans.remove, uniform(0, ORPHANS_INTERVAL)),  # noqa: S311
        )

    async def _repeat(self, step: Step, pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            await self._try(step)

    async def _answer(self, kind: Kind) -> None:
        while True:
            await self._wanted[kind].wait()
            self._wanted[kind].clear()
            await self._try(self._steps[kind])

    async def sweep(self) -> None:
        """One round for the jobs."""
        for step in (self.lose, self._abandon, self.wake, self._expire, self._forget):
            await self._try(step)

    async def clean(self) -> None:
        """One round for the store."""
        await self._try(self._cleaner.clean)

    async def _try(self, step: Step) -> None:
        """What can't be done now is done in a later round."""
        try:
            await step()
        except HaulageError as error:
            log.warning("sweep_failed", step=step.__name__, reason=error.message)
        except Exception:
            log.exception("sweep_broke", step=step.__name__)

    async def _look(self) -> None:
        for kind in (await self._ask()).kinds:
            self._wanted[kind].set()

    async def _ask(self) -> sweeps.Due:
        """What there is to do. The answer also shows that PostgreSQL answers: it is noted for `_silence_counts`."""
        settings, clock = self._services.settings, asyncio.get_running_loop().time
        if self._answered is None:
            self._answered = clock()
        due = await sweeps.look(self._services.database, settings.wake_grace)
        now = clock()
        if self._heard_since is None:
            self._heard_since = now - due.uptime
        if now - self._answered > settings.lease_ttl / 2:
            self._heard_since = now
        self._answered = now
        return due

    def _silence_counts(self) -> bool:
        """Whether every worker that lives had the time to be heard by PostgreSQL until that answered last.

        After an outage that took half a lease all leases may have run out, and each worker that lives renews its own soon.
        """
        settings = self._services.settings
        if self._answered is None or self._heard_since is None:
            return False
        return self._answered - self._heard_since >= settings.heartbeat_interval + settings.heartbeat_timeout

    async def lose(self) -> None:
        """Takes the jobs of silent workers from them, unless it was PostgreSQL that could not hear them."""
        due = await self._ask()  # again: since the last look there may have been an outage
        if Kind.LOST in due.kinds and self._silence_counts():
            await _while_full(self._services.lifecycle.lose_lost)

    async def wake(self) -> int:
        """Rings again for the jobs that nobody has taken since they were due; returns how many those are."""
        due = await sweeps.find_unwoken(self._services.database, self._services.settings.wake_grace, RINGS)
        if due:
            await self._services.queue.wake_again([(job.id, job.fence) for job in due])
        return len(due)

    async def _abandon(self) -> None:
        """Ends the jobs that have waited for another attempt for longer than they may."""
        await _while_full(self._services.lifecycle.abandon_overdue)

    async def _expire(self) -> None:
        """Expires the results whose time is over."""
        await _while_full(self._services.lifecycle.expire_due)

    async def _forget(self) -> None:
        """Removes the rows of jobs that were dropped, or ended long ago."""
        async with self._services.database.begin() as connection:
            old = await sweeps.find_dropped(connection, FORGOTTEN)
            old += await sweeps.find_forgettable(connection, self._services.settings.job_retention, FORGOTTEN)
            if old:
                await sweeps.delete_jobs(connection, old)
                log.info("jobs_forgotten", count=len(old))


async def _while_full(sweep: Callable[[], Awaitable[list[Job]]]) -> None:
    """Sweeps batch by batch: short transactions, and nobody waits for the next round."""
    while len(await sweep()) >= SWEEP_BATCH:
        pass
