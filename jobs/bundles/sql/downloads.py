"""Statements about the rows of downloads. The engine has locked the job, or checked its fence, where one writes."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import PurePosixPath
from uuid import UUID

from sqlalchemy import Select, false, func, select, true, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.bundles.downloads import Download, NewDownload, Result
from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.bundles.sql.rows import download_of, reader_column, result_columns, upload_columns
from jobs.bundles.sql.tables import download_jobs
from jobs.database import Database, fetch_within
from jobs.engine.jobs import Job
from jobs.engine.sql.parameters import parameters
from jobs.engine.sql.tables import jobs
from jobs.engine.sql.upload_parts import delete_parts
from jobs.files.object_keys import template_key
from jobs.files.visibility import FileReader

ROWS = "jobs JOIN download_jobs ON job_id = id"
"""The FROM clause of what `download_of` maps."""


async def insert_download(connection: AsyncConnection, job_id: UUID, new: NewDownload, key_template: str) -> None:
    """Adds what only a download has to a new job. A file that is not in the catalogue is called by its object key."""
    first = new.files[0]
    await fetch_within(
        connection,
        _INSERT,
        job_id,
        new.archive_name,
        new.archive_name or first.name,
        first.file_id,
        PurePosixPath(template_key(key_template, first.file_id)).name,
        new.on_missing,
        new.compression,
        reader_column(new.reader),
    )


_INSERT = """
    INSERT INTO download_jobs (job_id, archive_name, name, on_missing, compression, reader)
    VALUES (
        $1, $2,
        coalesce(
            $3::text,
            (
                SELECT name FROM stored_files
                WHERE id = $4 AND available AND (
                    $8::jsonb IS NULL OR owner = $8::jsonb ->> 'owner' OR visibility = 'public'
                    OR visibility = 'shared' AND groups && ARRAY(SELECT jsonb_array_elements_text($8::jsonb -> 'groups'))
                )
            ),
            $5
        ),
        $6, $7, $8::jsonb
    )
"""
"""The catalogue is read by the same statement, and only for a download without a name: names are for readers, too."""


async def set_reader(connection: AsyncConnection, job_id: UUID, reader: FileReader | None) -> None:
    """Changes as whom the files of a download are read."""
    await fetch_within(
        connection, "UPDATE download_jobs SET reader = $2::jsonb WHERE job_id = $1", job_id, reader_column(reader)
    )


async def load_downloads(connection: AsyncConnection, page: Select[*tuple[object, ...]]) -> list[Download]:
    """The downloads of a query for jobs, in its order."""
    query = page.add_columns(*download_jobs.c).join(download_jobs, download_jobs.c.job_id == jobs.c.id)
    return [download_of(row) for row in (await connection.execute(query)).mappings()]


async def search_downloads(
    connection: AsyncConnection, read: Select[*tuple[object, ...]], count: int, search: str, limit: int
) -> tuple[list[Download], tuple[datetime, UUID] | None]:
    """Those of the jobs that the query `read` returns, up to `count`, whose name contains `search`, newest first.

    If these are fewer than `limit` and `read` returns `count` jobs, also creation and id of the last one that it returns.
    It is one statement, so that both are about the same jobs.
    """
    newest_first = jobs.c.created_at.desc(), jobs.c.id.desc()
    among = read.with_only_columns(jobs.c.id, jobs.c.created_at).subquery()
    matching = (
        select(among.c.id)
        .join(download_jobs, download_jobs.c.job_id == among.c.id)
        .where(download_jobs.c.name.icontains(search, autoescape=True))
        .order_by(among.c.created_at.desc(), among.c.id.desc())
        .limit(limit)
        .cte()
    )
    matches = select(func.count()).select_from(matching).scalar_subquery()
    last = read.with_only_columns(jobs.c.id).where(matches < limit).limit(1).offset(count - 1).subquery()
    found = union_all(select(matching.c.id, true().label("matches")), select(last.c.id, false())).subquery()
    query = (
        select(jobs, *download_jobs.c, found.c.matches)
        .join(found, found.c.id == jobs.c.id)
        .join(download_jobs, download_jobs.c.job_id == jobs.c.id)
        .order_by(*newest_first)
    )
    rows = (await connection.execute(query)).mappings().all()
    ends = [(row["created_at"], row["id"]) for row in rows if not row["matches"]]
    return [download_of(row) for row in rows if row["matches"]], ends[0] if ends else None


async def record_result(connection: AsyncConnection, job: Job, result: Result, *, shared: bool = False) -> None:
    """Records the result of a job that is being completed. Its multipart upload and the parts are no longer needed.

    If it is `shared`, another download's, nothing was packed: the last start of the job no longer counts.
    """
    columns = result_columns(result)
    columns["result_omitted"] = json.dumps(columns["result_omitted"])
    query = _RECORD_SHARED if shared else _RECORD
    await fetch_within(connection, query, job.id, *(columns[name] for name in _RESULT), job.expires_at)


_RESULT = (
    *("result_kind", "result_key", "result_size", "result_etag", "result_crc32", "result_sha256", "result_filename"),
    *("result_content_type", "result_omitted", "result_content_hash", "result_public"),
)
_FORGET = "WITH forgotten AS (DELETE FROM upload_parts WHERE job_id = $1)"
_UNCOUNT = """
    uncounted AS (
        DELETE FROM job_starts WHERE job_id = $1 AND at = (SELECT max(at) FROM job_starts WHERE job_id = $1)
    )
"""
_RECORD_RESULT = f"""
    UPDATE download_jobs
    SET ({", ".join(_RESULT)}) = ROW ({parameters(download_jobs, _RESULT, 2)}), result_expires_at = ${2 + len(_RESULT)},
        upload_key = NULL, upload_id = NULL, upload_fingerprint = NULL
    WHERE job_id = $1
"""  # noqa: S608 - names and types of ours
_RECORD = f"{_FORGET} {_RECORD_RESULT}"
_RECORD_SHARED = f"{_FORGET}, {_UNCOUNT} {_RECORD_RESULT}"


async def measure_bundles(database: Database) -> tuple[int, int]:
    """How many bundles can be downloaded, and their size in bytes. One that several jobs share counts once.

    It reads all completed downloads. Raises `DatabaseUnavailable`.
    """
    [row] = await database.fetch(_MEASURE_BUNDLES)
    return row["count"], row["bytes"]


_MEASURE_BUNDLES = """
    SELECT count(*), coalesce(sum(size), 0)::bigint AS bytes FROM (
        SELECT max(result_size) AS size FROM download_jobs JOIN jobs ON job_id = id
        WHERE result_kind = 'bundle' AND status = 'completed' GROUP BY result_key
    ) AS bundles
"""


async def set_upload(connection: AsyncConnection, job_id: UUID, upload: MultipartUpload | None) -> None:
    """Gives the download another multipart upload, without parts, or none.

    An upload may be aborted only after this has been committed: from then on no attempt continues it.
    """
    columns = upload_columns(upload)
    await connection.execute(update(download_jobs).where(download_jobs.c.job_id == job_id).values(columns))
    await delete_parts(connection, job_id)
