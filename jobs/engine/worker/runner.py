"""Runs the jobs of one kind in a worker: claims them, runs an attempt of each, and writes its outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

import structlog

from jobs.breakers import Circuit
from jobs.concurrency import cancel_and_wait
from jobs.engine.engine import Engine
from jobs.engine.jobs import Failure, Job, Turn
from jobs.engine.lifecycle import Claimed, trace_field
from jobs.engine.sql.sweeps import seconds_until_due
from jobs.engine.sql.workers import Orders
from jobs.engine.worker.outcomes import Outcome, Outcomes, Parked, Released
from jobs.engine.worker.reporter import Reporter
from jobs.engine.worker.work import Dependency, Success, Work
from jobs.errors import AttemptTimeout, DatabaseUnavailable, QueuePaused, StaleFence
from jobs.kinds import Kind
from jobs.tracing.spans import Span, running

log = structlog.get_logger()


CLAIM_PAUSE = 0.5
"""Seconds between two reads of whether a claim was committed."""


@dataclass(slots=True)
class HeldJob:
    """A job that this worker holds."""

    job: Job
    task: asyncio.Task[None]
    renewed_at: float
    """When the last successful renewal of its lease was sent, on the loop's clock."""
    releasing: bool = False
    """When it is stopped, it is given back instead of discarded."""
    ended: bool = False
    """Its attempt has ended: nothing may stop it from writing the outcome."""

    @property
    def turn(self) -> Turn:
        return (self.job.id, self.job.fence)

    def discard(self) -> None:
        """Stops a job that is no longer this worker's: it was cancelled, or another worker took it over.

        One that has ended may be so because its outcome was written just now. If not, whoever writes it will find out.
        """
        if self.ended:
            return
        log.info("lease_lost", job_id=str(self.job.id), fence=self.job.fence)
        self.task.cancel()

    def release(self) -> None:
        """Stops a job and gives it back, without charging the attempt."""
        self.releasing = True
        if not self.ended:
            self.task.cancel()


