"""Removes bundles and uploads that no job knows: a backup of the database was restored, or rows were removed by hand.

The cleaner needs a job's row to know what to clean; here the store is asked what it has. Only what is older than anything
that a job may still want is removed, so an installation that shares the bucket loses nothing that is fresh.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from jobs.bundles.planning import BUNDLES, job_of_key
from jobs.bundles.sql.reuse import find_used
from jobs.engine.sql.jobs import known_jobs
from jobs.services import Services
from jobs.storage.part_copy import PROBES

log = structlog.get_logger()

BATCH = 500
PROBE_AGE = timedelta(hours=1)


class Orphans:
    """Looks through all that is under `bundles/`."""

    def __init__(self, services: Services, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """`now` is UTC, and only compared with hours."""
        settings = services.settings
        self._services = services
        self._now = now
        self._age = timedelta(seconds=settings.bundle_ttl + settings.bundle_grace + settings.retry_window)

    async def remove(self) -> None:
        """Looks once. MinIO tells of no uploads here; it drops forgotten ones by itself."""
        storage = self._services.storage
        removed = 0
        async for keys in self._old_objects():
            if orphans := await self._unknown(keys):
                await storage.objects.delete(orphans)
                removed += len(orphans)
        old = [upload for upload in await storage.uploads.list_uploads(BUNDLES) if upload.began_at < self._oldest()]
        unknown = set(await self._unknown(upload.key for upload in old))
        for upload in old:
            if upload.key in unknown:
                await storage.uploads.abort(upload.key, upload.id)
                removed += 1
        removed += await self._remove_probes()
        if removed:
            log.info("orphans_removed", count=removed)

    async def _remove_probes(self) -> int:
        """What a process has left that was killed while it found out what the store can do."""
        storage, oldest = self._services.storage, self._now() - PROBE_AGE
        left = [info.key async for info in storage.objects.list(PROBES) if info.last_modified < oldest]
        if left:
            await storage.objects.delete(left)
        uploads = [upload for upload in await storage.uploads.list_uploads(PROBES) if upload.began_at < oldest]
        for upload in uploads:
            await storage.uploads.abort(upload.key, upload.id)
        return len(left) + len(uploads)

    async def _old_objects(self) -> AsyncIterator[list[str]]:
        batch: list[str] = []
        async for info in self._services.storage.objects.list(BUNDLES):
            if info.last_modified < self._oldest():
                batch.append(info.key)
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch

    def _oldest(self) -> datetime:
        return self._now() - self._age

    async def _unknown(self, keys: Iterable[str]) -> list[str]:
        """Those of the keys that are named like a bundle, of a job that has no row, and that no other job hands out."""
        jobs: dict[str, UUID] = {key: job for key in keys if (job := job_of_key(key)) is not None}
        async with self._services.database.reading() as connection:
            known = await known_jobs(connection, set(jobs.values()))
            unknown = [key for key, job in jobs.items() if job not in known]
            used = await find_used(connection, unknown, self._services.settings.bundle_grace) if unknown else {}
        return [key for key in unknown if key not in used]
