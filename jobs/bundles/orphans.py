"""Removes orphaned bundles and multipart uploads, whose jobs do not exist: after a restored backup, or deleted rows.

The cleanup of a download needs its row. Here the store is listed instead. Only objects older than anything that a job may
still need are removed, so an installation that shares the bucket loses nothing recent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from jobs.bundles.keys import BUNDLES_PREFIX, job_id_of_key
from jobs.bundles.sql.reuse import find_used
from jobs.database import Database
from jobs.engine.sql.jobs import known_jobs
from jobs.settings import Settings
from jobs.storage import Storage
from jobs.storage.part_copy import PROBE_PREFIX

log = structlog.get_logger()

BATCH = 500
PROBE_AGE = timedelta(hours=1)
"""Age of a probe object after which the process that wrote it must have died."""


class Orphans:
    """Searches everything under `bundles/`."""

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
        self._age = timedelta(seconds=settings.bundle_ttl + settings.result_grace + settings.retry_window)

    async def remove(self) -> None:
        """Searches once. MinIO lists no multipart uploads here; it drops abandoned ones by itself."""
        removed = 0
        async for keys in self._old_objects():
            if orphans := await self._orphans(keys):
                await self._storage.objects.delete(orphans)
                removed += len(orphans)
        uploads = self._storage.multipart
        old = [upload for upload in await uploads.list_uploads(BUNDLES_PREFIX) if upload.initiated_at < self._oldest()]
        orphaned = set(await self._orphans(upload.key for upload in old))
        for upload in old:
            if upload.key in orphaned:
                await uploads.abort(upload.key, upload.id)
                removed += 1
        removed += await self._remove_probes()
        if removed:
            log.info("orphans_removed", count=removed)

    async def _remove_probes(self) -> int:
        """Removes what a process left that was killed while it probed what the store can do."""
        storage, oldest = self._storage, self._now() - PROBE_AGE
        left = [info.key async for info in storage.objects.list(PROBE_PREFIX) if info.last_modified < oldest]
        if left:
            await storage.objects.delete(left)
        uploads = [
            upload for upload in await storage.multipart.list_uploads(PROBE_PREFIX) if upload.initiated_at < oldest
        ]
        for upload in uploads:
            await storage.multipart.abort(upload.key, upload.id)
        return len(left) + len(uploads)

    async def _old_objects(self) -> AsyncIterator[list[str]]:
        batch: list[str] = []
        async for info in self._storage.objects.list(BUNDLES_PREFIX):
            if info.last_modified < self._oldest():
                batch.append(info.key)
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _oldest(self) -> datetime:
        return self._now() - self._age

    async def _orphans(self, keys: Iterable[str]) -> list[str]:
        """The keys that are named like a bundle of a job without a row, and that are no other download's result."""
        jobs: dict[str, UUID] = {key: job for key in keys if (job := job_id_of_key(key)) is not None}
        async with self._database.reading() as connection:
            known = await known_jobs(connection, set(jobs.values()))
            unknown = [key for key, job in jobs.items() if job not in known]
            used = await find_used(connection, unknown, self._grace) if unknown else {}
        return [key for key in unknown if key not in used]
