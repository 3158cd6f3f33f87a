"""Statements about the files of a job: reading them, and recording the progress of an attempt in batches."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import fetch_within
from jobs.engine.jobs import FileRecord, FileState, Progress, UploadPart
from jobs.engine.sql.jobs import stale
from jobs.engine.sql.rows import progress_columns, record_of
from jobs.engine.sql.tables import file_records
from jobs.engine.sql.upload_parts import save_parts
from jobs.kinds import Phase


async def load_files(connection: AsyncConnection, job_id: UUID, since: int = 0) -> list[FileRecord]:
    """The files of a job that changed after `since`, in the order of the request."""
    return [record_of(row) for row in await fetch_within(connection, _LOAD, job_id, since)]


_LOAD = "SELECT * FROM file_records WHERE job_id = $1 AND seq > $2 ORDER BY index"


async def reset_files(connection: AsyncConnection, job_id: UUID, seq: int) -> None:
    """Marks every file as pending for a new attempt. An earlier error is kept until the file is done."""
    await connection.execute(
        update(file_records)
        .where(
            file_records.c.job_id == job_id,
            or_(file_records.c.state != FileState.PENDING, file_records.c.bytes_done != 0),
        )
        .values(state=FileState.PENDING, bytes_done=0, seq=seq)
    )


async def touch_unfinished(connection: AsyncConnection, job_id: UUID, seq: int) -> list[FileRecord]:
    """Marks the unfinished files of an ended attempt as changed at `seq`, and returns them.

    So followers discard live updates of them that were never persisted.
    """
    unfinished = file_records.c.state.in_([FileState.PENDING, FileState.ACTIVE])
    await connection.execute(update(file_records).where(file_records.c.job_id == job_id, unfinished).values(seq=seq))
    return await load_files(connection, job_id, seq - 1)


async def write_batch(
    connection: AsyncConnection,
    job_id: UUID,
    fence: int,
    phase: Phase,
    progress: Progress,
    records: Sequence[FileRecord],
    parts: Sequence[UploadPart] = (),
) -> int:
    """Records an attempt's progress, changed files and finished parts under a new `seq`, which it returns.

    Raises `StaleFence`.
    """
    values = progress_columns(progress).values()
    rows = await fetch_within(connection, _PROGRESS, job_id, fence, phase, *values)
    if not rows:
        raise stale(job_id, fence)
    seq: int = rows[0]["seq"]
    await write_files(connection, job_id, seq, records)
    await save_parts(connection, job_id, parts)
    return seq


async def write_files(connection: AsyncConnection, job_id: UUID, seq: int, records: Sequence[FileRecord]) -> None:
    """Records changed and new files under the job's `seq`. The caller has checked the fence in this transaction."""
    if records:
        await fetch_within(connection, _FILES, job_id, seq, *_columns(records).values())


_PROGRESS = """
    UPDATE jobs
    SET seq = seq + 1, phase = $3, files_total = $4, files_done = $5, files_omitted = $6, bytes_total = $7, bytes_done = $8
    WHERE id = $1 AND fence = $2 AND status = 'processing'
    RETURNING seq
"""

_FILES = """
    INSERT INTO file_records (
        job_id, seq, index, file_id, name, entry_name, state, key, size, etag, crc32, sha256, bytes_done, error_class,
        error_message
    )
    SELECT $1, $2, n.* FROM unnest(
        $3::int[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::bigint[],
        $12::text[], $13::bigint[], $14::text[], $15::text[]
    ) AS n
    ON CONFLICT (job_id, index) DO UPDATE
    SET file_id = excluded.file_id, entry_name = excluded.entry_name, state = excluded.state, key = excluded.key,
        size = excluded.size, etag = excluded.etag, crc32 = excluded.crc32, sha256 = excluded.sha256,
        bytes_done = excluded.bytes_done, error_class = excluded.error_class, error_message = excluded.error_message,
        seq = excluded.seq
"""


def _columns(records: Sequence[FileRecord]) -> dict[str, list[object]]:
    return {
        "index": [r.index for r in records],
        "file_id": [r.file_id for r in records],
        "name": [r.name for r in records],
        "entry_name": [r.entry_name for r in records],
        "state": [str(r.state) for r in records],
        "key": [r.key for r in records],
        "size": [r.size for r in records],
        "etag": [r.etag for r in records],
        "crc32": [r.crc32 for r in records],
        "sha256": [r.sha256 for r in records],
        "bytes_done": [r.bytes_done for r in records],
        "error_class": [r.failure and str(r.failure.error_class) for r in records],
        "error_message": [r.failure and r.failure.message for r in records],
    }
