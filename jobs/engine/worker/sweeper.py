"""Repairs what was lost in between, and does what is due: expired leases, lost wake-ups, expired results, cleanup."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from random import uniform

import structlog

from jobs.concurrency import run_forever
from jobs.engine.engine import Engine
from jobs.engine.jobs import Job
from jobs.engine.lifecycle import SWEEP_BATCH
from jobs.engine.sql import sweeps
from jobs.engine.sql.sweeps import Sweep
from jobs.engine.worker.retention import Retention
from jobs.engine.worker.work import Work
from jobs.errors import HaulageError
from jobs.kinds import Kind

log = structlog.get_logger()

Step = Callable[[], Awaitable[object]]

ORPHANS_INTERVAL = 4 * 3600.0
"""Most seconds between two searches for orphaned objects; each worker picks half of them or more at random."""
PARTITIONS_INTERVAL = 3600.0
"""The same of two checks for partitions to make and to remove."""
WAKE_UPS = 1_000
"""Jobs whose wake-ups are enqueued at once. A backlog that Redis has lost is enqueued again within a few rounds."""
MOST_REST = 0.1
"""Most seconds between two batches of a bulk action."""
CLEANUPS = 20
"""Jobs whose leftover objects are removed in one round."""
CLEANUP_RETRY = 60.0
"""Seconds after which a cleanup that did not finish is due again."""
RARELY = 30
"""Rounds between two sweeps for what is counted in hours and days: deadlines, retention."""
CHECKS_PER_LEASE = 5
"""Checks for expired leases within the time of one lease, at least. They also show whether PostgreSQL responds."""


class Sweeper:
    """Checks every `SWEEP_INTERVAL` seconds, and at least `CHECKS_PER_LEASE` times a lease, what there is to do."""

    def __init__(self, engine: Engine, works: Mapping[Kind, Work], name: str = "sweeper") -> None:
        """`name`: the worker whose bulk actions it continues."""
        self._engine = engine
        self._name = name
        self._works = works
        self._retention = Retention(engine.database, engine.settings.job_retention)
        self._reachable_since: float | None = None
        """Since when, on the loop's clock, workers can reach PostgreSQL; None before the first check."""
        self._last_response: float | None = None
        """When, on the loop's clock, PostgreSQL responded last; at first, when it was queried first."""
        self._steps: dict[Sweep, Step] = {
            Sweep.LOST: self.lose_expired_leases,
            Sweep.OVERDUE: self.enqueue_overdue,
            Sweep.EXPIRING: self._expire_results,
            Sweep.CLEANUP: self.clean_up,
            Sweep.ACTIONS: self.continue_actions,
        }
        self._wanted = {sweep: asyncio.Event() for sweep in self._steps}
        """Set by a check that found something to do."""

    async def run(self) -> None:
        """Sweeps until it is cancelled."""
        settings = self._engine.settings
        seldom = settings.sweep_interval * RARELY
        await run_forever(
            self._repeat(self._check, min(settings.sweep_interval, settings.lease_ttl / CHECKS_PER_LEASE)),
            *(self._run_when_wanted(sweep) for sweep in self._steps),
            *(self._repeat(step, seldom) for step in (self._abandon, self._lapse, self._retention.delete_rows)),
            self._repeat(self._retention.keep_partitions, _spread(PARTITIONS_INTERVAL)),
            *(self._repeat(work.remove_orphans, _spread(ORPHANS_INTERVAL)) for work in self._works.values()),
        )

    async def _repeat(self, step: Step, pause: float) -> None:
        while True:
            await asyncio.sleep(pause)
            await self._try(step)

    async def _run_when_wanted(self, sweep: Sweep) -> None:
        while True:
            await self._wanted[sweep].wait()
            self._wanted[sweep].clear()
            await self._try(self._steps[sweep])

    async def sweep(self) -> None:
        """Runs one round of all sweeps of rows."""
        steps: tuple[Step, ...] = (
            self.lose_expired_leases,
            self._abandon,
            self._lapse,
            self.enqueue_overdue,
            self._expire_results,
            self._retention.delete_rows,
            self._retention.keep_partitions,
        )
        for step in steps:
            await self._try(step)

    async def _try(self, step: Step) -> None:
        """What fails now is done in a later round."""
        try:
            await step()
        except HaulageError as error:
            log.warning("sweep_failed", step=step.__name__, reason=error.message)
        except Exception:
            log.exception("sweep_failed", step=step.__name__)

    async def _check(self) -> None:
        for sweep in (await self._find_due()).sweeps:
            self._wanted[sweep].set()

    async def _find_due(self) -> sweeps.Due:
        """What there is to do. The response also shows that PostgreSQL is reachable, for `_can_trust_expired_leases`."""
        settings, clock = self._engine.settings, asyncio.get_running_loop().time
        if self._last_response is None:
            self._last_response = clock()
        due = await sweeps.find_due(self._engine.database, settings.wake_grace)
        now = clock()
        if self._reachable_since is None:
            self._reachable_since = now - due.uptime
        if now - self._last_response > settings.lease_ttl / 2:
            self._reachable_since = now
        self._last_response = now
        return due

    def _can_trust_expired_leases(self) -> bool:
        """Whether PostgreSQL has been reachable long enough for every live worker to renew its leases.

        After an outage of half a lease or more, all leases may have expired, and each live worker renews its own soon.
        """
        settings = self._engine.settings
        if self._last_response is None or self._reachable_since is None:
            return False
        return self._last_response - self._reachable_since >= settings.heartbeat_interval + settings.heartbeat_timeout

    async def lose_expired_leases(self) -> None:
        """Takes over the jobs of workers that did not renew their leases, unless PostgreSQL was unreachable for them."""
        due = await self._find_due()  # again: there may have been an outage since the last check
        if Sweep.LOST in due.sweeps and self._can_trust_expired_leases():
            await _until_done(self._engine.lifecycle.lose_expired_leases)

    async def enqueue_overdue(self) -> int:
        """Enqueues wake-ups again for jobs that no worker has claimed since they were due. Returns their number."""
        engine, total = self._engine, 0
        for kind in Kind:
            due = await sweeps.find_overdue(engine.database, kind, engine.settings.wake_grace, WAKE_UPS)
            if due:
                await engine.queue.enqueue_missing(kind, due)
            total += len(due)
        return total

    async def _abandon(self) -> None:
        await _until_done(self._engine.lifecycle.abandon_past_deadline)

    async def _lapse(self) -> None:
        await _until_done(self._engine.lifecycle.lapse_incomplete)

    async def _expire_results(self) -> None:
        await _until_done(self._engine.lifecycle.expire_due)

    async def clean_up(self) -> None:
        """Removes the leftover objects of jobs that are due for it. A cleanup that fails is due again a minute later."""
        async with self._engine.database.begin() as connection:
            due = await sweeps.claim_cleanups(connection, CLEANUP_RETRY, CLEANUPS)
        for job, now in due:
            try:
                next_at = await self._works[job.kind].clean_up(job, now)
                if job.cleanup_at is not None:
                    async with self._engine.database.begin() as connection:
                        await sweeps.finish_cleanup(connection, job.id, job.cleanup_at, next_at)
            except HaulageError as error:
                log.warning("cleanup_failed", job_id=str(job.id), reason=error.message)

    async def continue_actions(self) -> None:
        """Does the bulk actions that are due. After each batch it rests for as long as that took, so that others go on."""
        clock = asyncio.get_running_loop().time
        began = clock()
        while await self._engine.bulk.continue_next(self._name):
            await asyncio.sleep(min(clock() - began, MOST_REST))
            began = clock()


def _spread(interval: float) -> float:
    """Half of the interval or more: workers that start together do not do it together, and none does it all the time."""
    return uniform(interval / 2, interval)  # noqa: S311 - spreads work


async def _until_done(sweep: Callable[[], Awaitable[list[Job]]]) -> None:
    """Sweeps batch by batch, so that transactions are short and no job waits for the next round."""
    while len(await sweep()) >= SWEEP_BATCH:
        pass
