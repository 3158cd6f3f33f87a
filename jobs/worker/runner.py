"""Runs one job on behalf of a worker: claim, attempt, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import structlog

from jobs.concurrency import end
from jobs.domain.errors import AttemptTimeout, DatabaseUnavailable, ErrorClass, HaulageError, StaleFence
from jobs.domain.jobs import FailureNote, Job, Result
from jobs.lifecycle import Claimed
from jobs.packing.budget import Budget
from jobs.packing.packer import Packer
from jobs.packing.reader import Reader
from jobs.services import Services
from jobs.worker.attempt import Attempt, note_of
from jobs.worker.reporter import Reporter

log = structlog.get_logger()


SETTLE_PAUSE = 0.5
"""Seconds between two tries to write what became of an attempt."""

Turn = tuple[UUID, int]
"""A job at a fence. A job that was cancelled and retried can have an older turn that still winds down here."""


@dataclass(slots=True)
class Held:
    """A job that this worker holds."""

    job: Job
    task: asyncio.Task[None]
    renewed: float
    """When the last good heartbeat was sent, on the loop's clock."""
    draining: bool = False
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
        self._packer = Packer(
            Reader(services.blobs.objects, settings), services.blobs.uploads, Budget(settings.worker_memory_budget)
        )

    @property
    def room(self) -> int:
        """How many more jobs may be taken. One that is being claimed, or winds down, takes its place, too."""
        return max(0, self._services.settings.worker_concurrency - len(self._running))

    async def take(self, job_id: UUID, fence: int) -> None:
        """Claims the job, if it is still to be had at this fence, and returns; the job then runs on by itself."""
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

    async def drain(self, patience: float) -> None:
        """Lets the held jobs finish for so many seconds, then gives the rest back."""
        if self._running and patience:
            await asyncio.wait(self._running, timeout=patience)
        while self._running:
            for held in self.held.values():
                held.draining = True
                held.stop()
            await asyncio.wait(self._running, timeout=0.2)  # again: a cancellation can get lost (see `concurrency.end`)

    def drop(self, held: Held) -> None:
        """Stops a job that is no longer this worker's: somebody cancelled it, or its lease ran out."""
        log.info("job_dropped", job_id=str(held.job.id), fence=held.job.fence)
        held.stop()

    async def _hold(self, held: Held, claimed: Claimed) -> None:
        with structlog.contextvars.bound_contextvars(job_id=str(held.job.id), fence=held.job.fence):
            log.info("attempt_started", attempt=held.job.attempt, files=len(claimed.records))
            try:
                await self._settle(held, await self._attempt(claimed))
            except StaleFence:
                log.info("attempt_discarded")
            except DatabaseUnavailable as error:
                log.warning("attempt_unsettled", reason=error.message)  # its lease runs out, and another takes it
            except asyncio.CancelledError:
                held.settling = True
                if held.draining:  # else it was dropped, and is somebody else's already
                    with suppress(StaleFence, DatabaseUnavailable):
                        await self._services.lifecycle.release(held.job)

    async def _attempt(self, claimed: Claimed) -> Result | FailureNote:
        try:
            return await self._timed(claimed)
        except StaleFence:
            raise
        except Exception as error:  # noqa: BLE001 - whatever ends an attempt becomes the job's failure
            return _failure_of(error)

    async def _settle(self, held: Held, outcome: Result | FailureNote) -> None:
        """Writes what became of the attempt; again while the database is away, as long as a lease may last."""
        held.settling = True
        lifecycle = self._services.lifecycle
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._services.settings.lease_ttl
        while True:
            try:
                if isinstance(outcome, Result):
                    await lifecycle.succeed(held.job, outcome)
                else:
                    await lifecycle.fail(held.job, outcome)
            except DatabaseUnavailable:
                if clock() > deadline:
                    raise
                await asyncio.sleep(SETTLE_PAUSE)
            else:
                return

    async def _timed(self, claimed: Claimed) -> Result:
        services = self._services
        reporter = Reporter(claimed.job, claimed.records, services.lifecycle, services.feed)
        attempt = Attempt(
            claimed,
            reporter,
            lifecycle=services.lifecycle,
            resolver=services.resolver,
            packer=self._packer,
            blobs=services.blobs,
            settings=services.settings,
        )
        limit = services.settings.job_timeout
        try:
            async with asyncio.timeout(limit), _reporting(reporter):
                return await attempt.run()
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
    with suppress(HaulageError):
        await reporter.flush()


def _failure_of(error: Exception) -> FailureNote:
    if isinstance(error, HaulageError):
        log.warning("attempt_failed", code=error.code, error_class=error.error_class, reason=error.message)
        return note_of(error)
    log.error("attempt_broke", exc_info=error)
    return FailureNote(
        error_class=ErrorClass.INTERNAL,
        message=f"An internal error ended the attempt ({type(error).__name__}); the worker's log has the details.",
    )
