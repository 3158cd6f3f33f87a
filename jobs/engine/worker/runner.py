"""Runs jobs on behalf of a worker: claims them, holds them, makes attempts at them, drains them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import structlog

from jobs.breakers import Circuit
from jobs.bundles.attempt import Attempt, Reused
from jobs.bundles.packing.memory_budget import Budget
from jobs.bundles.packing.packer import Packer
from jobs.bundles.packing.reader import Reader
from jobs.concurrency import end
from jobs.engine.jobs import Job, Result
from jobs.engine.lifecycle import Claimed
from jobs.engine.worker.outcomes import Outcome, Outcomes, Returned
from jobs.engine.worker.reporter import Reporter
from jobs.errors import (
    AttemptTimeout,
    DatabaseUnavailable,
    HaulageError,
    StaleFence,
)
from jobs.services import Services

log = structlog.get_logger()


CLAIM_PAUSE = 0.5
"""Seconds between two looks whether a claim came through."""
PROBE_INTERVAL = 1.0
"""Seconds between two looks at the store's circuit; whether the store is back is tried when that is half open."""


Turn = tuple[UUID, int]
"""A job at a fence. A job that was cancelled and retried can have an older turn that still winds down here."""


@dataclass(slots=True)
class Held:
    """A job that this worker holds."""

    job: Job
    task: asyncio.Task[None]
    renewed: float
    """When the last good heartbeat was sent, on the loop's clock."""
    returning: bool = False
    """It is to be given back, rather than thrown away, when it is stopped."""
    settling: bool = False
    """Its work is over, one way or the other: nothing may stop it from writing down which."""

    @property
    def turn(self) -> Turn:
        return (self.job.id, self.job.fence)

    def stop(self) -> None:
        if not self.settling:
            self.task.cancel()


