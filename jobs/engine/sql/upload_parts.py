"""Statements about the finished parts of a job's multipart upload."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import fetch_within
from jobs.engine.jobs import UploadPart
from jobs.engine.sql.rows import part_of
from jobs.engine.sql.tables import upload_parts


async def load_parts(connection: AsyncConnection, job_id: UUID) -> list[UploadPart]:
    """The finished parts, by number."""
    query = select(upload_parts).where(upload_parts.c.job_id == job_id).order_by(upload_parts.c.number)
    return [part_of(row) for row in (await connection.execute(query)).mappings()]


async def save_parts(connection: AsyncConnection, job_id: UUID, parts: Sequence[UploadPart]) -> None:
    """Records finished parts. The caller has checked the fence in this transaction."""
    if not parts:
        return
    await fetch_within(
        connection,
        _SAVE,
        job_id,
        [part.number for part in parts],
        [part.etag for part in parts],
        [json.dumps(part.detail) for part in parts],
    )


async def delete_parts(connection: AsyncConnection, job_id: UUID) -> None:
    """Deletes the records of the parts. The caller has checked the fence in this transaction."""
    await fetch_within(connection, "DELETE FROM upload_parts WHERE job_id = $1", job_id)


_SAVE = """
    INSERT INTO upload_parts (job_id, number, etag, detail)
    SELECT $1::uuid, number, etag, CAST(detail AS jsonb)
    FROM unnest($2::int[], $3::text[], $4::text[]) AS p (number, etag, detail)
    ON CONFLICT (job_id, number) DO UPDATE SET etag = excluded.etag, detail = excluded.detail
"""
