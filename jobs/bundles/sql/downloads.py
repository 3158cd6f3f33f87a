"""Statements about the rows of downloads. The engine has locked the job, or checked its fence, where one writes."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, insert, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.bundles.downloads import Download, NewDownload, Result
from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.bundles.sql.rows import download_of, result_columns, upload_columns
from jobs.bundles.sql.tables import download_jobs
from jobs.engine.jobs import Job
from jobs.engine.sql.tables import jobs
from jobs.engine.sql.upload_parts import delete_parts

ROWS = "jobs JOIN download_jobs ON job_id = id"
"""The FROM clause of what `download_of` maps."""


async def insert_download(connection: AsyncConnection, job_id: UUID, new: NewDownload) -> None:
    """Adds what only a download has to a new job."""
    await connection.execute(
        insert(download_jobs),
        {
            "job_id": job_id,
            "archive_name": new.archive_name,
            "on_missing": new.on_missing,
            "compression": new.compression,
        },
    )


async def load_downloads(connection: AsyncConnection, page: Select[*tuple[object, ...]]) -> list[Download]:
    """The downloads of a query for jobs, in its order."""
    query = page.add_columns(*download_jobs.c).join(download_jobs, download_jobs.c.job_id == jobs.c.id)
    return [download_of(row) for row in (await connection.execute(query)).mappings()]


async def record_result(connection: AsyncConnection, job: Job, result: Result) -> None:
    """Records the result of a job that is being completed. Its multipart upload and the parts are no longer needed."""
    columns = result_columns(result) | {"result_expires_at": job.expires_at} | upload_columns(None)
    await connection.execute(update(download_jobs).where(download_jobs.c.job_id == job.id).values(columns))
    await delete_parts(connection, job.id)


async def set_upload(connection: AsyncConnection, job_id: UUID, upload: MultipartUpload | None) -> None:
    """Gives the download another multipart upload, without parts, or none.

    An upload may be aborted only after this has been committed: from then on no attempt continues it.
    """
    columns = upload_columns(upload)
    await connection.execute(update(download_jobs).where(download_jobs.c.job_id == job_id).values(columns))
    await delete_parts(connection, job_id)
