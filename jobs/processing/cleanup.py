"""Removes what attempts at processing jobs leave in the store besides files of the catalogue.

The objects of files belong to the catalogue: they go when the last file that has them is gone (`jobs.uploads.cleanup`). An
object without a file was written by an attempt that could not add it: it was killed, or no longer held the job.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from jobs.database import Database
from jobs.engine.jobs import Job
from jobs.processing.processing import PROCESSED_PREFIX, job_prefix, origin_of_key
from jobs.processing.sql.processing import known_keys, unended
from jobs.storage import Storage
from jobs.storage.orphans import remove_orphans

log = structlog.get_logger()

LAST_WRITE = timedelta(seconds=150)
"""How long after the end of a job a stale worker's last call may still write an object."""
ORPHAN_AGE = timedelta(days=1)
"""Age of an object without a file and a running job after which nobody can be about to add it."""


class ProcessingCleanup:
    """Removes leftover objects, of one job or of all."""

    def __init__(
        self, database: Database, storage: Storage, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """`now` is UTC, and only compared with days."""
        self._database = database
        self._storage = storage
        self._now = now

    async def clean_up(self, job: Job, now: datetime) -> datetime | None:
        """Removes what the job's attempts have left behind. Returns when to check again. Raises storage errors."""
        if not job.status.ended or job.finished_at is None:
            return None
        keys = [info.key async for info in self._storage.objects.list(job_prefix(job.id))]
        # A later attempt, after a retry, has a higher fence.
        written = [key for key in keys if (origin := origin_of_key(key)) is not None and origin[1] <= job.fence]
        async with self._database.reading() as connection:
            known = await known_keys(connection, written)
        if leftover := [key for key in written if key not in known]:
            await self._storage.objects.delete(leftover)
            log.info("outputs_removed", job_id=str(job.id), count=len(leftover))
        written_until = job.finished_at + LAST_WRITE
        return written_until if now < written_until else None

    async def remove_orphans(self) -> None:
        """Removes objects which no file has, and whose job has ended or does not exist."""
        removed = await remove_orphans(self._storage, PROCESSED_PREFIX, self._now() - ORPHAN_AGE, self.find_orphans)
        if removed:
            log.info("orphans_removed", count=removed)

    async def find_orphans(self, keys: list[str]) -> list[str]:
        """The keys that attempts have written, which no file has, and whose job has ended or does not exist."""
        origins = {key: origin[0] for key in keys if (origin := origin_of_key(key)) is not None}
        async with self._database.reading() as connection:
            running = await unended(connection, set(origins.values()))
            known = await known_keys(connection, list(origins))
        return [key for key, job_id in origins.items() if job_id not in running and key not in known]
