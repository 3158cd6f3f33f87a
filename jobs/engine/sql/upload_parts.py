"""Statements about a job's multipart upload and the parts of it that the store has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.bundles.format.checkpoints import DonePart, Upload
from jobs.engine.sql.rows import checkpoint_json, part_of, upload_columns
from jobs.engine.sql.tables import download_jobs, upload_parts
from jobs.errors import StaleFence


async def set_upload(connection: AsyncConnection, job_id: UUID, fence: int, upload: Upload | None) -> None:
    """Gives the job another upload, or none, which has no parts yet. Raises `StaleFence`.

    An upload may be aborted only after this has taken it off the job: then nobody else goes on with it.
    """
    statement = (
        update(download_jobs)
        .where(download_jobs.c.id == job_id, download_jobs.c.fence == fence)
        .values(upload_columns(upload))
    )
    if (await connection.execute(statement)).rowcount == 0:
        raise StaleFence(f"Job {job_id} has moved on since fence {fence}.")
    await delete_parts(connection, job_id)


async def delete_parts(connection: AsyncConnection, job_id: UUID) -> None:
    """Forgets the parts of the job's upload."""
    await connection.execute(delete(upload_parts).where(upload_parts.c.job_id == job_id))


async def load_parts(connection: AsyncConnection, job_id: UUID) -> list[DonePart]:
    """The parts of the job's upload that the store has, by number."""
    query = select(upload_parts).where(upload_parts.c.job_id == job_id).order_by(upload_parts.c.number)
    return [part_of(row) for row in (await connection.execute(query)).mappings()]


async def save_parts(connection: AsyncConnection, job_id: UUID, parts: Sequence[DonePart]) -> None:
    """Notes parts of the job's upload. The caller has checked the fence in this transaction."""
    await connection.execute(
        _SAVE,
        {
            "job_id": job_id,
            "numbers": [part.number for part in parts],
            "etags": [part.etag for part in parts],
            "crcs": [json.dumps(dict(part.crcs)) for part in parts],
            "checkpoints": [checkpoint_json(part.checkpoint) for part in parts],
        },
    )


_SAVE = text(
    """
    INSERT INTO upload_parts (job_id, number, etag, crcs, checkpoint)
    SELECT CAST(:job_id AS uuid), number, etag, CAST(crcs AS jsonb), CAST(checkpoint AS jsonb)
    FROM unnest(CAST(:numbers AS int[]), CAST(:etags AS text[]), CAST(:crcs AS text[]), CAST(:checkpoints AS text[]))
        AS p (number, etag, crcs, checkpoint)
    ON CONFLICT (job_id, number) DO UPDATE
        SET etag = excluded.etag, crcs = excluded.crcs, checkpoint = excluded.checkpoint
    """
)
