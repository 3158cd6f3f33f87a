"""Removes the leftover objects of a download: expired bundles, and what earlier attempts left in the store.

It compares the objects under the download's own prefix with what this download and others refer to, so it may run at any
time, any number of times. Objects of a later attempt have a higher fence in their key and are left alone. Only the
download that built a bundle removes it, however many others hand it out. Until then its cleanup is due again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from jobs.bundles.commands import Downloads
from jobs.bundles.downloads import Download, ResultKind
from jobs.bundles.keys import bundle_key, fence_of_key, job_id_of_key, job_prefix, sources_prefix
from jobs.bundles.sql import reuse
from jobs.bundles.url_sources import UrlSource
from jobs.database import Database
from jobs.engine.jobs import Job, Status
from jobs.engine.sql import sweeps
from jobs.engine.sql.jobs import claim_fences
from jobs.settings import Settings
from jobs.storage import Storage

log = structlog.get_logger()


RECHECK = 60.0
"""Least seconds before a bundle that other downloads used is checked again."""
STALE = timedelta(seconds=150)
"""How long after a job's end the last call of a stale worker may reach the store: then its objects are checked again."""


class Cleanup:
    """Removes the leftover objects of one download at a time."""

    def __init__(self, database: Database, downloads: Downloads, storage: Storage, settings: Settings) -> None:
        self._database = database
        self._downloads = downloads
        self._storage = storage
        self._settings = settings

    async def clean_up(self, job: Job, now: datetime) -> datetime | None:
        """Removes the leftover objects of the job. Returns when more may be due.

        Raises `StaleFence` if the job changes, and storage errors.
        """
        download = await self._downloads.read_any(job.id)
        if download is None:
            return None
        sources = await self._downloads.sources(job.id)
        if self._can_abort(download, now):
            # The records go first, and fail if the job has changed: then another attempt may continue from them.
            if download.upload is not None:
                await self._downloads.set_upload(job, None)
                download = replace(download, upload=None)
            if any(source.partial or source.fetched for source in sources):
                await self._downloads.forget_sources(job)
                await self._abort(sources)
                sources = [source.forgotten() for source in sources]
        async with self._database.reading() as connection:
            fences = await claim_fences(connection, job.id)
        # Attempt by attempt of those that have ended: MinIO lists multipart uploads by their whole key only.
        for key in (bundle_key(job.id, fence) for fence in fences if fence < job.fence):
            for upload in await self._storage.multipart.list_uploads(key):
                if download.upload is None or upload.id != download.upload.id:
                    await self._storage.multipart.abort(key, upload.id)
        if sources:
            await self._abort_orphans(download, sources)
        used_until = await self._remove_objects(download, _keys_of(sources))
        return self._next_cleanup(download, now, used_until, has_sources=bool(_keys_of(sources)))

    async def _abort(self, sources: Sequence[UrlSource]) -> None:
        for source in sources:
            if source.partial is not None:
                await self._storage.multipart.abort(source.partial.key, source.partial.upload_id)

    async def _abort_orphans(self, download: Download, sources: Sequence[UrlSource]) -> None:
        """Aborts the uploads of sources that no row names. MinIO lists none, and drops them by itself after a day."""
        known = {source.partial.upload_id for source in sources if source.partial is not None}
        for upload in await self._storage.multipart.list_uploads(sources_prefix(download.id)):
            fence = fence_of_key(upload.key)
            if upload.id not in known and fence is not None and fence < download.fence:
                await self._storage.multipart.abort(upload.key, upload.id)

    async def _remove_objects(self, download: Download, kept: Collection[str]) -> datetime | None:
        """Removes leftover objects, but not those with the keys `kept`.

        Returns until when, at least, other downloads use an object that would be leftover otherwise.
        """
        objects = self._storage.objects
        found = [
            info.key
            async for info in objects.list(job_prefix(download.id))
            if info.key not in kept and _is_leftover(info.key, download)
        ]
        borrowed = _borrowed(download)
        used: dict[str, datetime] = {}
        if found or borrowed:
            async with self._database.reading() as connection:
                used = await reuse.find_used(connection, [*found, *borrowed], self._settings.result_grace)
        leftover = [key for key in found if key not in used]
        if leftover:
            await objects.delete(leftover)
            log.info("leftover_objects_removed", job_id=str(download.id), objects=len(leftover))
        for key in borrowed.keys() - used:
            async with self._database.begin() as connection:
                await sweeps.hasten_cleanup(connection, borrowed[key])
        return min((used[key] for key in found if key in used), default=None)

    def _can_abort(self, download: Download, now: datetime) -> bool:
        """Of the downloads that have ended, only the uploads of a failed one are kept, for a person's retry."""
        if not download.status.ended:
            return False
        retryable = download.status is Status.FAILED and download.deleted_at is None
        return not (retryable and now < self._kept_until(download))

    def _kept_until(self, download: Download) -> datetime:
        assert download.finished_at is not None
        return download.finished_at + timedelta(seconds=self._settings.retry_window)

    def _next_cleanup(
        self, download: Download, now: datetime, used_until: datetime | None, *, has_sources: bool
    ) -> datetime | None:
        times = [] if used_until is None else [max(used_until, now + timedelta(seconds=RECHECK))]
        if download.finished_at is not None and download.status.ended:
            if now < download.finished_at + STALE:
                times.append(download.finished_at + STALE)
            elif download.upload is not None or has_sources:
                times.append(self._kept_until(download))
        return min(times, default=None)


def _keys_of(sources: Sequence[UrlSource]) -> set[str]:
    """The keys of the objects that the sources have, or are going to have when their uploads are completed."""
    return {stored.key for source in sources if (stored := source.fetched or source.partial) is not None}


def _borrowed(download: Download) -> dict[str, UUID]:
    """The bundle that was the download's result but that it did not build, with the job that built it."""
    result = download.result
    if download.status is not Status.EXPIRED or result is None or result.kind is not ResultKind.BUNDLE:
        return {}
    builder = job_id_of_key(result.key)
    return {} if builder is None or builder == download.id else {result.key: builder}


def _is_leftover(key: str, download: Download) -> bool:
    """Returns True unless the download, or a later attempt, needs the object. Others may still use it."""
    fence = fence_of_key(key)
    is_result = download.status is Status.COMPLETED and download.result is not None and download.result.key == key
    is_upload = download.upload is not None and download.upload.key == key  # it may be completed at any time
    return not is_result and not is_upload and fence is not None and fence < download.fence
