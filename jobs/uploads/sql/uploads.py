"""Statements about the rows of uploads. The engine has locked the job, or checked its fence, where one writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any
from uuid import UUID

from sqlalchemy import Select, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import fetch_within
from jobs.engine.jobs import Job
from jobs.engine.sql.rows import Row, job_fields, json_of
from jobs.engine.sql.tables import jobs
from jobs.errors import JobNotFound
from jobs.files.visibility import Visibility
from jobs.uploads.sql.tables import upload_jobs
from jobs.uploads.uploads import NewUpload, Part, Upload, job_id_of_raw_key, raw_key

ROWS = "jobs JOIN upload_jobs ON job_id = id"
"""The FROM clause of what `upload_of` maps."""

_OWN = tuple(field.name for field in fields(Upload) if field.name not in {field.name for field in fields(Job)})


def upload_of(row: Row) -> Upload:
    return _upload(job_fields(row), row)


def upload_of_job(job: Job, row: Row) -> Upload:
    """The upload of a job that is known, with its row of `upload_jobs`."""
    return _upload({field.name: getattr(job, field.name) for field in fields(Job)}, row)


def _upload(job: dict[str, Any], row: Row) -> Upload:
    own = {name: row[name] for name in _OWN}
    own |= {
        "visibility": Visibility(row["visibility"]),
        "groups": tuple(row["groups"]),
        "wishes": json_of(row["wishes"]),
    }
    return Upload(**job, **own)


async def insert_uploads(connection: AsyncConnection, created: Sequence[Job], new: Sequence[NewUpload]) -> None:
    """Adds what only an upload has to new jobs, in the order of the request."""
    rows = [
        {
            "job_id": job.id,
            "batch": created[0].id,
            "position": position,
            "name": one.name,
            "size": one.size or 0,
            "size_known": one.size is not None,
            "content_type": one.content_type,
            "modified_at": one.modified_at,
            "visibility": one.visibility,
            "groups": list(one.groups),
            "part_size": one.part_size,
            "streamed": one.streamed,
            "tus_metadata": one.tus_metadata,
            "wishes": None if one.wishes is None else dict(one.wishes),
            "key": raw_key(job.id),
        }
        for position, (job, one) in enumerate(zip(created, new, strict=True))
    ]
    await connection.execute(insert(upload_jobs), rows)


async def lock_owner(connection: AsyncConnection, owner: str) -> None:
    """Lets the owner create uploads one request at a time, so that limits are exact, until the transaction ends."""
    await fetch_within(connection, "SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", f"uploads\x1f{owner}")


async def count_open(connection: AsyncConnection, owner: str) -> int:
    """How many uploads of the owner are being sent."""
    query = "SELECT count(*) FROM jobs WHERE owner = $1 AND kind = 'upload' AND status = 'receiving'"
    return int((await fetch_within(connection, query, owner))[0]["count"])


async def sum_bytes(connection: AsyncConnection, owner: str) -> int:
    """The bytes of the owner's uploads of the last 24 hours; of a cancelled one, those that were sent."""
    return int((await fetch_within(connection, _SUM, owner))[0]["total"])


_SUM = """
    SELECT coalesce(sum(CASE WHEN status = 'cancelled' THEN bytes_done ELSE size END), 0)::bigint AS total
    FROM jobs JOIN upload_jobs ON job_id = id
    WHERE owner = $1 AND kind = 'upload' AND created_at > statement_timestamp() - interval '24 hours'
"""


async def load_batch(connection: AsyncConnection, job_id: UUID) -> list[Upload]:
    """The uploads of the request that created this one, in its order."""
    batch = select(upload_jobs.c.batch).where(upload_jobs.c.job_id == job_id).scalar_subquery()
    query = (
        select(jobs, *upload_jobs.c)
        .join(upload_jobs, upload_jobs.c.job_id == jobs.c.id)
        .where(upload_jobs.c.batch == batch)
        .order_by(upload_jobs.c.position)
    )
    return [upload_of(row) for row in (await connection.execute(query)).mappings()]


async def load_uploads(connection: AsyncConnection, page: Select[*tuple[object, ...]]) -> list[Upload]:
    """The uploads of a query for jobs, in its order."""
    query = page.add_columns(*upload_jobs.c).join(upload_jobs, upload_jobs.c.job_id == jobs.c.id)
    return [upload_of(row) for row in (await connection.execute(query)).mappings()]


def not_found(job_id: UUID) -> JobNotFound:
    return JobNotFound(f"There is no upload {job_id}.")


async def load_upload(connection: AsyncConnection, job_id: UUID) -> Upload:
    """The upload, even if a person deleted its job. Raises `JobNotFound` if its rows are deleted."""
    upload = await find_upload(connection, job_id)
    if upload is None:
        raise not_found(job_id)
    return upload


async def find_upload(connection: AsyncConnection, job_id: UUID) -> Upload | None:
    """The upload, even if a person deleted its job; None if its rows are deleted."""
    rows = await fetch_within(connection, f"SELECT * FROM {ROWS} WHERE id = $1", job_id)  # noqa: S608 - ours
    return upload_of(rows[0]) if rows else None


