"""Removes orphaned bundles and multipart uploads, whose jobs do not exist: after a restored backup, or deleted rows.

The cleanup of a download needs its row. Here the store is listed instead. Only objects older than anything that a job may
still need are removed, so an installation that shares the bucket loses nothing recent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from jobs.bundles.keys import BUNDLES_PREFIX, job_id_of_key
from jobs.bundles.sql.reuse import find_used
from jobs.database import Database
from jobs.engine.sql.jobs import known_jobs
from jobs.settings import Settings
from jobs.storage import Storage
from jobs.storage.orphans import remove_orphans
from jobs.storage.part_copy import PROBE_PREFIX

log = structlog.get_logger()

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
        """Searches once; also for what a process left that was killed while it probed what the store can do."""
        now = self._now()
        removed = await remove_orphans(self._storage, BUNDLES_PREFIX, now - self._age, self.find_orphans)
        removed += await remove_orphans(self._storage, PROBE_PREFIX, now - PROBE_AGE, _all)
        if removed:
            log.info("orphans_removed", count=removed)

    async def find_orphans(self, keys: Iterable[str]) -> list[str]:
        """The keys that are named like a bundle of a job without a row, and that are no other download's result."""
        jobs: dict[str, UUID] = {key: job for key in keys if (job := job_id_of_key(key)) is not None}
        async with self._database.reading() as connection:
            known = await known_jobs(connection, set(jobs.values()))
            unknown = [key for key, job in jobs.items() if job not in known]
            used = await find_used(connection, unknown, self._grace) if unknown else {}
        return [key for key in unknown if key not in used]


async def _all(keys: list[str]) -> list[str]:
    """No row refers to what a probe has written."""
    return keys