class Runner:
    """Claims and runs jobs; `held` is what it holds at the moment, `changed` is called whenever `room` does."""

    def __init__(self, services: Services, name: str) -> None:
        settings = services.settings
        self.held: dict[Turn, Held] = {}
        self.changed: Callable[[], None] = lambda: None
        self._services = services
        self._name = name
        self._running: set[asyncio.Task[None]] = set()
        self._outcomes = Outcomes(services)
        self._packer = Packer(
            Reader(services.storage.objects, settings),
            services.storage,
            Budget(settings.worker_memory_budget),
            settings.worker_concurrency,
        )

    @property
    def room(self) -> int:
        """How many more jobs may be taken: none while the store is out.

        One that is being claimed, or winds down, takes its place, too.
        """
        if self._services.storage.bucket.breaker.state is not Circuit.CLOSED:
            return 0
        return max(0, self._services.settings.worker_concurrency - len(self._running))

    async def take(self, job_id: UUID, fence: int) -> None:
        """Claims the job, if it is still to be had at this fence, and returns; the job then runs on by itself.

        Without room it is left to others, or to the sweeper, which rings for it again.
        """
        if not self.room:
            return
        decided = asyncio.Event()
        task = asyncio.create_task(self._claim_and_hold(job_id, fence, decided))
        self._running.add(task)
        self.changed()
        task.add_done_callback(self._finished)
        await decided.wait()

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self.changed()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("runner_broke", exc_info=error)

    async def _claim_and_hold(self, job_id: UUID, fence: int, decided: asyncio.Event) -> None:
        asked = asyncio.get_running_loop().time()
        try:
            claimed = await self._services.lifecycle.claim(job_id, fence, self._name)
        except DatabaseUnavailable as error:
            log.warning("claim_failed", job_id=str(job_id), reason=error.message)
            decided.set()
            await self._undo_claim(job_id, fence)
            return
        finally:
            decided.set()
        task = asyncio.current_task()
        if claimed is None or task is None:
            return
        held = Held(claimed.job, task, asked)
        self.held[held.turn] = held
        try:
            await self._hold(held, claimed)
        finally:
            del self.held[held.turn]

    async def _undo_claim(self, job_id: UUID, fence: int) -> None:
        """A claim whose answer was lost may have come through: then the job is given back, once that can be seen."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._services.settings.lease_ttl
        while clock() < deadline:
            try:
                snapshot = await self._services.snapshots.read(job_id)
            except DatabaseUnavailable:
                await asyncio.sleep(CLAIM_PAUSE)
                continue
            if snapshot is not None and (snapshot.job.worker, snapshot.job.fence) == (self._name, fence + 1):
                await self._outcomes.settle(snapshot.job, Returned())
            return

    async def drain(self, patience: float, handback: float) -> None:
        """Lets the held jobs finish for so many seconds, then gives the rest back, which may take `handback` seconds.

        One that could not be given back by then is lost when its lease ends.
        """
        if self._running and patience:
            await asyncio.wait(self._running, timeout=patience)
        clock = asyncio.get_running_loop().time
        deadline = clock() + handback
        while self._running and clock() < deadline:
            for held in self.held.values():
                self.give_back(held)
            await asyncio.wait(self._running, timeout=0.2)  # again: a cancellation can get lost (see `concurrency.end`)
        if self._running:
            log.warning("drain_overdue", jobs=len(self._running))
            await end(*self._running)

    def drop(self, held: Held) -> None:
        """Stops a job that is no longer this worker's: somebody cancelled it, or took it."""
        log.info("job_dropped", job_id=str(held.job.id), fence=held.job.fence)
        held.stop()

    def give_back(self, held: Held) -> None:
        """Stops a job that another worker may have, uncharged."""
        held.returning = True
        held.stop()

    async def _hold(self, held: Held, claimed: Claimed) -> None:
        with structlog.contextvars.bound_contextvars(job_id=str(held.job.id), fence=held.job.fence):
            log.info("attempt_started", attempt=held.job.attempt, files=len(claimed.records))
            try:
                outcome = await self._attempt(held, claimed)
            except StaleFence:
                log.info("attempt_discarded")
                return
            except asyncio.CancelledError:
                if not held.returning:  # it was dropped, and is somebody else's already
                    return
                outcome = Returned()
            held.settling = True
            returned = held.returning and not isinstance(outcome, (Result, Reused))
            await self._outcomes.settle(held.job, Returned() if returned else outcome)

    async def _attempt(self, held: Held, claimed: Claimed) -> Outcome:
        services = self._services
        reporter = Reporter(claimed.job, claimed.records, services.lifecycle, services.feed)
        begun = monotonic()
        try:
            return await self._timed(held, claimed, reporter)
        except StaleFence:
            raise
        except Exception as error:  # noqa: BLE001 - whatever ends an attempt becomes the job's failure
            return await self._outcomes.judge(error, begun=begun, gained=reporter.gained)

    async def probe(self) -> None:
        """While the store is out, looks whether it is back, until it is cancelled."""
        storage = self._services.storage
        while True:
            await asyncio.sleep(PROBE_INTERVAL)
            if storage.bucket.breaker.state is Circuit.HALF_OPEN:
                with suppress(HaulageError):
                    await storage.prove()
            self.changed()

    async def _timed(self, held: Held, claimed: Claimed, reporter: Reporter) -> Result | Reused:
        services = self._services
        attempt = Attempt(
            claimed,
            reporter,
            lifecycle=services.lifecycle,
            resolver=services.resolver,
            packer=self._packer,
            storage=services.storage,
            settings=services.settings,
        )
        limit = services.settings.job_timeout
        try:
            async with asyncio.timeout(limit), _reporting(reporter):
                result = await attempt.run()
                held.settling = True  # from here on it is only a matter of writing it down
                return result
        except TimeoutError as error:
            raise AttemptTimeout(f"The attempt took longer than {limit:g} s.") from error
        finally:
            await asyncio.shield(_last_flush(reporter))


@asynccontextmanager
async def _reporting(reporter: Reporter) -> AsyncIterator[None]:
    """Reports while the block runs; what ends the reporting (a stale fence) ends the block."""
    block = asyncio.current_task()
    assert block is not None
    reporting = asyncio.create_task(reporter.run())
    reporting.add_done_callback(lambda task: task.cancelled() or block.cancel())
    try:
        yield
    except asyncio.CancelledError:
        if not reporting.done():
            raise
        block.uncancel()
        reporting.result()
    finally:
        await end(reporting)


async def _last_flush(reporter: Reporter) -> None:
    """A result is not lost for it: what could not be written is known again when the job has ended."""
    try:
        await reporter.flush()
    except HaulageError as error:
        log.info("last_flush_failed", reason=error.message)
    except Exception:
        log.exception("last_flush_broke")
