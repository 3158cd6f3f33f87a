"""Runs one job on behalf of a worker: claim, attempt, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
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


@dataclass(slots=True)
class Held:
    """A job that this worker holds."""

    job: Job
    task: asyncio.Task[None]
    renewed: float
    """When the last good heartbeat was sent, on the loop's clock."""
    draining: bool = False
    """It is to be given back, rather than thrown away, when it is stopped."""
    stopped: bool = False
    """It has noticed that it was stopped, and only tidies up."""

    def stop(self) -> None:
        if not self.stopped:
            self.task.cancel()


class Runner:
    """Claims and runs jobs, so many at once; `held` is what it holds at the moment."""

    def __init__(self, services: Services, name: str) -> None:
        settings = services.settings
        self.held: dict[UUID, Held] = {}
        self._services = services
        self._name = name
        self._slots = asyncio.Semaphore(settings.worker_concurrency)
        self._running: set[asyncio.Task[None]] = set()
        self._packer = Packer(
            Reader(services.blobs.objects, settings), services.blobs.uploads, Budget(settings.worker_memory_budget)
        )

    async def run(self, job_id: UUID, fence: int) -> None:
        """Runs the job if it is still to be had at this fence; otherwise does nothing.

        A caller that is cancelled no longer waits for the job, which runs on: only `drain` and `drop` end it.
        """
        await self._slots.acquire()
        task = asyncio.create_task(self._claim_and_hold(job_id, fence))
        self._running.add(task)
        task.add_done_callback(self._finished)
        await asyncio.wait([task])

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._slots.release()
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("runner_broke", exc_info=error)

    async def _claim_and_hold(self, job_id: UUID, fence: int) -> None:
        asked = asyncio.get_running_loop().time()
        try:
            claimed = await self._services.lifecycle.claim(job_id, fence, self._name)
        except DatabaseUnavailable as error:
            log.warning("claim_failed", job_id=str(job_id), reason=error.message)
            return
        task = asyncio.current_task()
        if claimed is None or task is None:
            return
        self.held[job_id] = Held(claimed.job, task, asked)
        try:
            await self._hold(claimed)
        finally:
            del self.held[job_id]

    async def drain(self, patience: float) -> None:
        """Lets the held jobs finish for so many seconds, then gives the rest back."""
        if self._running and patience:
            await asyncio.wait(self._running, timeout=patience)
        while self._running:
            for held in self.held.values():
                held.draining = True
                held.stop()
            await asyncio.wait(self._running, timeout=0.2)  # again: a cancellation can get lost (see `concurrency.end`)

    def drop(self, job_id: UUID) -> None:
        """Stops a job that is no longer this worker's: somebody cancelled it, or its lease ran out."""
        held = self.held.get(job_id)
        if held is not None:
            log.info("job_dropped", job_id=str(job_id), fence=held.job.fence)
            held.stop()

    async def _hold(self, claimed: Claimed) -> None:
        with structlog.contextvars.bound_contextvars(job_id=str(claimed.job.id), fence=claimed.job.fence):
            log.info("attempt_started", attempt=claimed.job.attempt, files=len(claimed.records))
            try:
                await self._attempt(claimed)
            except asyncio.CancelledError:
                await self._release(claimed.job)
            except StaleFence:
                log.info("attempt_discarded")
            except DatabaseUnavailable as error:
                log.warning("attempt_unsettled", reason=error.message)  # its lease runs out, and another takes it

    async def _attempt(self, claimed: Claimed) -> None:
        try:
            result = await self._timed(claimed)
        except (StaleFence, DatabaseUnavailable):
            raise
        except Exception as error:  # noqa: BLE001 - whatever ends an attempt becomes the job's failure
            await self._services.lifecycle.fail(claimed.job, _failure_of(error))
        else:
            await self._services.lifecycle.succeed(claimed.job, result)

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

    async def _release(self, job: Job) -> None:
        """Gives the job back when the worker drains; a job that was dropped is somebody else's already."""
        held = self.held[job.id]
        held.stopped = True
        if not held.draining:
            return
        with suppress(StaleFence, DatabaseUnavailable):
            await self._services.lifecycle.release(job)


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