class Runner:
    """Claims and runs jobs. `held` are the jobs that it holds; `room_changed` is called whenever `room` may change."""

    def __init__(self, engine: Engine, work: Work, name: str) -> None:
        self.held: dict[Turn, HeldJob] = {}
        self.room_changed: Callable[[], None] = lambda: None
        self._is_paused = False
        """The queue of its kind is paused, as far as this worker knows: a claim would be refused."""
        self._is_draining = False
        self._engine = engine
        self._work = work
        self._name = name
        self._tasks: set[asyncio.Task[None]] = set()
        self._outcomes = Outcomes(engine)

    @property
    def kind(self) -> Kind:
        return self._work.kind

    @property
    def concurrency(self) -> int:
        """How many jobs it runs at once."""
        return self._work.concurrency

    @property
    def dependencies(self) -> Sequence[Dependency]:
        return self._work.dependencies

    @property
    def room(self) -> int:
        """How many more jobs may be claimed: none while the store, or what this kind of work needs, is unavailable.

        None either while the worker drains, or the queue is paused. A job that is being claimed or stopped takes a place,
        too.
        """
        if self._is_paused or self._is_draining:
            return 0
        breakers = (self._engine.storage.bucket.breaker, *(needed.breaker for needed in self.dependencies))
        if any(breaker.state is not Circuit.CLOSED for breaker in breakers):
            return 0
        return max(0, self._work.concurrency - len(self._tasks))

    def obey(self, orders: Orders) -> None:
        """Claims nothing while an operator does not want it."""
        self._is_paused, self._is_draining = self.kind in orders.paused, orders.draining
        self.room_changed()

    async def deliver(self, job_id: UUID, fence: int) -> float | None:
        """Claims the job of a wake-up. Returns in how many seconds to deliver the wake-up again, None if not at all.

        It is delivered again at once if there is no room, or the queue is paused, and later if the job is not due yet
        because the clock of the sender is behind.
        """
        if not self.room:
            return 0
        await self.claim(job_id, fence)
        if self._is_paused:
            return 0
        if (job_id, fence + 1) not in self.held:
            with suppress(DatabaseUnavailable):
                async with self._engine.database.reading() as connection:
                    return await seconds_until_due(connection, job_id, fence)
        return None

    async def claim(self, job_id: UUID, fence: int) -> None:
        """Claims the job, if it is still at this fence. Returns once that is decided; the job then runs in a task.

        Without room it is left to other workers, or to the sweeper, which enqueues its wake-up again.
        """
        if not self.room:
            return
        decided = asyncio.Event()
        task = asyncio.create_task(self._claim_and_run(job_id, fence, decided))
        self._tasks.add(task)
        self.room_changed()
        task.add_done_callback(self._ended)
        await decided.wait()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self.room_changed()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("runner_failed", exc_info=error)

    async def _claim_and_run(self, job_id: UUID, fence: int, decided: asyncio.Event) -> None:
        requested_at = asyncio.get_running_loop().time()
        try:
            claimed = await self._engine.lifecycle.claim(job_id, fence, self._name)
        except QueuePaused:
            self._is_paused = True  # until a heartbeat says that it was resumed
            return
        except DatabaseUnavailable as error:
            log.warning("claim_failed", job_id=str(job_id), reason=error.message)
            decided.set()
            await self._release_if_claimed(job_id, fence)
            return
        finally:
            decided.set()
        task = asyncio.current_task()
        if claimed is None or task is None:
            return
        held = HeldJob(claimed.job, task, requested_at)
        self.held[held.turn] = held
        try:
            with (
                structlog.contextvars.bound_contextvars(
                    job_id=str(job_id), fence=held.job.fence, **trace_field(held.job)
                ),
                running(self._begin_span(claimed)) as span,
            ):
                await self._run(held, claimed, span)
        finally:
            del self.held[held.turn]

    async def _release_if_claimed(self, job_id: UUID, fence: int) -> None:
        """A claim whose response was lost may have been committed. If so, releases the job once that can be read."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + self._engine.settings.lease_ttl
        while clock() < deadline:
            try:
                snapshot = await self._engine.snapshots.read(job_id)
            except DatabaseUnavailable:
                await asyncio.sleep(CLAIM_PAUSE)
                continue
            if snapshot is not None and (snapshot.job.worker, snapshot.job.fence) == (self._name, fence + 1):
                await self._outcomes.write(snapshot.job, Released())
            return

    def _begin_span(self, claimed: Claimed) -> Span:
        """The span of the attempt, which is linked to that of the attempt before."""
        tracer, job = self._engine.tracer, claimed.job
        span = tracer.resume("attempt", job.traceparent, job_id=job.id, fence=job.fence)
        if span.traceparent is not None:
            span.set(
                {
                    "haulage.job.id": str(job.id),
                    "haulage.job.kind": job.kind,
                    "haulage.attempt": job.attempt,
                    "haulage.fence": job.fence,
                    "haulage.files": len(claimed.records),
                    "haulage.worker": self._name,
                }
            )
            if claimed.previous is not None:
                span.link(tracer.attempt_traceparent(span.traceparent, job_id=job.id, fence=claimed.previous))
        return span

    async def _run(self, held: HeldJob, claimed: Claimed, span: Span) -> None:
        """Runs an attempt and writes its outcome, unless the job is no longer this worker's."""
        log.info("attempt_started", kind=self.kind, attempt=held.job.attempt, files=len(claimed.records))
        reporter = Reporter(claimed.job, claimed.records, self._engine.lifecycle, self._engine.feed)
        try:
            outcome = await self._attempt(held, claimed, reporter)
        except StaleFence:
            log.info("attempt_discarded")
            span.set({"haulage.outcome": "discarded"})
            return
        except asyncio.CancelledError:
            if not held.releasing:
                span.set({"haulage.outcome": "discarded"})
                return
            outcome = Released()
        held.ended = True
        released = held.releasing and not isinstance(outcome, Success)
        outcome = Released() if released else outcome
        _record_outcome(span, outcome, reporter)
        await self._outcomes.write(held.job, outcome, reporter.last_batch(), reporter.notices)

    async def _attempt(self, held: HeldJob, claimed: Claimed, reporter: Reporter) -> Outcome:
        started_at, limit = monotonic(), self._work.time_limit
        try:
            async with _reporting(reporter), asyncio.timeout(limit) as timeout:
                if self._work.progress_extends:
                    clock = asyncio.get_running_loop().time
                    reporter.on_read = lambda: None if timeout.expired() else timeout.reschedule(clock() + limit)
                success = await self._work.attempt(claimed, reporter)
                held.ended = True  # only the outcome is left to be written
                return success
        except StaleFence:
            raise
        except Exception as error:  # noqa: BLE001 - whatever ends an attempt becomes the job's failure
            if isinstance(error, TimeoutError):
                what = "made no progress for" if self._work.progress_extends else "took longer than"
                error = AttemptTimeout(f"The attempt {what} {limit:g} s.")
            return await self._outcomes.judge(error, started_at=started_at, made_progress=reporter.made_progress)

    async def drain(self, patience: float, handback: float) -> None:
        """Lets the held jobs finish for `patience` seconds, then releases the rest, which may take `handback` seconds.

        A job that could not be released by then is lost when its lease expires.
        """
        if self._tasks and patience:
            await asyncio.wait(self._tasks, timeout=patience)
        clock = asyncio.get_running_loop().time
        deadline = clock() + handback
        while self._tasks and clock() < deadline:
            for held in self.held.values():
                held.release()
            await asyncio.wait(self._tasks, timeout=0.2)  # and again: a cancellation can be lost (`cancel_and_wait`)
        if self._tasks:
            log.warning("drain_expired", jobs=len(self._tasks))
            await cancel_and_wait(*self._tasks)


_OUTCOMES: dict[type[Outcome], str] = {
    Success: "succeeded",
    Failure: "failed",
    Parked: "parked",
    Released: "released",
}


def _record_outcome(span: Span, outcome: Outcome, reporter: Reporter) -> None:
    """Records how the attempt has ended, and why, by the class of its error."""
    span.set({"haulage.bytes": reporter.progress.bytes_done, "haulage.outcome": _OUTCOMES[type(outcome)]})
    failure = outcome.failure if isinstance(outcome, Parked) else outcome
    if isinstance(failure, Failure):
        span.fail(failure.error_class)


@asynccontextmanager
async def _reporting(reporter: Reporter) -> AsyncIterator[None]:
    """Reports while the block runs. The block is cancelled if the reporter sees a stale fence."""
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
        await cancel_and_wait(reporting)
