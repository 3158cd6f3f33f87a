"""Removes what uploads leave in the store: of those that never became files, of files that are gone, and orphans.

A completed upload's object belongs to its file. That of another one is removed, with its multipart upload, once nobody can
complete or retry it: at once if it was cancelled or lapsed, after `RETRY_WINDOW` if it failed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from jobs.database import Database
from jobs.engine.jobs import Job, Status
from jobs.files.catalogue import find_gone_objects, record_removed
from jobs.settings import Settings
from jobs.storage import Storage
from jobs.storage.orphans import remove_orphans
from jobs.storage.part_signing import LIFETIME
from jobs.uploads.commands import Uploads
from jobs.uploads.sql.uploads import known_keys
from jobs.uploads.uploads import RAW_PREFIX, Upload, job_id_of_raw_key

log = structlog.get_logger()

LAST_WRITE = timedelta(seconds=LIFETIME + 150)
"""How long after an upload's end bytes of it may reach the store: a URL was valid, or a stale worker made its last call."""
BATCH = 500


class UploadCleanup:
    """Removes the leftover object of one upload at a time."""

    def __init__(self, uploads: Uploads, storage: Storage, settings: Settings) -> None:
        self._uploads = uploads
        self._storage = storage
        self._settings = settings

    async def clean_up(self, job: Job, now: datetime) -> datetime | None:
        """Removes what the upload has left. Returns when to check again. Raises `StaleFence`, and storage errors."""
        upload = await self._uploads.read_any(job.id)
        if upload is None or not upload.status.ended or upload.file_id is not None or upload.finished_at is None:
            return None
        kept_until = upload.finished_at + timedelta(seconds=self._settings.retry_window)
        if upload.status is Status.FAILED and upload.deleted_at is None and now < kept_until:
            return kept_until
        # This is recorded first, and fails if the job has changed: then an attempt may need the bytes.
        await self._uploads.mark_removed(job)
        await self._remove(upload)
        written_until = upload.finished_at + LAST_WRITE
        return written_until if now < written_until else None

    async def _remove(self, upload: Upload) -> None:
        """The multipart upload goes first: none can be completed to an object afterwards."""
        if upload.upload_id is not None:
            await self._storage.multipart.abort(upload.key, upload.upload_id)
        await self._storage.objects.delete([upload.key])
        log.info("upload_removed", job_id=str(upload.id), size=upload.size)


class FileRemoval:
    """Deletes the objects of files that are gone from the catalogue, and those under `raw/` that nothing refers to."""

    def __init__(
        self,
        database: Database,
        storage: Storage,
        settings: Settings,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`now` is UTC, and only compared with hours."""
        self._database = database
        self._storage = storage
        self._grace = settings.result_grace
        self._now = now
        self._age = timedelta(seconds=settings.upload_window + settings.retry_window)

    async def remove(self) -> None:
        """Removes both, once. A gone file's object stays `RESULT_GRACE` seconds, so that downloads in progress can end."""
        while await self._remove_gone() >= BATCH:
            pass
        await remove_orphans(self._storage, RAW_PREFIX, self._now() - self._age, self._orphans)

    async def _remove_gone(self) -> int:
        async with self._database.reading() as connection:
            gone = await find_gone_objects(connection, self._grace, BATCH)
        await self._storage.objects.delete(list(gone.values()))
        async with self._database.begin() as connection:
            await record_removed(connection, list(gone))
        return len(gone)

    async def _orphans(self, keys: list[str]) -> list[str]:
        """The keys that are named like the object of an upload, and that no row has. Others are somebody else's."""
        async with self._database.reading() as connection:
            known = await known_keys(connection, keys)
        return [key for key in keys if job_id_of_raw_key(key) is not None and key not in known]
