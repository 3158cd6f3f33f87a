"""What the sweeper looks for. `FOR UPDATE SKIP LOCKED`: sweepers of many workers share the work and never wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.domain.jobs import Job
from jobs.domain.transitions import Claim, Expire, Lose, sources
from jobs.store.rows import job_of
from jobs.store.tables import download_jobs

_now = func.clock_timestamp()


@dataclass(frozen=True, slots=True)
class DueJob:
    """A job that should run by now."""

    id: UUID
    fence: int


async def lock_lost(connection: AsyncConnection, limit: int) -> tuple[list[Job], datetime]:
    """Jobs whose lease ran out, locked, and the database's clock."""
    where = download_jobs.c.status.in_(sources(Lose)) & (download_jobs.c.lease_until < _now)
    return await _lock(connection, where, limit)


async def lock_expiring(connection: AsyncConnection, limit: int) -> tuple[list[Job], datetime]:
    """Jobs whose result's time is over, locked, and the database's clock."""
    where = download_jobs.c.status.in_(sources(Expire)) & (download_jobs.c.expires_at < _now)
    return await _lock(connection, where, limit)


async def lock_littering(connection: AsyncConnection, limit: int) -> tuple[list[Job], datetime]:
    """Jobs whose litter in the store is due to be removed, locked, and the database's clock."""
    return await _lock(connection, download_jobs.c.cleanup_at < _now, limit)


async def _lock(connection: AsyncConnection, where: object, limit: int) -> tuple[list[Job], datetime]:
    query = select(download_jobs).where(where).limit(limit).with_for_update(skip_locked=True)  # type: ignore[arg-type]
    jobs = [job_of(row) for row in (await connection.execute(query)).mappings()]
    return jobs, (await connection.execute(select(_now))).scalar_one()


async def find_unwoken(connection: AsyncConnection, grace: float, limit: int) -> list[DueJob]:
    """Jobs that were due more than `grace` seconds ago and that no worker has taken: first those that wait longest."""
    query = (
        select(download_jobs.c.id, download_jobs.c.fence)
        .where(
            download_jobs.c.status.in_(sources(Claim)),
            download_jobs.c.due_at < _now - func.make_interval(0, 0, 0, 0, 0, 0, grace),
        )
        .order_by(download_jobs.c.due_at)
        .limit(limit)
    )
    return [DueJob(row.id, row.fence) for row in await connection.execute(query)]


async def set_cleaned(connection: AsyncConnection, job_id: UUID, cleanup_at: datetime) -> None:
    """The litter that was due at `cleanup_at` is gone."""
    await connection.execute(
        download_jobs.update()
        .where(download_jobs.c.id == job_id, download_jobs.c.cleanup_at == cleanup_at)
        .values(cleanup_at=None)
    )


async def find_forgettable(connection: AsyncConnection, retention: float, limit: int) -> list[UUID]:
    """Jobs that ended more than `retention` seconds ago and have nothing to hand out."""
    query = (
        select(download_jobs.c.id)
        .where(
            download_jobs.c.status.in_(["failed", "cancelled", "expired"]),
            download_jobs.c.cleanup_at.is_(None),
            download_jobs.c.finished_at < _now - func.make_interval(0, 0, 0, 0, 0, 0, retention),
        )
        .limit(limit)
    )
    return list((await connection.execute(query)).scalars())


async def delete_jobs(connection: AsyncConnection, job_ids: list[UUID]) -> None:
    """Removes the jobs with their files and events."""
    await connection.execute(download_jobs.delete().where(download_jobs.c.id.in_(job_ids)))


async def oldest_wait(connection: AsyncConnection) -> float:
    """Seconds that the longest waiting due job has been due; 0 when none is."""
    query = text(
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(due_at)), 0) FROM download_jobs"
        " WHERE status IN ('queued', 'retrying') AND due_at <= clock_timestamp()"
    )
    return float((await connection.execute(query)).scalar_one())
