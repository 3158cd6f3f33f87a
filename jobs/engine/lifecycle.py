"""The life of a job: every command, from a person or a worker, is one transaction here.

A transaction locks the job, lets `transitions.apply` decide, and writes the job with its event. In the same transaction, a
kind of work writes its own rows (`within`), the owner's webhooks get a message of how the job ended, and operators a notice
of one that is dead. Followers are notified through `feed` and workers through `queue` after the commit, in the background.
These messages may be lost; the sweeper and the followers' comparison with PostgreSQL make up for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID
from weakref import WeakValueDictionary

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.backoff import delay
from jobs.database import Database
from jobs.engine.backpressure import Backpressure
from jobs.engine.events import event_of
from jobs.engine.fair_share import STEP, is_batch, next_place
from jobs.engine.job_ids import new_job_id
from jobs.engine.jobs import (
    WAITING,
    Batch,
    Failure,
    FileRecord,
    FileRequest,
    Job,
    Progress,
    Status,
    UploadPart,
)
from jobs.engine.messages import messages_of
from jobs.engine.sql import admissions, file_records, jobs, sweeps, upload_parts
from jobs.engine.sql.admissions import Admission
from jobs.engine.sql.jobs import Idempotency
from jobs.engine.transitions import (
    FIRST_CLAIM,
    Abandon,
    Cancel,
    Claim,
    Command,
    Delete,
    Expire,
    Fail,
    JobEvent,
    Lapse,
    Lose,
    Park,
    Release,
    Retry,
    Submit,
    Succeed,
    apply,
    created,
)
from jobs.engine.transport import Feed, Queue
from jobs.engine.wakeups.wake_up_buffer import to_place
from jobs.errors import (
    ErrorClass,
    IdempotencyKeyInFlight,
    IdempotencyKeyReused,
    IllegalTransition,
    JobNotFound,
)
from jobs.kinds import Kind, Phase
from jobs.metrics import ATTEMPTS, JOB_TIME, JOB_WAIT, JOBS_CREATED
from jobs.notices import Notice, NoticeKind, raise_notice
from jobs.owners import ANONYMOUS
from jobs.replica_reads import ReplicaReads
from jobs.settings import Settings
from jobs.tracing.spans import Span, Tracer, running, step
from jobs.webhooks.recording import add_messages

log = structlog.get_logger()

Within = Callable[[AsyncConnection, Job], Awaitable[None]]
"""Writes rows of a kind in the transaction of a transition, given the job after it. What it raises undoes both."""

WithinAll = Callable[[AsyncConnection, Sequence[Job]], Awaitable[None]]
"""The same in the transaction that creates several jobs."""

Receive = Callable[[AsyncConnection, Job], Awaitable[Progress]]
"""The same in the transaction that records which bytes of a receiving job have arrived; it returns its progress."""

SWEEP_BATCH = 10
"""Rows that one sweep moves in one transaction, so that it stays short. A full batch is followed by the next at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A validated request for a job."""

    kind: Kind
    owner: str
    files: Sequence[FileRequest]
    receive_for: float | None = None
    """Seconds in which its bytes have to arrive before it lapses; None if it needs none and is queued at once."""
    bytes_total: int | None = None
    """How many bytes have to arrive, if it is known."""
    admission: Admission | None = None
    """What its owner may start; None: anything."""
    batch: bool = False
    """Whether it is claimed only when no other job of its kind waits (`jobs.engine.fair_share`), also after a retry."""
    traceparent: str | None = None
    """The trace that its request has brought (`jobs.tracing.traceparent`)."""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A job that is created in the transaction that completes another one, and only there: neither is without the other.

    It is always admitted, so that no success fails because others are waiting: neither `MAX_QUEUED` nor `new.admission`
    holds it back.
    """

    new: NewJob
    within: Within | None = None
    """Writes the rows of its kind, given the new job. The rows of the completed job are written before."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that a worker now holds, and its files."""

    job: Job
    records: list[FileRecord]
    previous: int | None = None
    """The fence of the attempt before this one, if the job has a trace."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A transition that was written and is to be announced: the job after it, when, and the files that changed with it."""

    job: Job
    at: datetime
    records: Sequence[FileRecord]


