"""The life of a job: every command, from a person or a worker, becomes one transaction here.

A transaction locks the job, lets `transitions.apply` decide, and writes the job with its event. What others should hear
of it, followers through `feed` and workers through `queue`, is said after the commit, in the background: it may be lost,
and the sweeper and the followers' comparison with PostgreSQL make up for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.backoff import delay
from jobs.bundles.format.checkpoints import DonePart, Upload
from jobs.bundles.sql import reuse
from jobs.database import Database
from jobs.engine.backpressure import Backpressure
from jobs.engine.events import event_of
from jobs.engine.jobs import (
    ANONYMOUS,
    WAITING,
    Compression,
    Failure,
    FileRecord,
    FileRequest,
    Job,
    OnMissing,
    Progress,
    Result,
    Status,
    new_progress,
)
from jobs.engine.live.feed import Feed
from jobs.engine.live.queue import Queue
from jobs.engine.sql import file_records, jobs, sweeps, upload_parts
from jobs.engine.sql.jobs import Idempotency
from jobs.engine.transitions import (
    Abandon,
    Cancel,
    Claim,
    Command,
    Delete,
    Expire,
    Fail,
    JobEvent,
    Lose,
    Park,
    Release,
    Retry,
    Succeed,
    apply,
    created,
)
from jobs.errors import (
    IdempotencyKeyInFlight,
    IdempotencyKeyReused,
    IllegalTransition,
    JobNotFound,
    ResultGone,
    StaleFence,
)
from jobs.settings import Settings

log = structlog.get_logger()

Check = Callable[[AsyncConnection], Coroutine[Any, Any, None]]
"""A look at what else has to hold for a transition, in its transaction."""

SWEEP_BATCH = 10
"""Rows that one sweep takes at once, so that its transaction stays short; a full batch is followed by the next at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """What a person asks for, checked."""

    files: Sequence[FileRequest]
    archive_name: str | None = None
    on_missing: OnMissing = OnMissing.FAIL
    compression: Compression = Compression.STORE
    owner: str = ANONYMOUS


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job that a worker now holds, and its files."""

    job: Job
    records: list[FileRecord]


class Lifecycle:
    """All commands about jobs. Raises `DatabaseUnavailable` when the database is away: then nothing was changed."""

    def __init__(
        self,
        database: Database,
        feed: Feed,
        queue: Queue,
        settings: Settings,
        random: Random | None = None,
        backpressure: Backpressure | None = None,
    ) -> None:
        """Without a `backpressure` any number of jobs may be queued."""
        self._database = database
        self._feed = feed
        self._queue = queue
        self._settings = settings
        self._random = random or Random()  # noqa: S311 - jitter, not a secret
        self._backpressure = backpressure

    async def close(self) -> None:
        """Waits until all that was committed has been said, or is lost: a second at most."""
        await asyncio.gather(self._feed.flush(), self._queue.flush())

    # --- what people ask -----------------------------------------------------------------------------------------------

    async def create(self, new: NewJob, idempotency: Idempotency | None = None) -> Job:
        """Writes the job with its files; the same key and request again gives the job of the first time.

        Raises `IdempotencyKeyReused` for the same key with another request, `IdempotencyKeyInFlight` while the first
        request with it has not ended, `QueueFull` when a new job would find no room.
        """
        async with self._database.begin() as connection:
            if idempotency is not None:
                earlier = await self._earlier(connection, new.owner, idempotency)
                if earlier is not None:
                    return earlier
            if self._backpressure is not None:
                await self._backpressure.admit(connection)
            job = self._new_job(new, await jobs.clock(connection))
            event = created(job)
            await jobs.insert_job(connection, job, event, new.files, idempotency)
        log.info("job_created", job_id=str(job.id), files=len(new.files))
        await self._announce(job, event.at, since=0)
        return job

    async def _earlier(self, connection: AsyncConnection, owner: str, idempotency: Idempotency) -> Job | None:
        if not await jobs.lock_key(connection, owner, idempotency.key):
            raise IdempotencyKeyInFlight(
                "A request with this Idempotency-Key is still being answered. Try again shortly."
            )
        found = await jobs.find_by_key(connection, owner, idempotency.key)
        if found is None:
            return None
        job, digest = found
        if digest != idempotency.digest:
            raise IdempotencyKeyReused(
                f"This Idempotency-Key was used for job {job.id} with another request. Take a new key for a new request."
            )
        return job

    def _new_job(self, new: NewJob, now: datetime) -> Job:
        return Job(
            id=uuid4(),
            owner=new.owner,
            status=Status.QUEUED,
            fence=1,
            attempt=0,
            seq=1,
            losses=0,
            max_attempts=self._settings.max_attempts,
            archive_name=new.archive_name,
            on_missing=new.on_missing,
            compression=new.compression,
            created_at=now,
            queued_at=now,
            due_at=now,
            progress=new_progress(len(new.files)),
        )

    async def cancel(self, job_id: UUID) -> Job:
        """Cancels the job; one that is cancelled already stays so. Raises `JobNotFound`, `IllegalTransition`."""
        return await self._move(job_id, lambda job: None if job.status is Status.CANCELLED else Cancel())

    async def retry(self, job_id: UUID) -> Job:
        """Queues an ended job again. Raises `JobNotFound`, `IllegalTransition`."""
        return await self._move(job_id, lambda _: Retry())

    async def expire(self, job_id: UUID) -> Job:
        """Ends the life of a result before its time; it is removed at once, unless other jobs have it too.

        Raises as `cancel`.
        """
        return await self._move(job_id, lambda job: None if job.status is Status.EXPIRED else Expire(grace=0))

    async def delete(self, job_id: UUID) -> Job:
        """Takes a dead job out of sight, for good; its rows go once its litter has. Raises as `cancel`."""
        return await self._move(job_id, lambda _: Delete())

    # --- what workers say ----------------------------------------------------------------------------------------------

    async def claim(self, job_id: UUID, fence: int, worker: str) -> Claimed | None:
        """Takes the job for the worker; None when it has moved on, is not due, or is gone: then there is nothing to do."""
        async with self._database.begin() as connection:
            try:
                job, now = await jobs.lock_job(connection, job_id)
                if job.fence != fence:
                    return None
                claimed, event = apply(job, Claim(worker=worker, lease=self._settings.lease_ttl), now)
            except (JobNotFound, IllegalTransition):
                return None
            await jobs.save_job(connection, job, claimed, event)
            await file_records.reset_files(connection, job_id, claimed.seq)
            records = await file_records.load_files(connection, job_id)
        await self._announce(claimed, now, since=job.seq, records=records)
        return Claimed(claimed, records)

    async def set_upload(self, held: Job, upload: Upload | None) -> None:
        """Notes a multipart upload before its first part, or that there is none any more. Raises `StaleFence`."""
        async with self._database.begin() as connection:
            await upload_parts.set_upload(connection, held.id, held.fence, upload)

    async def parts(self, held: Job) -> list[DonePart]:
        """The parts of the job's upload that earlier attempts have made."""
        async with self._database.reading() as connection:
            return await upload_parts.load_parts(connection, held.id)

    async def record(
        self, held: Job, progress: Progress, records: Sequence[FileRecord], parts: Sequence[DonePart] = ()
    ) -> int:
        """Makes an attempt's progress, changed files and finished parts durable; returns their `seq`.

        Raises `StaleFence`.
        """
        async with self._database.begin() as connection:
            return await file_records.write_batch(connection, held.id, held.fence, progress, records, parts)

    async def find_equal(self, fingerprint: str) -> Result | None:
        """A bundle with this content that a completed job hands out."""
        async with self._database.reading() as connection:
            return await reuse.find_equal(connection, fingerprint)

    async def succeed(self, held: Job, result: Result) -> Job:
        """Completes the job. Raises `StaleFence` when it is no longer the worker's."""
        return await self._settle(held, Succeed(result=result, lifetime=self._settings.bundle_ttl))

    async def reuse(self, held: Job, result: Result) -> Job:
        """Completes the job with a bundle that another one hands out.

        Raises `StaleFence`, and `ResultGone` when none hands it out any more: it may be removed at any moment.
        """

        async def hold(connection: AsyncConnection) -> None:
            if not await reuse.hold(connection, result):
                raise ResultGone(f"No job hands out {result.key!r} any more.")

        return await self._settle(held, Succeed(result=result, lifetime=self._settings.bundle_ttl), hold)

    async def fail(self, held: Job, failure: Failure) -> Job:
        """Ends the attempt; another follows when that may help. Raises `StaleFence`."""
        return await self._settle(held, Fail(failure=failure, retry_in=self._backoff(held)))

    async def park(self, held: Job, failure: Failure, retry_in: float) -> Job:
        """Ends the attempt, uncharged; another follows in `retry_in` seconds. Raises `StaleFence`."""
        return await self._settle(held, Park(failure=failure, retry_in=retry_in, deadline=self._settings.job_deadline))

    async def release(self, held: Job) -> Job:
        """Gives the job back, uncharged. Raises `StaleFence`."""
        return await self._settle(held, Release())

    # --- what the sweeper does -----------------------------------------------------------------------------------------

    async def lose_lost(self) -> list[Job]:
        """Takes the jobs of silent workers from them."""
        return await self._sweep(sweeps.lock_lost, lambda job: Lose(retry_in=self._backoff(job)))

    async def abandon_overdue(self) -> list[Job]:
        """Ends the jobs that have waited for another attempt for longer than they may."""

        async def lock(connection: AsyncConnection, limit: int) -> sweeps.Found:
            return await sweeps.lock_overdue(connection, self._settings.job_deadline, limit)

        return await self._sweep(lock, lambda _: Abandon())

    async def expire_due(self) -> list[Job]:
        """Expires the results whose time is over."""
        return await self._sweep(sweeps.lock_expiring, lambda _: Expire(grace=self._settings.bundle_grace))

    async def _sweep(
        self,
        lock: Callable[[AsyncConnection, int], Coroutine[Any, Any, sweeps.Found]],
        command: Callable[[Job], Command],
    ) -> list[Job]:
        moved: list[tuple[Job, datetime, Sequence[FileRecord]]] = []
        async with self._database.begin() as connection:
            for job, now in await lock(connection, SWEEP_BATCH):
                after, event = apply(job, command(job), now)
                moved.append((after, now, await self._save(connection, job, after, event)))
        for after, now, records in moved:
            await self._say(after, now, records)
        return [after for after, _, _ in moved]

    # --- one way for all of them ---------------------------------------------------------------------------------------

    async def _settle(self, held: Job, command: Command, check: Check | None = None) -> Job:
        def decide(job: Job) -> Command:
            if job.fence != held.fence:
                raise StaleFence(f"Job {job.id} has moved on since fence {held.fence}.")
            return command

        return await self._move(held.id, decide, check)

    async def _move(self, job_id: UUID, decide: Callable[[Job], Command | None], check: Check | None = None) -> Job:
        """Locks the job, applies what `decide` makes of it (None: it stays as it is), commits, and says so.

        `check` may lock more, and object by raising.
        """
        async with self._database.begin() as connection:
            job, now = await jobs.lock_job(connection, job_id)
            command = decide(job)
            if command is None:
                return job
            if check is not None:
                await check(connection)
            after, event = apply(job, command, now)
            records = await self._save(connection, job, after, event)
        await self._say(after, now, records)
        return after

    async def _save(
        self, connection: AsyncConnection, before: Job, after: Job, event: JobEvent
    ) -> Sequence[FileRecord]:
        """Writes the transition; returns the files that followers have to be told of with it."""
        await jobs.save_job(connection, before, after, event)
        if before.upload is not None and after.upload is None:
            await upload_parts.delete_parts(connection, after.id)
        if before.status is Status.PROCESSING and after.status is not Status.COMPLETED:
            return await file_records.tell_again(connection, after.id, after.seq)
        return ()

    async def _say(self, job: Job, now: datetime, records: Sequence[FileRecord]) -> None:
        failure = job.failure
        log.info(
            "job_moved",
            job_id=str(job.id),
            status=job.status,
            attempt=job.attempt,
            fence=job.fence,
            error_class=failure and failure.error_class,
            error_message=failure and failure.message,
        )
        await self._announce(job, now, since=job.seq - 1, records=records)

    async def _announce(self, job: Job, now: datetime, *, since: int, records: Sequence[FileRecord] = ()) -> None:
        """Tells followers, and workers when the job waits for one; neither waits for Redis."""
        await self._feed.publish(event_of(job, now, since=since, files=records))
        if job.status in WAITING:
            await self._queue.wake(job.id, job.fence, (job.due_at - now).total_seconds())

    def _backoff(self, job: Job) -> float:
        return delay(max(job.attempt, 1), self._settings.backoff_base, self._settings.backoff_max, self._random)
