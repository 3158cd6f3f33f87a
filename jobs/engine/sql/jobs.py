"""Statements about jobs: insert, lock, save, list."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select, text, tuple_, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.engine.jobs import FileRequest, Job, Status
from jobs.engine.sql.rows import failure_columns, job_columns, job_of
from jobs.engine.sql.tables import DEAD, VISIBLE, job_events, jobs
from jobs.engine.transitions import JobEvent
from jobs.errors import JobNotFound, StaleFence
from jobs.kinds import Kind

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
    """Inserts the job, its files and its first event."""
    values = job_columns(job)
    if idempotency is not None:
        values |= {"idempotency_key": idempotency.key, "request_digest": idempotency.digest}
    await connection.execute(insert(jobs), values)
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
"""One statement for all rows: the arrays travel as two parameters."""


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
    query = select(jobs, _now.label("now")).where(jobs.c.id == job_id, text(VISIBLE)).with_for_update()
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise JobNotFound(f"There is no job {job_id}.")
    return job_of(row), row["now"]


async def lock_fence(connection: AsyncConnection, job_id: UUID, fence: int) -> None:
    """Keeps the job at this fence until the transaction ends. Raises `StaleFence` if it has changed."""
    query = select(jobs.c.id).where(jobs.c.id == job_id, jobs.c.fence == fence).with_for_update(key_share=True)
    if (await connection.execute(query)).first() is None:
        raise stale(job_id, fence)


def stale(job_id: UUID, fence: int) -> StaleFence:
    """The error of a write whose caller no longer has the job."""
    return StaleFence(f"Job {job_id} has changed since fence {fence}.")


async def save_job(connection: AsyncConnection, before: Job, after: Job, event: JobEvent) -> None:
    """Writes a transition, if the job is still at the fence it had before. Raises `StaleFence` if not."""
    statement = update(jobs).where(jobs.c.id == before.id, jobs.c.fence == before.fence).values(_changed(before, after))
    if (await connection.execute(statement)).rowcount == 0:
        raise stale(before.id, before.fence)
    await insert_event(connection, event)


def _changed(before: Job, after: Job) -> dict[str, Any]:
    old, new = job_columns(before), job_columns(after)
    changed = {column: value for column, value in new.items() if value != old[column]}
    if "deleted_at" in changed:  # frees its key: the same request creates a new job
        changed |= {"idempotency_key": None, "request_digest": None}
    return changed


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


async def count_queued(connection: AsyncConnection, kind: Kind, limit: int) -> int:
    """How many jobs of the kind are queued, counting no further than `limit`."""
    return int((await connection.execute(_COUNT_QUEUED, {"kind": kind, "limit": limit})).scalar_one())


_COUNT_QUEUED = text(
    """
    SELECT count(*) FROM (
        SELECT FROM jobs WHERE status = 'queued' AND kind = :kind LIMIT CAST(:limit AS bigint)
    ) AS queue
    """
)


async def claim_fences(connection: AsyncConnection, job_id: UUID) -> list[int]:
    """The fences of all attempts of the job."""
    query = select(job_events.c.fence).where(job_events.c.job_id == job_id, job_events.c.command == "claim")
    return list((await connection.execute(query)).scalars())


async def is_visible(connection: AsyncConnection, job_id: UUID) -> bool:
    """Returns True if the job exists and no person has deleted it."""
    query = select(jobs.c.id).where(jobs.c.id == job_id, text(VISIBLE))
    return (await connection.execute(query)).first() is not None


async def known_jobs(connection: AsyncConnection, job_ids: Collection[UUID]) -> set[UUID]:
    """Those of the jobs that have a row."""
    query = select(jobs.c.id).where(jobs.c.id.in_(job_ids))
    return set((await connection.execute(query)).scalars())