class Lifecycle:
    """All commands on jobs. Each raises `DatabaseUnavailable` if the database is unavailable: then nothing has changed.

    Commands of workers raise `StaleFence` if the job has changed since the worker claimed it.
    """

    def __init__(
        self,
        database: Database,
        feed: Feed,
        queue: Queue,
        settings: Settings,
        random: Random | None = None,
        backpressure: Mapping[Kind, Backpressure] | None = None,
        batch_backpressure: Mapping[Kind, Backpressure] | None = None,
        tracer: Tracer | None = None,
        reads: ReplicaReads | None = None,
    ) -> None:
        """Without `backpressure`, any number of jobs may be queued; batch jobs have one of their own.

        Without a `tracer`, nothing is traced. Without `reads`, histories are read from `database`.
        """
        self._database = database
        self._feed = feed
        self._queue = queue
        self._settings = settings
        self._random = random or Random()  # noqa: S311 - jitter, not a secret
        self._backpressure = backpressure
        self._batch_backpressure = batch_backpressure
        self._tracer = tracer or Tracer()
        self._reads = reads or ReplicaReads(database)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def close(self) -> None:
        """Waits until all messages about committed changes have been sent or lost: a second at most."""
        await asyncio.gather(self._feed.flush(), self._queue.flush())

    async def queue_fill(self) -> float:
        """How full the fullest queue is, batch jobs apart: 1 if it admits no more jobs. Raises `DatabaseUnavailable`."""
        if self._backpressure is None:
            return 0.0
        async with self._database.reading() as connection:
            return max([await queue.fill(connection) for queue in self._backpressure.values()])

    # --- commands of people --------------------------------------------------------------------------------------------

    async def create(self, new: NewJob, idempotency: Idempotency | None = None, within: Within | None = None) -> Job:
        """Creates the job with its files. The same key and request again return the job of the first time.

        Raises `IdempotencyKeyReused` for the same key with another request, `IdempotencyKeyInFlight` while the first
        request with it is still in progress, `QueueFull` if the queue has no room for a new job, and `TooManyJobs` or
        `TooManyRunningJobs` if the owner may not start another one now.
        """
        # At most one request of a limited owner waits here for the lock of the owner, which is taken by a statement: the
        # others would hold the connections of the pool meanwhile.
        turn = self._turns.setdefault(new.owner, asyncio.Lock()) if new.admission else nullcontext()
        with running(self._tracer.begin("create job", new.traceparent)) as span:
            new = _in_trace(new, span)
            async with turn, self._database.begin() as connection:
                if idempotency is not None:
                    earlier = await self._earlier(connection, new.owner, idempotency)
                    if earlier is not None:
                        span.set({**_attributes_of(earlier), "haulage.outcome": "repeated"})
                        return earlier
                backpressure = self._backpressure_of(new)
                if backpressure is not None:
                    await backpressure.admit(connection)
                job = await self._insert(connection, new, new.admission, idempotency, within)
            span.set(_attributes_of(job))
        await self._announce_new(job)
        return job

    async def create_receiving(
        self, new: Sequence[NewJob], idempotency: Idempotency | None = None, within: WithinAll | None = None
    ) -> list[Job]:
        """Creates several jobs of one kind and owner whose bytes are yet to arrive, in one transaction.

        The first one has the key: the same key and request again return it alone, and nothing is created. Raises what
        `create` does, `QueueFull` if the queue of the kind is full now. Nobody is notified, as nobody knows the jobs yet.
        """
        with running(self._tracer.begin("create jobs", new[0].traceparent)) as span:
            new = [_in_trace(one, span) for one in new]
            async with self._database.begin() as connection:
                if idempotency is not None:
                    earlier = await self._earlier(connection, new[0].owner, idempotency)
                    if earlier is not None:
                        span.set({**_attributes_of(earlier), "haulage.outcome": "repeated"})
                        return [earlier]
                backpressure = self._backpressure_of(new[0])
                if backpressure is not None:
                    await backpressure.check_room(connection)
                now = await jobs.clock(connection)
                created_jobs = [
                    self._new_job(new_job_id(), one, now, next_place(now, None, None, batch=one.batch)) for one in new
                ]
                await jobs.insert_jobs(
                    connection,
                    [(job, created(job), one.files) for job, one in zip(created_jobs, new, strict=True)],
                    idempotency,
                )
                if within is not None:
                    await within(connection, created_jobs)
            span.set({**_attributes_of(created_jobs[0]), "haulage.jobs": len(created_jobs)})
        JOBS_CREATED.labels(new[0].kind).inc(len(created_jobs))
        first = created_jobs[0]
        log.info("jobs_created", job_id=str(first.id), kind=first.kind, jobs=len(created_jobs), **trace_field(first))
        return created_jobs

    async def receive(self, job_id: UUID, receive_for: float, within: Receive) -> Job:
        """Records that bytes of a receiving job have arrived: `within` writes which, and returns the progress.

        It lapses `receive_for` seconds from now. Raises `JobNotFound`, and `IllegalTransition` if it is not receiving.
        """
        async with self._database.begin() as connection:
            job, now = await jobs.lock_job(connection, job_id)
            if job.status is not Status.RECEIVING:
                raise IllegalTransition(f"Job {job.id} is {job.status}. Only receiving jobs accept bytes.")
            progress = await within(connection, job)
            due_at = now + timedelta(seconds=receive_for)
            after = replace(job, seq=job.seq + 1, progress=progress, due_at=due_at)
            await jobs.save_received(connection, after)
        await self._announce(after, now, since=job.seq)
        return after

    def _backpressure_of(self, new: NewJob) -> Backpressure | None:
        queues = self._batch_backpressure if new.batch else self._backpressure
        return None if queues is None else queues[new.kind]

    async def _insert(
        self,
        connection: AsyncConnection,
        new: NewJob,
        admission: Admission | None,
        idempotency: Idempotency | None,
        within: Within | None,
    ) -> Job:
        job_id = new_job_id()
        now, place = await admissions.enter_queue(connection, new.kind, new.owner, job_id, admission, batch=new.batch)
        job = self._new_job(job_id, new, now, place)
        await jobs.insert_job(connection, job, created(job), new.files, idempotency)
        if within is not None:
            await within(connection, job)
        return job

    async def _insert_follow_up(self, connection: AsyncConnection, before: Job, follow_up: FollowUp) -> Job:
        """Creates the follow-up of a job, in its trace."""
        with step("create job") as span:
            new = _in_trace(replace(follow_up.new, traceparent=before.traceparent), span)
            job = await self._insert(connection, new, None, None, follow_up.within)
            span.set(_attributes_of(job))
        return job

    async def find_earlier(self, owner: str, idempotency: Idempotency) -> Job | None:
        """The job that an earlier request with this key has created, if any.

        Raises `IdempotencyKeyReused` and `IdempotencyKeyInFlight` as `create` does.
        """
        async with self._database.begin() as connection:
            return await self._earlier(connection, owner, idempotency)

    async def _earlier(self, connection: AsyncConnection, owner: str, idempotency: Idempotency) -> Job | None:
        if not await jobs.lock_key(connection, owner, idempotency.key):
            raise IdempotencyKeyInFlight(
                "Another request with this Idempotency-Key is still in progress. Try again shortly."
            )
        found = await jobs.find_by_key(connection, owner, idempotency.key)
        if found is None:
            return None
        job, digest = found
        if digest != idempotency.digest:
            raise IdempotencyKeyReused(
                f"This Idempotency-Key was used for job {job.id} with a different request. Use a new key for a new request."
            )
        return job

    def _new_job(self, job_id: UUID, new: NewJob, now: datetime, place: datetime) -> Job:
        receiving = new.receive_for is not None
        return Job(
            id=job_id,
            kind=new.kind,
            owner=new.owner,
            status=Status.RECEIVING if receiving else Status.QUEUED,
            phase=Phase.RECEIVING if receiving else Phase.QUEUED,
            fence=1,
            attempt=0,
            seq=1,
            losses=0,
            max_attempts=self._settings.max_attempts,
            created_at=now,
            queued_at=place,
            due_at=now + timedelta(seconds=new.receive_for or 0),
            progress=Progress(files_total=len(new.files), bytes_total=new.bytes_total),
            traceparent=new.traceparent,
        )

    async def submit(self, job_id: UUID, within: Within | None = None) -> Job:
        """Queues a job whose bytes have arrived. Raises `JobNotFound`, `IllegalTransition`."""
        return await self._move(job_id, lambda _: Submit(), within)

    async def cancel(self, job_id: UUID) -> Job:
        """Cancels the job, unless it is cancelled already. Raises `JobNotFound`, `IllegalTransition`."""
        return await self._move(job_id, lambda job: None if job.status is Status.CANCELLED else Cancel())

    async def retry(self, job_id: UUID, within: Within | None = None, traceparent: str | None = None) -> Job:
        """Queues an ended job again. Raises `JobNotFound`, `IllegalTransition`.

        Its attempts stay in its own trace. The request, which has brought the trace `traceparent`, is linked to that.
        """
        with running(self._tracer.begin("retry job", traceparent)) as span:
            job = await self._move(job_id, lambda _: Retry(), within)
            span.set(_attributes_of(job))
            if job.traceparent is not None:
                span.link(job.traceparent)
        return job

    async def expire(self, job_id: UUID) -> Job:
        """Expires a result before its time, without a grace period. Raises `JobNotFound`, `IllegalTransition`."""
        return await self._move(job_id, lambda job: None if job.status is Status.EXPIRED else Expire(grace=0))

    async def delete(self, job_id: UUID) -> Job:
        """Soft-deletes a dead job. Its rows are deleted after its leftover objects.

        Raises `JobNotFound`, `IllegalTransition`.
        """
        return await self._move(job_id, lambda _: Delete())

    async def events(self, job_id: UUID, after: int, limit: int) -> list[Mapping[str, Any]]:
        """The transitions of a job, oldest first, those after the `seq` `after`. Raises `JobNotFound`."""

        async def read(connection: AsyncConnection) -> list[Mapping[str, Any]]:
            if not await jobs.is_visible(connection, job_id):
                raise JobNotFound(f"There is no job {job_id}.")
            return await jobs.list_events(connection, job_id, after, limit)

        return await self._reads.query(read)

    async def files(self, job_id: UUID, since: int) -> list[FileRecord]:
        """The files of a job that changed after the `seq` `since`, in the order of the request."""
        async with self._database.reading() as connection:
            return await file_records.load_files(connection, job_id, since)

    # --- commands of workers -------------------------------------------------------------------------------------------

    async def claim(self, job_id: UUID, fence: int, worker: str) -> Claimed | None:
        """Claims the job for the worker; None if it is not at this fence, not due, or gone.

        Raises `QueuePaused` if an operator has paused the queue of its kind.
        """
        async with self._database.begin() as connection:
            try:
                job, now = await jobs.lock_job_to_claim(connection, job_id)
                if job.fence != fence:
                    return None
                claimed, event = apply(job, Claim(worker=worker, lease=self._settings.lease_ttl), now)
            except (JobNotFound, IllegalTransition):
                return None
            await jobs.save_claim(connection, job, claimed, event)
            if claimed.fence > FIRST_CLAIM:
                await file_records.reset_files(connection, job_id, claimed.seq)
            records = await file_records.load_files(connection, job_id)
            previous = None
            if claimed.fence > FIRST_CLAIM and claimed.traceparent is not None:
                fences = await jobs.claim_fences(connection, job_id)
                previous = max((fence for fence in fences if fence < claimed.fence), default=None)
        if job.started_at is None and not is_batch(job.queued_at):
            JOB_WAIT.labels(job.kind).observe((now - job.due_at).total_seconds())
        await self._announce(claimed, now, since=job.seq, records=records)
        return Claimed(claimed, records, previous)

    async def record(
        self,
        held: Job,
        phase: Phase,
        progress: Progress,
        records: Sequence[FileRecord],
        parts: Sequence[UploadPart] = (),
    ) -> int:
        """Makes an attempt's progress, changed files and finished parts durable. Returns their `seq`."""
        async with self._database.begin() as connection:
            return await file_records.write_batch(connection, held.id, held.fence, phase, progress, records, parts)

    async def write(self, held: Job, within: Within) -> None:
        """Writes rows of a kind while the job is at the fence of `held`."""
        async with self._database.begin() as connection:
            await jobs.lock_fence(connection, held.id, held.fence)
            await within(connection, held)

    # Each of the following also records the last batch of the attempt, in the transaction that ends it.

    async def succeed(
        self,
        held: Job,
        lifetime: float | None,
        within: Within | None = None,
        batch: Batch | None = None,
        follow_ups: Sequence[FollowUp] = (),
    ) -> Job:
        """Completes the job, whose result can be fetched for `lifetime` seconds; None: permanently.

        The follow-ups are created in the same transaction, after `within`, in this order.
        """
        return await self._move_held(held, Succeed(lifetime=lifetime), within, batch, follow_ups)

    async def fail(
        self, held: Job, failure: Failure, batch: Batch | None = None, notices: Sequence[Notice] = ()
    ) -> Job:
        """Ends the attempt. Another one follows if the error is retryable and attempts are left, after a backoff.

        It follows no earlier than `failure.retry_after`. The notices are raised in the same transaction.
        """

        async def within(connection: AsyncConnection, _: Job) -> None:
            await raise_notice(connection, *notices)

        retry_in = max(self._backoff(held), failure.retry_after or 0)
        return await self._move_held(held, Fail(failure=failure, retry_in=retry_in), within, batch)

    async def park(self, held: Job, failure: Failure, retry_in: float, batch: Batch | None = None) -> Job:
        """Ends the attempt without charging it. Another one follows in `retry_in` seconds."""
        command = Park(failure=failure, retry_in=retry_in, deadline=self._settings.job_deadline)
        return await self._move_held(held, command, batch=batch)

    async def release(self, held: Job, batch: Batch | None = None) -> Job:
        """Gives the job back to the queue without charging the attempt."""
        return await self._move_held(held, Release(), batch=batch)

    async def _move_held(
        self,
        held: Job,
        command: Command,
        within: Within | None = None,
        batch: Batch | None = None,
        follow_ups: Sequence[FollowUp] = (),
    ) -> Job:
        def decide(job: Job) -> Command:
            if job.fence != held.fence:
                raise jobs.stale(job.id, held.fence)
            return command

        return await self._move(held.id, decide, within, batch, follow_ups)

    # --- sweeps --------------------------------------------------------------------------------------------------------

    async def lose_expired_leases(self) -> list[Job]:
        """Takes over a batch of jobs from workers that did not renew their leases. Returns them."""
        lost = await self._sweep(sweeps.lock_lost, lambda job: Lose(retry_in=self._backoff(job)))
        ATTEMPTS.labels("lost", ErrorClass.WORKER_LOST).inc(len(lost))
        return lost

    async def abandon_past_deadline(self) -> list[Job]:
        """Fails a batch of jobs that have waited for another attempt until their deadline. Returns them."""

        async def lock(connection: AsyncConnection, limit: int) -> sweeps.Locked:
            return await sweeps.lock_past_deadline(connection, self._settings.job_deadline, limit)

        return await self._sweep(lock, lambda _: Abandon())

    async def lapse_incomplete(self) -> list[Job]:
        """Cancels a batch of jobs whose bytes did not arrive in time. Returns them."""
        return await self._sweep(sweeps.lock_lapsed, lambda _: Lapse())

    async def expire_due(self) -> list[Job]:
        """Expires a batch of results whose time is over. Returns their jobs."""
        return await self._sweep(sweeps.lock_expiring, lambda _: Expire(grace=self._settings.result_grace))

    async def _sweep(
        self,
        lock: Callable[[AsyncConnection, int], Awaitable[sweeps.Locked]],
        command: Callable[[Job], Command],
    ) -> list[Job]:
        moved: list[Moved] = []
        notices: list[Notice] = []
        async with self._database.begin() as connection:
            for job, now in await lock(connection, SWEEP_BATCH):
                after, records = await self._save(connection, job, command(job), now)
                moved.append(Moved(after, now, records))
                notices += _notices_of(job, after)
            await raise_notice(connection, *notices)
        await self.announce(moved)
        return [it.job for it in moved]

    # --- bulk actions --------------------------------------------------------------------------------------------------

    async def move_locked(
        self, connection: AsyncConnection, locked: Sequence[tuple[Job, datetime]], command: Command
    ) -> tuple[list[Moved], list[IllegalTransition]]:
        """Applies a command of an operator to jobs that are locked by the transaction: retried jobs are batch jobs then.

        Returns those that it has moved, and the refusals. After the commit, call `announce`.
        """
        moved: list[tuple[Job, Job, JobEvent]] = []
        refused: list[IllegalTransition] = []
        places: dict[tuple[Kind, str], datetime] = {}
        for job, now in locked:
            chosen = command
            if isinstance(command, Retry):
                queue = (job.kind, job.owner)
                if queue not in places or job.owner == ANONYMOUS:
                    places[queue] = await admissions.enter_queue_again(connection, *queue, now, batch=True)
                else:
                    places[queue] += STEP
                chosen = replace(command, place=places[queue])
            try:
                moved.append((job, *apply(job, chosen, now)))
            except IllegalTransition as error:
                refused.append(error)
        await jobs.save_jobs(connection, moved)
        await add_messages(
            connection, *(one for before, after, event in moved for one in messages_of(before, after, event.at))
        )
        return [
            Moved(
                after,
                event.at,
                await file_records.touch_unfinished(connection, after.id, after.seq)
                if before.status is Status.PROCESSING
                else (),
            )
            for before, after, event in moved
        ], refused

    async def announce(self, moved: Sequence[Moved]) -> None:
        """Notifies followers and workers of transitions that were committed."""
        for it in moved:
            await self._announce_move(it.job, it.at, it.records)

    # --- one path for all transitions ----------------------------------------------------------------------------------

    async def _move(
        self,
        job_id: UUID,
        decide: Callable[[Job], Command | None],
        within: Within | None = None,
        batch: Batch | None = None,
        follow_ups: Sequence[FollowUp] = (),
    ) -> Job:
        """Locks the job, applies the command that `decide` returns for it (None: no change), commits and announces."""
        async with self._database.begin() as connection:
            job, now = await jobs.lock_job(connection, job_id)
            command = decide(job)
            if command is None:
                return job
            if isinstance(command, (Submit, Retry)):
                place = await admissions.enter_queue_again(
                    connection, job.kind, job.owner, now, batch=is_batch(job.queued_at)
                )
                command = replace(command, place=place)
            after, records = await self._save(connection, job, command, now, batch)
            if within is not None:
                await within(connection, after)
            followed_by = [await self._insert_follow_up(connection, after, it) for it in follow_ups]
            await raise_notice(connection, *_notices_of(job, after))
        await self._announce_move(after, now, records)
        for new in followed_by:
            await self._announce_new(new)
        return after

    async def _save(
        self, connection: AsyncConnection, job: Job, command: Command, now: datetime, batch: Batch | None = None
    ) -> tuple[Job, Sequence[FileRecord]]:
        """Applies and writes a transition. Returns the job after it, and the files that followers must see with it."""
        if batch is not None:
            job = replace(job, phase=batch.phase, progress=batch.progress)
        after, event = apply(job, command, now)
        if await jobs.save_job(connection, job, after, event):
            await add_messages(connection, *messages_of(job, after, now))
        records = () if batch is None else batch.records
        await file_records.write_files(connection, after.id, after.seq, records)
        if job.status is not Status.PROCESSING or after.status is Status.COMPLETED:
            return after, records
        if batch is not None:
            await upload_parts.save_parts(connection, after.id, batch.parts)
        return after, await file_records.touch_unfinished(connection, after.id, after.seq)

    async def _announce_new(self, job: Job) -> None:
        JOBS_CREATED.labels(job.kind).inc()
        log.info("job_created", job_id=str(job.id), kind=job.kind, files=job.progress.files_total, **trace_field(job))
        await self._announce(job, job.created_at, since=0)

    async def _announce_move(self, job: Job, now: datetime, records: Sequence[FileRecord]) -> None:
        if job.status in (Status.COMPLETED, Status.FAILED) and job.finished_at == now:
            result = "dead" if job.dead else job.status
            JOB_TIME.labels(result, job.kind).observe((now - (job.started_at or now)).total_seconds())
        log.info(
            "job_moved",
            job_id=str(job.id),
            kind=job.kind,
            status=job.status,
            attempt=job.attempt,
            fence=job.fence,
            error_class=job.failure and job.failure.error_class,
            error_message=job.failure and job.failure.message,
            **trace_field(job),
        )
        await self._announce(job, now, since=job.seq - 1, records=records)

    async def _announce(self, job: Job, now: datetime, *, since: int, records: Sequence[FileRecord] = ()) -> None:
        """Notifies followers, and workers if the job waits for one, without waiting for that to arrive."""
        await self._feed.publish(event_of(job, now, since=since, files=records))
        if job.status in WAITING:
            await self._queue.enqueue(
                job.kind, job.id, job.fence, to_place(job.queued_at), (job.due_at - now).total_seconds()
            )

    def _backoff(self, job: Job) -> float:
        return delay(max(job.attempt, 1), self._settings.backoff_base, self._settings.backoff_max, self._random)


def trace_field(job: Job) -> dict[str, str]:
    """The field of log lines about a job that names its trace, if it has one."""
    return {} if job.trace_id is None else {"trace_id": job.trace_id}


def _in_trace(new: NewJob, span: Span) -> NewJob:
    """The job to create as one of the span's trace; as it is, if the span is not recorded."""
    return new if span.traceparent is None else replace(new, traceparent=span.traceparent)


def _attributes_of(job: Job) -> dict[str, str | int]:
    return {"haulage.job.id": str(job.id), "haulage.job.kind": job.kind, "haulage.files": job.progress.files_total}


def _notices_of(before: Job, after: Job) -> list[Notice]:
    """What operators should know of a transition: that the job is dead. One notice stands for a kind and an error class."""
    if before.dead or not after.dead or after.failure is None:
        return []
    error = after.failure
    return [
        Notice(
            kind=NoticeKind.DEAD,
            key=f"{NoticeKind.DEAD}:{after.kind}:{error.error_class}",
            message=f"Jobs of kind {after.kind} are dead of {error.error_class} errors, the last one of: {error.message}",
            job_id=after.id,
        )
    ]
