"""Commands and reads of downloads: the engine's lifecycle, with the rows that only a download has."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.access.audit import record_within
from jobs.access.grants import count_job
from jobs.bundles.downloads import Download, NewDownload, Result
from jobs.bundles.format.checkpoints import DonePart, MultipartUpload
from jobs.bundles.sql import reuse, sources
from jobs.bundles.sql.downloads import (
    ROWS,
    insert_download,
    load_downloads,
    measure_bundles,
    record_result,
    search_downloads,
    set_reader,
    set_upload,
)
from jobs.bundles.sql.rows import download_of, download_of_job
from jobs.bundles.url_sources import SourcePart, UrlSource
from jobs.database import Database
from jobs.engine.jobs import Job, Status
from jobs.engine.lifecycle import Lifecycle, NewJob, Within
from jobs.engine.sql.admissions import Admission, count_start
from jobs.engine.sql.jobs import Idempotency, dead_jobs_page, jobs_page
from jobs.engine.sql.queue_places import QueuePlaces
from jobs.engine.sql.snapshots import Snapshots
from jobs.engine.sql.sweeps import schedule_cleanup
from jobs.engine.sql.tables import jobs
from jobs.engine.sql.upload_parts import load_parts
from jobs.engine.transitions import CLEANUP_DELAY
from jobs.errors import JobNotFound, ResultGone
from jobs.files.visibility import FileReader
from jobs.kinds import Kind
from jobs.replica_reads import ReplicaReads

Cursor = tuple[datetime, UUID]
"""Where a page of a list starts: after the job with this time and id."""

SEARCHED = 5_000
"""Downloads whose names one request compares: a search costs the same however many there are."""


class Downloads:
    """Every method raises `DatabaseUnavailable` if the database is unavailable."""

    def __init__(
        self, database: Database, reads: ReplicaReads, lifecycle: Lifecycle, places: QueuePlaces, key_template: str
    ) -> None:
        """`key_template` is `S3_KEY_TEMPLATE`: it names files that are not in the catalogue."""
        self.snapshots = Snapshots(database, places, ROWS, download_of)
        self._database = database
        self._reads = reads
        self._lifecycle = lifecycle
        self._key_template = key_template

    async def measure_bundles(self) -> tuple[int, int]:
        """How many bundles can be downloaded, and their size in bytes. It reads all completed downloads."""
        return await measure_bundles(self._database)

    async def create(self, new: NewDownload, idempotency: Idempotency | None = None) -> Job:
        """Creates a job of kind `download`. Returns and raises what `Lifecycle.create` does, and `GrantExhausted`."""

        async def within(connection: AsyncConnection, job: Job) -> None:
            if new.grant is not None:
                await count_job(connection, new.grant)
            await insert_download(connection, job.id, new, self._key_template)
            if new.sources:
                await sources.insert_sources(connection, job.id, new.sources)
            if new.audit is not None:
                await record_within(connection, replace(new.audit, subject=str(job.id)))

        job = NewJob(
            kind=Kind.DOWNLOAD,
            owner=new.owner,
            files=new.files,
            admission=new.admission,
            traceparent=new.traceparent,
        )
        return await self._lifecycle.create(job, idempotency, within)

    async def retry(
        self,
        job_id: UUID,
        owner: str,
        reader: FileReader | None,
        admission: Admission | None = None,
        traceparent: str | None = None,
    ) -> Job:
        """Queues an ended download again. If its owner retries it, it reads files with the rights that the owner has now,
        and counts like a new one.

        Raises `JobNotFound`, `IllegalTransition`, `TooManyJobs`, `TooManyRunningJobs`.
        """

        async def within(connection: AsyncConnection, job: Job) -> None:
            if job.owner == owner:
                await set_reader(connection, job.id, reader)
                if admission is not None:
                    await count_start(connection, job.kind, owner, job.id, admission)

        return await self._lifecycle.retry(job_id, within, traceparent)

    async def read(self, job_id: UUID) -> Download:
        """The download as it is now. Raises `JobNotFound`."""
        snapshot = await self.snapshots.read(job_id)
        if snapshot is None:
            raise JobNotFound(f"There is no job {job_id}.")
        return snapshot.job

    async def read_any(self, job_id: UUID) -> Download | None:
        """The download, even if a person deleted it; None if its rows are deleted."""
        async with self._database.reading() as connection:
            found = await load_downloads(connection, select(jobs).where(jobs.c.id == job_id))
        return found[0] if found else None

    async def page(self, owner: str, statuses: Collection[Status], before: Cursor | None, limit: int) -> list[Download]:
        """The owner's downloads in any of these statuses (none: all), newest first, those after the cursor `before`."""
        query = jobs_page(Kind.DOWNLOAD, owner, statuses, before, limit)
        return await self._reads.query(lambda connection: load_downloads(connection, query))

    async def search(
        self, owner: str, statuses: Collection[Status], text: str, before: Cursor | None, limit: int
    ) -> tuple[list[Download], Cursor | None]:
        """Those whose name contains the text, whatever its case, and the cursor behind which the search goes on.

        One call reads at most `SEARCHED` downloads, so it may find fewer than `limit`, or none, before the last one.
        """
        read = jobs_page(Kind.DOWNLOAD, owner, statuses, before, SEARCHED)
        found, last = await self._reads.query(
            lambda connection: search_downloads(connection, read, SEARCHED, text, limit)
        )
        return found, (found[-1].created_at, found[-1].id) if len(found) == limit else last

    async def dead_page(self, owner: str, before: Cursor | None, limit: int) -> list[Download]:
        """The owner's dead downloads, the most recent first, those after the cursor `before`."""
        query = dead_jobs_page(Kind.DOWNLOAD, owner, before, limit)
        return await self._reads.query(lambda connection: load_downloads(connection, query))

    # --- for attempts --------------------------------------------------------------------------------------------------

    async def of_job(self, job: Job) -> Download:
        """The download of a job that was just claimed. Raises `JobNotFound`."""
        rows = await self._database.fetch("SELECT * FROM download_jobs WHERE job_id = $1", job.id)
        if not rows:
            raise JobNotFound(f"There is no job {job.id}.")
        return download_of_job(job, rows[0])

    async def set_upload(self, held: Job, upload: MultipartUpload | None) -> None:
        """Records a new multipart upload before its first part, or that there is none any more. Raises `StaleFence`."""

        async def within(connection: AsyncConnection, job: Job) -> None:
            await set_upload(connection, job.id, upload)

        await self._lifecycle.write(held, within)

    async def parts(self, held: Job) -> list[DonePart]:
        """The parts of the multipart upload that earlier attempts have finished."""
        async with self._database.reading() as connection:
            return [DonePart.of(part) for part in await load_parts(connection, held.id)]

    async def sources(self, job_id: UUID) -> list[UrlSource]:
        """The files of the download that are URLs, with what the store has of them, in the order of the request."""
        async with self._database.reading() as connection:
            return await sources.load_sources(connection, job_id)

    async def save_source(self, held: Job, source: UrlSource) -> None:
        """Records what the store has of a URL. Raises `StaleFence`."""

        async def within(connection: AsyncConnection, job: Job) -> None:
            await sources.save_source(connection, job.id, source)

        await self._lifecycle.write(held, within)

    async def add_source_part(self, held: Job, index: int, part: SourcePart) -> None:
        """Records a further part of a URL that the store has. Raises `StaleFence`."""

        async def within(connection: AsyncConnection, job: Job) -> None:
            await sources.add_source_part(connection, job.id, index, part)

        await self._lifecycle.write(held, within)

    async def forget_sources(self, held: Job) -> None:
        """Records that the store has nothing of the URLs, before that is removed. Raises `StaleFence`."""

        async def within(connection: AsyncConnection, job: Job) -> None:
            await sources.forget_sources(connection, job.id)

        await self._lifecycle.write(held, within)

    async def find_equal(self, content_hash: str, owner: str) -> Result | None:
        """A bundle with this content that is the result of a completed download, and that the owner may share."""
        async with self._database.reading() as connection:
            return await reuse.find_equal(connection, content_hash, owner)


def with_result(result: Result, *, has_sources: bool = False) -> Within:
    """Records the result of a download in the transaction that completes it.

    `has_sources`: some of its files were URLs. Their objects are removed soon, unless one is the result.
    """

    async def within(connection: AsyncConnection, job: Job) -> None:
        await record_result(connection, job, result)
        if has_sources:
            await sources.forget_sources(connection, job.id)
            await schedule_cleanup(connection, job.id, CLEANUP_DELAY)

    return within


def with_shared_result(result: Result) -> Within:
    """The same for a bundle that is another download's result.

    Such a download does not count as a start. It raises `ResultGone` if it is no download's result any more: then it may
    be removed at any time.
    """

    async def within(connection: AsyncConnection, job: Job) -> None:
        if not await reuse.lock_shared(connection, result, job.owner):
            raise ResultGone(f"{result.key!r} is no longer the result of a download.")
        await record_result(connection, job, result, shared=True)

    return within
