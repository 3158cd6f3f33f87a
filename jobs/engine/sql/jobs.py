"""Statements about jobs: insert, lock, save, list."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select, text, tuple_, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, execute_many_within, fetch_within
from jobs.engine.fair_share import FIRST_BATCH_PLACE
from jobs.engine.jobs import FileRequest, FileState, Job, Status
from jobs.engine.sql.parameters import parameters
from jobs.engine.sql.paused_queues import CLAIM_LOCK, IS_PAUSED
from jobs.engine.sql.rows import failure_columns, job_columns, job_of, progress_columns
from jobs.engine.sql.tables import DEAD, VISIBLE, file_records, job_events, jobs
from jobs.engine.transitions import JobEvent
from jobs.errors import JobNotFound, QueuePaused, StaleFence
from jobs.kinds import Kind
from jobs.webhooks.recording import HAS_ENDPOINT

_now = func.clock_timestamp()


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A client's `Idempotency-Key`, and the SHA-256 of the request it came with."""

    key: str
    digest: str


async def clock(connection: AsyncConnection) -> datetime:
    """The database's clock, UTC."""
    return (await connection.execute(select(_now))).scalar_one()  # type: ignore[no-any-return]


async def insert_job(
    connection: AsyncConnection,
    job: Job,
    event: JobEvent,
    files: Sequence[FileRequest],
    idempotency: Idempotency | None,
) -> None:
    """Inserts the job, its files and its first event, with one statement."""
    columns = job_columns(job) | {
        "idempotency_key": idempotency and idempotency.key,
        "request_digest": idempotency and idempotency.digest,
    }
    file_ids, names = [file.file_id for file in files], [file.name for file in files]
    values = [*(columns[name] for name in _JOB), *_event_columns(event).values()]
    await fetch_within(connection, _INSERT, file_ids, names, *values)


async def insert_jobs(
    connection: AsyncConnection,
    new: Sequence[tuple[Job, JobEvent, Sequence[FileRequest]]],
    idempotency: Idempotency | None,
) -> None:
    """Inserts several jobs, each with its first event and its files. The first job gets the idempotency key."""
    keys = [idempotency, *(None for _ in new[1:])]
    await connection.execute(
        insert(jobs),
        [
            job_columns(job) | {"idempotency_key": key and key.key, "request_digest": key and key.digest}
            for (job, _, _), key in zip(new, keys, strict=True)
        ],
    )
    files = [
        {
            "job_id": job.id,
            "index": index,
            "file_id": file.file_id,
            "name": file.name,
            "state": FileState.PENDING,
            "seq": job.seq,
        }
        for job, _, files in new
        for index, file in enumerate(files)
    ]
    await connection.execute(insert(file_records), files)
    await connection.execute(insert(job_events), [_event_columns(event) for _, event, _ in new])


async def save_received(connection: AsyncConnection, job: Job) -> None:
    """Writes how many bytes of a receiving job have arrived, and until when the next have to. It is locked."""
    columns = {"seq": job.seq, "due_at": job.due_at, **progress_columns(job.progress)}
    await connection.execute(update(jobs).where(jobs.c.id == job.id).values(columns))


async def insert_event(connection: AsyncConnection, event: JobEvent) -> None:
    await connection.execute(insert(job_events), _event_columns(event))


def _event_columns(event: JobEvent) -> dict[str, Any]:
    return {
        "job_id": event.job_id,
        "seq": event.seq,
        "fence": event.fence,
        "attempt": event.attempt,
        "command": event.command,
        "source": event.source,
        "target": event.target,
        "at": event.at,
        "worker": event.worker,
        **failure_columns(event.failure),
    }


async def lock_key(connection: AsyncConnection, owner: str, key: str) -> bool:
    """Locks the owner's idempotency key until the transaction ends; False if another transaction holds it."""
    taken = func.pg_try_advisory_xact_lock(func.hashtextextended(f"{owner}\x1f{key}", 0))
    return bool((await connection.execute(select(taken))).scalar_one())


async def find_by_key(connection: AsyncConnection, owner: str, key: str) -> tuple[Job, str] | None:
    """The job that was created with the key, and the digest of its request."""
    query = select(jobs).where(jobs.c.owner == owner, jobs.c.idempotency_key == key)
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else (job_of(row), row["request_digest"])


async def lock_job(connection: AsyncConnection, job_id: UUID) -> tuple[Job, datetime]:
    """The job, locked until the transaction ends, and the database's clock. Raises `JobNotFound`."""
    rows = await fetch_within(connection, _LOCK, job_id)
    if not rows:
        raise JobNotFound(f"There is no job {job_id}.")
    return job_of(rows[0]), rows[0]["now"]


_LOCK = f"SELECT *, clock_timestamp() AS now FROM jobs WHERE id = $1 AND {VISIBLE} FOR UPDATE"  # noqa: S608 - ours


