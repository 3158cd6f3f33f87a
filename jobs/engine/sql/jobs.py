"""Statements about jobs: insert, lock, save, and what the worker asks many at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.engine.jobs import FileRequest, Job, Status
from jobs.engine.sql.rows import failure_columns, job_columns, job_of
from jobs.engine.sql.tables import KEPT, download_jobs, job_events
from jobs.engine.transitions import JobEvent
from jobs.errors import JobNotFound, StaleFence

_now = func.clock_timestamp()


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A client's key and the SHA-256 of the request it came with."""

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
    """Writes the job, its files and its first event."""
    values = job_columns(job)
    if idempotency is not None:
        values |= {"idempotency_key": idempotency.key, "request_digest": idempotency.digest}
    await connection.execute(insert(download_jobs), values)
    await connection.execute(
        _INSERT_FILES,
        {
            "job_id": job.id,
            "seq": job.seq,
            "file_ids": [file.file_id for file in files],
            "names": [file.name for file in files],
        },
    )
    await insert_event(connection, event)


_INSERT_FILES = text(
    """
    INSERT INTO file_records (job_id, index, file_id, name, state, seq)
    SELECT CAST(:job_id AS uuid), ordinality - 1, file_id, name, 'pending', CAST(:seq AS bigint)
    FROM unnest(CAST(:file_ids AS bigint[]), CAST(:names AS text[])) WITH ORDINALITY AS f (file_id, name, ordinality)
    """
)
"""One statement for up to 1,000 rows: the arrays travel as two parameters."""


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
    """Takes the owner's idempotency key until the transaction ends; False when another transaction has it."""
    taken = func.pg_try_advisory_xact_lock(func.hashtextextended(f"{owner}\x1f{key}", 0))
    return bool((await connection.execute(select(taken))).scalar_one())


async def find_by_key(connection: AsyncConnection, owner: str, key: str) -> tuple[Job, str] | None:
    """The job that was made with the key, and the digest of its request."""
    query = select(download_jobs).where(download_jobs.c.owner == owner, download_jobs.c.idempotency_key == key)
    row = (await connection.execute(query)).mappings().one_or_none()
    return None if row is None else (job_of(row), row["request_digest"])


async def lock_job(connection: AsyncConnection, job_id: UUID) -> tuple[Job, datetime]:
    """The job, locked until the transaction ends, and the database's clock. Raises `JobNotFound`."""
    query = select(download_jobs, _now.label("now")).where(download_jobs.c.id == job_id, text(KEPT)).with_for_update()
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise JobNotFound(f"There is no job {job_id}.")
    return job_of(row), row["now"]


async def save_job(connection: AsyncConnection, before: Job, after: Job, event: JobEvent) -> None:
    """Writes a transition, if the job still has the fence it had. Raises `StaleFence` when it hasn't."""
    statement = (
        update(download_jobs)
        .where(download_jobs.c.id == before.id, download_jobs.c.fence == before.fence)
        .values(_changed(before, after))
    )
    if (await connection.execute(statement)).rowcount == 0:
        raise StaleFence(f"Job {before.id} has moved on since fence {before.fence}.")
    await insert_event(connection, event)


def _changed(before: Job, after: Job) -> dict[str, Any]:
    old, new = job_columns(before), job_columns(after)
    changed = {column: value for column, value in new.items() if value != old[column]}
    if "deleted_at" in changed:  # its key is free again: the same request is a new job
        changed |= {"idempotency_key": None, "request_digest": None}
    return changed


async def list_jobs(
    connection: AsyncConnection, owner: str, status: Status | None, before: tuple[datetime, UUID] | None, limit: int
) -> list[Job]:
    """The owner's jobs, newest first, those after the cursor `before`."""
    query = select(download_jobs).where(download_jobs.c.owner == owner, text(KEPT))
    if status is not None:
        query = query.where(download_jobs.c.status == status)
    if before is not None:
        created_at, job_id = before
        query = query.where(tuple_(download_jobs.c.created_at, download_jobs.c.id) < tuple_(created_at, job_id))
    query = query.order_by(download_jobs.c.created_at.desc(), download_jobs.c.id.desc()).limit(limit)
    return [job_of(row) for row in (await connection.execute(query)).mappings()]


async def list_events(
    connection: AsyncConnection, job_id: UUID, after: int = 0, limit: int | None = None
) -> list[Mapping[str, Any]]:
    """A job's transitions, oldest first, those after the `seq` that is given."""
    query = (
        select(job_events)
        .where(job_events.c.job_id == job_id, job_events.c.seq > after)
        .order_by(job_events.c.seq)
        .limit(limit)
    )
    return [dict(row) for row in (await connection.execute(query)).mappings()]


async def count_queued(connection: AsyncConnection, limit: int) -> int:
    """How many jobs are queued; no more than `limit` are counted."""
    return int((await connection.execute(_COUNT_QUEUED, {"limit": limit})).scalar_one())


_COUNT_QUEUED = text(
    "SELECT count(*) FROM (SELECT FROM download_jobs WHERE status = 'queued' LIMIT CAST(:limit AS bigint)) AS queue"
)


async def claim_fences(connection: AsyncConnection, job_id: UUID) -> list[int]:
    """The fences of all the attempts that a job has had."""
    query = select(job_events.c.fence).where(job_events.c.job_id == job_id, job_events.c.command == "claim")
    return list((await connection.execute(query)).scalars())


async def known_jobs(connection: AsyncConnection, job_ids: Collection[UUID]) -> set[UUID]:
    """Those of the jobs that have a row."""
    query = select(download_jobs.c.id).where(download_jobs.c.id.in_(job_ids))
    return set((await connection.execute(query)).scalars())
