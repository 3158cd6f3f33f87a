"""Statements about dead jobs: those that failed of what might pass."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.engine.jobs import Job
from jobs.engine.sql.rows import job_of
from jobs.engine.sql.tables import DEAD, download_jobs


async def list_dead(
    connection: AsyncConnection, owner: str, before: tuple[datetime, UUID] | None, limit: int
) -> list[Job]:
    """The owner's dead jobs, those that died last first, those after the cursor `before` (end and id)."""
    place = (download_jobs.c.finished_at, download_jobs.c.id)
    query = select(download_jobs).where(download_jobs.c.owner == owner, text(DEAD))
    if before is not None:
        query = query.where(tuple_(*place) < tuple_(*before))
    query = query.order_by(*(column.desc() for column in place)).limit(limit)
    return [job_of(row) for row in (await connection.execute(query)).mappings()]