async def lock_job_to_claim(connection: AsyncConnection, job_id: UUID) -> tuple[Job, datetime]:
    """The same for a claim, which `save_claim` writes. Raises `QueuePaused`, too."""
    rows = await fetch_within(connection, _LOCK_TO_CLAIM, job_id)
    if not rows:
        raise JobNotFound(f"There is no job {job_id}.")
    job = job_of(rows[0])
    if rows[0]["paused"]:
        raise queue_paused(job)
    return job, rows[0]["now"]


_LOCK_TO_CLAIM = f"""
    SELECT *, clock_timestamp() AS now, {IS_PAUSED} AS paused, {CLAIM_LOCK}
    FROM jobs WHERE id = $1 AND {VISIBLE} FOR UPDATE OF jobs
"""  # noqa: S608 - ours


async def lock_fence(connection: AsyncConnection, job_id: UUID, fence: int) -> None:
    """Keeps the job at this fence until the transaction ends. Raises `StaleFence` if it has changed."""
    if not await fetch_within(connection, _LOCK_FENCE, job_id, fence):
        raise stale(job_id, fence)


_LOCK_FENCE = "SELECT FROM jobs WHERE id = $1 AND fence = $2 FOR NO KEY UPDATE"


def stale(job_id: UUID, fence: int) -> StaleFence:
    """The error of a write whose caller no longer has the job."""
    return StaleFence(f"Job {job_id} has changed since fence {fence}.")


def queue_paused(job: Job) -> QueuePaused:
    """The error of a claim of a job whose queue is paused."""
    return QueuePaused(f"The queue of jobs of kind {job.kind} is paused.")


async def save_job(connection: AsyncConnection, before: Job, after: Job, event: JobEvent) -> bool:
    """Writes a transition with its event, if the job is still at the fence it had before. Raises `StaleFence` if not.

    Returns whether the owner has a webhook.
    """
    rows = await fetch_within(connection, _SAVE, before.id, before.fence, *_values(after, event))
    if not rows:
        raise stale(before.id, before.fence)
    return bool(rows[0]["has_endpoint"])


async def save_jobs(connection: AsyncConnection, moved: Sequence[tuple[Job, Job, JobEvent]]) -> None:
    """The same for several jobs that the transaction has locked: before, after, and the event of each."""
    await execute_many_within(
        connection, _SAVE, [(before.id, before.fence, *_values(after, event)) for before, after, event in moved]
    )


async def save_claim(connection: AsyncConnection, before: Job, after: Job, event: JobEvent) -> None:
    """The same for a claim of a job that was locked to claim it. Raises `QueuePaused` if its queue is paused by now."""
    if not await fetch_within(connection, _SAVE_CLAIM, before.id, before.fence, *_values(after, event)):
        raise queue_paused(before)


def _values(after: Job, event: JobEvent) -> list[Any]:
    columns = job_columns(after)
    return [*(columns[name] for name in _MUTABLE), *_event_columns(event).values()]


_MUTABLE = (
    *(
        "status",
        "phase",
        "fence",
        "attempt",
        "seq",
        "losses",
        "queued_at",
        "due_at",
        "started_at",
        "finished_at",
        "worker",
    ),
    *("lease_until", "error_class", "error_message", "files_total", "files_done", "files_omitted", "bytes_total"),
    *("bytes_done", "expires_at", "grace_until", "cleanup_at", "deleted_at"),
)
"""The columns that transitions change."""
_EVENT = (
    *("job_id", "seq", "fence", "attempt", "command", "source", "target", "at", "worker"),
    *("error_class", "error_message"),
)
_JOB = tuple(column.name for column in jobs.c)
_INSERT = f"""
    WITH job AS (
        INSERT INTO jobs ({", ".join(_JOB)}) SELECT {parameters(jobs, _JOB, 3)} RETURNING id, seq
    ), files AS (
        INSERT INTO file_records (job_id, index, file_id, name, state, seq)
        SELECT job.id, ordinality - 1, file_id, name, 'pending', job.seq
        FROM job, unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS f (file_id, name, ordinality)
    )
    INSERT INTO job_events ({", ".join(_EVENT)}) SELECT {parameters(job_events, _EVENT, 3 + len(_JOB))} FROM job
"""  # noqa: S608 - names and types of ours


def _save(condition: str) -> str:
    """Writes a transition and its event, if the condition holds."""
    return f"""
    WITH moved AS (
        UPDATE jobs SET ({", ".join(_MUTABLE)}) = ROW ({parameters(jobs, _MUTABLE, 3)}),
            idempotency_key = CASE WHEN ${3 + _MUTABLE.index("deleted_at")} IS NULL THEN idempotency_key END,
            request_digest = CASE WHEN ${3 + _MUTABLE.index("deleted_at")} IS NULL THEN request_digest END
        WHERE id = $1 AND fence = $2 AND {condition}
        RETURNING id, {HAS_ENDPOINT.format(owner="jobs.owner")} AS has_endpoint
    ), event AS (
        INSERT INTO job_events ({", ".join(_EVENT)})
        SELECT {parameters(job_events, _EVENT, 3 + len(_MUTABLE))} FROM moved
    )
    SELECT has_endpoint FROM moved
    """  # noqa: S608 - names and types of ours