async def claim_upload_id(connection: AsyncConnection, job_id: UUID, upload_id: str) -> str:
    """Records the multipart upload of an upload that has none yet. Returns the one that counts."""
    query = "UPDATE upload_jobs SET upload_id = coalesce(upload_id, $2) WHERE job_id = $1 RETURNING upload_id"
    return str((await fetch_within(connection, query, job_id, upload_id))[0]["upload_id"])


async def save_signed(connection: AsyncConnection, job_id: UUID, parts: Sequence[tuple[int, int]]) -> None:
    """Records for which CRC-32s parts are signed. One that was sent with another has to be sent again."""
    numbers, crcs = [number for number, _ in parts], [crc32 for _, crc32 in parts]
    await fetch_within(connection, _SIGN, job_id, numbers, crcs)


_SIGN = """
    INSERT INTO signed_parts (job_id, number, crc32)
    SELECT $1::uuid, number, crc32 FROM unnest($2::int[], $3::bigint[]) AS p (number, crc32)
    ON CONFLICT (job_id, number) DO UPDATE
    SET crc32 = excluded.crc32, sent = signed_parts.sent AND signed_parts.crc32 = excluded.crc32
"""


async def save_sent(connection: AsyncConnection, job_id: UUID, numbers: Sequence[int]) -> set[int]:
    """Records that parts were sent. Returns those of them that were signed."""
    query = "UPDATE signed_parts SET sent = true WHERE job_id = $1 AND number = ANY ($2::int[]) RETURNING number"
    return {row["number"] for row in await fetch_within(connection, query, job_id, list(numbers))}


async def count_sent(connection: AsyncConnection, job_id: UUID, last: int) -> tuple[int, bool]:
    """How many parts were sent, and whether that with the number `last` is among them."""
    query = (
        "SELECT count(*), coalesce(bool_or(number = $2), false) AS last FROM signed_parts WHERE job_id = $1 AND sent"
    )
    row = (await fetch_within(connection, query, job_id, last))[0]
    return row["count"], row["last"]


async def find_missing(connection: AsyncConnection, job_id: UUID, count: int, limit: int) -> list[int]:
    """The numbers of the first `limit` parts, of `count`, that were not sent."""
    return [row["number"] for row in await fetch_within(connection, _MISSING, job_id, count, limit)]


_MISSING = """
    SELECT number FROM generate_series(1, $2::int) AS number
    EXCEPT SELECT number FROM signed_parts WHERE job_id = $1 AND sent
    ORDER BY number LIMIT $3
"""


async def load_parts(connection: AsyncConnection, job_id: UUID) -> list[Part]:
    """The parts that were signed, by number."""
    query = "SELECT number, crc32, sent, etag FROM signed_parts WHERE job_id = $1 ORDER BY number"
    return [Part(**row) for row in await fetch_within(connection, query, job_id)]


async def record_file(
    connection: AsyncConnection,
    job_id: UUID,
    file_id: int,
    *,
    detected_type: str | None,
    crc32: int,
    sha256: str | None,
) -> None:
    """Records what has become of an upload that is being completed. Its parts are no longer needed."""
    await fetch_within(connection, _RECORD, job_id, file_id, detected_type, crc32, sha256)


_RECORD = """
    WITH parts AS (DELETE FROM signed_parts WHERE job_id = $1), tail AS (DELETE FROM tail_pieces WHERE job_id = $1)
    UPDATE upload_jobs SET file_id = $2, detected_type = $3, crc32 = $4, sha256 = $5, upload_id = NULL WHERE job_id = $1
"""


async def mark_removed(connection: AsyncConnection, job_id: UUID) -> None:
    """Records that the bytes of an upload are about to be removed. From then on no attempt can succeed."""
    await fetch_within(connection, _REMOVE, job_id)


_REMOVE = """
    WITH parts AS (DELETE FROM signed_parts WHERE job_id = $1), tail AS (DELETE FROM tail_pieces WHERE job_id = $1)
    UPDATE upload_jobs SET removed = true WHERE job_id = $1
"""


async def mark_infected(connection: AsyncConnection, job_id: UUID, finding: str) -> None:
    """Records that the virus scanner has found something in an upload, and when."""
    query = "UPDATE upload_jobs SET infected_at = clock_timestamp(), finding = $2 WHERE job_id = $1"
    await fetch_within(connection, query, job_id, finding)


async def known_keys(connection: AsyncConnection, keys: Sequence[str]) -> set[str]:
    """Those of the keys that belong to an uncompleted upload, to its tail, or to a file of the catalogue."""
    query = text(
        "SELECT key FROM upload_jobs WHERE job_id = ANY (CAST(:ids AS uuid[])) AND file_id IS NULL"
        " UNION SELECT key FROM tail_pieces WHERE job_id = ANY (CAST(:ids AS uuid[]))"
        " UNION SELECT key FROM stored_files WHERE key = ANY (CAST(:keys AS text[])) AND object_removed_at IS NULL"
    )
    ids = [job_id for key in keys if (job_id := job_id_of_raw_key(key)) is not None]
    return set((await connection.execute(query, {"ids": ids, "keys": list(keys)})).scalars())
