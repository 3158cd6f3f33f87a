"""Removes what uploads leave in the store: of those that never became files, of files that are gone, and orphans.

A completed upload's object belongs to its file, unless the file shares an older object with the same content. The object
of any other upload is removed, with its multipart upload, once nobody can complete or retry it: at once if it was cancelled
or lapsed, after `RETRY_WINDOW` if it failed, after `QUARANTINE` if it is infected.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import structlog

from jobs.database import Database
from jobs.engine.jobs import Job, Status
from jobs.settings import Settings
from jobs.storage import Storage
from jobs.storage.orphans import remove_orphans
from jobs.storage.part_signing import LIFETIME
from jobs.uploads.commands import Uploads
from jobs.uploads.sql.files import expire_files, find_gone_objects, find_key, record_removed
from jobs.uploads.sql.uploads import known_keys
from jobs.uploads.uploads import RAW_PREFIX, Upload, job_id_of_raw_key, tail_prefix

log = structlog.get_logger()

LAST_WRITE = timedelta(seconds=LIFETIME + 150)
"""How long after an upload's end its bytes may still reach the store: a URL was valid, or a stale worker or intake made its
last call."""
BATCH = 500
"""Files that are removed in one transaction."""


async def remove_tail(storage: Storage, upload: Upload) -> None:
    """Removes all pieces of the tail of an upload that is assembled, or that nobody continues."""
    if upload.writer is not None and (
        keys := [piece.key async for piece in storage.objects.list(tail_prefix(upload.id))]
    ):
        await storage.objects.delete(keys)


class UploadCleanup:
    """Removes the leftover object of one upload at a time."""

    def __init__(self, database: Database, uploads: Uploads, storage: Storage, settings: Settings) -> None:
        self._database = database
        self._uploads = uploads
        self._storage = storage
        self._settings = settings

    async def clean_up(self, job: Job, now: datetime) -> datetime | None:
        """Removes what the upload has left behind. Returns when to check again. Raises `StaleFence`, and storage errors."""
        upload = await self._uploads.read_any(job.id)
        if upload is None or not upload.status.ended or upload.finished_at is None:
            return None
        if upload.file_id is not None:
            await self._remove_duplicate(upload, upload.file_id)
            return None
        kept_until = self._kept_until(upload, upload.finished_at)
        if now < kept_until:
            return kept_until
        if not upload.removed:
            # This is recorded first, and fails if the job has changed: then an attempt may need the bytes.
            await self._uploads.mark_removed(job, infected=upload.infected_at is not None)
        await self._remove(upload)
        written_until = upload.finished_at + LAST_WRITE
        return written_until if now < written_until else None

    def _kept_until(self, upload: Upload, finished_at: datetime) -> datetime:
        if upload.infected_at is not None:
            return upload.infected_at + timedelta(seconds=self._settings.quarantine)
        if upload.status is Status.FAILED and upload.deleted_at is None:
            return finished_at + timedelta(seconds=self._settings.retry_window)
        return finished_at

    async def _remove(self, upload: Upload) -> None:
        """The multipart upload goes first: none can be completed to an object afterwards."""
        if upload.upload_id is not None:
            await self._storage.multipart.abort(upload.key, upload.upload_id)
        await self._storage.objects.delete([upload.key])
        await remove_tail(self._storage, upload)
        log.info("upload_removed", job_id=str(upload.id), size=upload.size, infected=upload.infected_at is not None)

    async def _remove_duplicate(self, upload: Upload, file_id: int) -> None:
        """Removes the object of a completed upload whose file has another one with the same content."""
        if upload.sha256 is None:  # then no other one can be known to have the same content
            return
        async with self._database.reading() as connection:
            key = await find_key(connection, file_id)
        if key is not None and key != upload.key:
            await self._storage.objects.delete([upload.key])
            log.info("duplicate_removed", job_id=str(upload.id), file_id=file_id, size=upload.size)


class FileRemoval:
    """Removes uploaded files whose retention is over, objects of files that are gone, and those that nothing refers to."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        settings: Settings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`now` is UTC, and only compared with hours and days."""
        self._database = database
        self._storage = storage
        self._grace = timedelta(seconds=settings.result_grace)
        self._retention = timedelta(seconds=settings.raw_retention)
        self._now = now
        self._age = timedelta(seconds=settings.upload_window + settings.retry_window)

    async def remove(self) -> None:
        """Does it once. A gone file's object stays `RESULT_GRACE` seconds, so that downloads in progress can end.

        Any number of workers may do this at the same time.
        """
        if self._retention:
            await self._until_done(self._expire)
        await self._until_done(self._remove_gone)
        await remove_orphans(self._storage, RAW_PREFIX, self._now() - self._age, self.find_orphans)

    async def _until_done(self, remove: Callable[[], Awaitable[int]]) -> None:
        while await remove() >= BATCH:
            pass

    async def _expire(self) -> int:
        now = self._now()
        async with self._database.begin() as connection:
            expired = await expire_files(connection, now - self._retention, now, BATCH)
        if expired:
            log.info("files_expired", files=len(expired), first=min(expired), last=max(expired))
        return len(expired)

    async def _remove_gone(self) -> int:
        async with self._database.reading() as connection:
            gone = await find_gone_objects(connection, self._now() - self._grace, BATCH)
        if not gone:
            return 0
        await self._storage.objects.delete(list({file.key for file in gone if file.is_last}))
        async with self._database.begin() as connection:
            await record_removed(connection, [file.id for file in gone])
        return len(gone)

    async def find_orphans(self, keys: list[str]) -> list[str]:
        """The keys that are named like the object of an upload, and that no row has. Others are somebody else's."""
        async with self._database.reading() as connection:
            known = await known_keys(connection, keys)
        return [key for key in keys if job_id_of_raw_key(key) is not None and key not in known]