_SAVE = _save("true")
"""A deletion frees the idempotency key of the job: the same request creates a new one."""
_SAVE_CLAIM = _save(f"NOT {IS_PAUSED}")


def jobs_page(
    kind: Kind, owner: str, statuses: Collection[Status], before: tuple[datetime, UUID] | None, limit: int
) -> Select[*tuple[Any, ...]]:
    """Selects the owner's jobs of a kind, newest first, those after the cursor `before` (creation and id).

    Without `statuses` those in any status. With several, the newest of each are read from the index and merged: no query
    sorts more than `limit` rows of each.
    """
    newest = jobs.c.created_at.desc(), jobs.c.id.desc()

    def selected(*columns: Any) -> Select[*tuple[Any, ...]]:
        query = select(*columns).where(jobs.c.owner == owner, jobs.c.kind == kind, text(VISIBLE))
        if before is not None:
            query = query.where(tuple_(jobs.c.created_at, jobs.c.id) < tuple_(*before))
        return query.order_by(*newest).limit(limit)

    if len(statuses) > 1:
        of_each = (selected(jobs.c.id).where(jobs.c.status == status).subquery() for status in statuses)
        ids = union_all(*(select(one.c.id) for one in of_each))
        return select(jobs).where(jobs.c.id.in_(ids)).order_by(*newest).limit(limit)
    query = selected(jobs)
    return query.where(jobs.c.status == next(iter(statuses))) if statuses else query


def dead_jobs_page(
    kind: Kind, owner: str, before: tuple[datetime, UUID] | None, limit: int
) -> Select[*tuple[Any, ...]]:
    """Selects the owner's dead jobs of a kind, the most recent first, those after the cursor `before` (end and id)."""
    query = select(jobs).where(jobs.c.owner == owner, jobs.c.kind == kind, text(DEAD))
    if before is not None:
        query = query.where(tuple_(jobs.c.finished_at, jobs.c.id) < tuple_(*before))
    return query.order_by(jobs.c.finished_at.desc(), jobs.c.id.desc()).limit(limit)


async def list_events(
    connection: AsyncConnection, job_id: UUID, after: int = 0, limit: int | None = None
) -> list[Mapping[str, Any]]:
    """The job's transitions, oldest first, those after the `seq` `after`."""
    query = (
        select(job_events)
        .where(job_events.c.job_id == job_id, job_events.c.seq > after)
        .order_by(job_events.c.seq)
        .limit(limit)
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def list_latest_events(database: Database, job_id: UUID, limit: int) -> list[Mapping[str, Any]]:
    """The job's last transitions, up to `limit`, oldest first. Raises `DatabaseUnavailable`."""
    return [dict(row) for row in await database.fetch(_LATEST_EVENTS, job_id, limit)]


_LATEST_EVENTS = """
    SELECT * FROM (SELECT * FROM job_events WHERE job_id = $1 ORDER BY seq DESC LIMIT $2) AS latest ORDER BY seq
"""


async def count_queued(connection: AsyncConnection, kind: Kind, limit: int, *, batch: bool = False) -> int:
    """How many jobs of the kind are queued, of batch jobs or of all others, counting no further than `limit`."""
    lane = jobs.c.queued_at >= FIRST_BATCH_PLACE if batch else jobs.c.queued_at < FIRST_BATCH_PLACE
    queue = select(jobs.c.id).where(jobs.c.status == Status.QUEUED, jobs.c.kind == kind, lane).limit(limit).subquery()
    return int((await connection.execute(select(func.count()).select_from(queue))).scalar_one())


async def claim_fences(connection: AsyncConnection, job_id: UUID) -> list[int]:
    """The fences of all attempts of the job."""
    query = select(job_events.c.fence).where(job_events.c.job_id == job_id, job_events.c.command == "claim")
    return list((await connection.execute(query)).scalars())


async def is_visible(connection: AsyncConnection, job_id: UUID) -> bool:
    """Returns True if the job exists and no person has deleted it."""
    query = select(jobs.c.id).where(jobs.c.id == job_id, text(VISIBLE))
    return (await connection.execute(query)).first() is not None


async def owners_of(database: Database, job_ids: Sequence[UUID]) -> dict[UUID, str]:
    """The owners of those jobs that exist and that no person has deleted. Raises `DatabaseUnavailable`."""
    return {row["id"]: row["owner"] for row in await database.fetch(_OWNERS, job_ids)}


_OWNERS = f"SELECT id, owner FROM jobs WHERE id = ANY ($1::uuid[]) AND {VISIBLE}"  # noqa: S608 - ours


async def known_jobs(connection: AsyncConnection, job_ids: Collection[UUID]) -> set[UUID]:
    """Those of the jobs that have a row."""
    query = select(jobs.c.id).where(jobs.c.id.in_(job_ids))
    return set((await connection.execute(query)).scalars())
