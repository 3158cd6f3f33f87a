"""Removes what nothing points to: bundles whose time is over, and what earlier attempts left in the store.

It compares what is under the job's own prefix with what this job's row and others point to, so it can be run at any time,
any number of times. Whatever a later attempt makes has a higher fence in its key and is left alone. Only the job that made
a bundle removes it, however many others hand it out: until it is gone, the job is due to be cleaned again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from jobs.bundles.planning import bundle_key, bundle_prefix, fence_of, job_of_key
from jobs.bundles.sql import reuse
from jobs.engine.jobs import Job, ResultKind, Status
from jobs.engine.sql import sweeps
from jobs.engine.sql.jobs import claim_fences
from jobs.engine.sql.upload_parts import set_upload
from jobs.errors import HaulageError
from jobs.services import Services

log = structlog.get_logger()


AGAIN = 60.0
"""Seconds after which a job is cleaned again, unless it is clean by then."""
STALE = timedelta(seconds=150)
"""After a job's end, so long may a stale worker's last call to the store still run: the store is looked at once more."""


class Cleaner:
    """Cleans a few jobs a round."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def clean(self) -> None:
        """Cleans the jobs that are due for it; one that can't be cleaned now is due again a minute later."""
        async with self._services.database.begin() as connection:
            found = await sweeps.take_littering(connection, AGAIN, 20)
        for job, now in found:
            try:
                await self.clean_job(job, now)
            except HaulageError as error:
                log.warning("cleaning_failed", job_id=str(job.id), reason=error.message)

    async def clean_job(self, job: Job, now: datetime) -> None:
        """Removes the job's litter, and notes that it is gone, and when there may be more."""
        storage = self._services.storage
        if job.upload is not None and self._nobody_goes_on_with(job, now):
            job = await self._take_upload(job)
        for key in await self._earlier_keys(job):
            for upload in await storage.uploads.list_uploads(key):
                if job.upload is None or upload.id != job.upload.id:
                    await storage.uploads.abort(key, upload.id)
        used_until = await self._clean_objects(job)
        if job.cleanup_at is not None:
            async with self._services.database.begin() as connection:
                await sweeps.set_cleaned(connection, job.id, job.cleanup_at, self._more_at(job, now, used_until))

    async def _clean_objects(self, job: Job) -> datetime | None:
        """Until when, at least, other jobs use what would else be litter."""
        storage = self._services.storage
        found = [info.key async for info in storage.objects.list(bundle_prefix(job.id)) if _is_litter(info.key, job)]
        borrowed = _borrowed(job)
        used = await self._used([*found, *borrowed])
        litter = [key for key in found if key not in used]
        if litter:
            await storage.objects.delete(litter)
            log.info("litter_removed", job_id=str(job.id), objects=len(litter))
        for key in borrowed.keys() - used:
            async with self._services.database.begin() as connection:
                await reuse.hasten_cleaning(connection, borrowed[key])
        return min((used[key] for key in found if key in used), default=None)

    async def _used(self, keys: Collection[str]) -> dict[str, datetime]:
        if not keys:
            return {}
        async with self._services.database.reading() as connection:
            return await reuse.find_used(connection, keys, self._services.settings.bundle_grace)

    def _nobody_goes_on_with(self, job: Job, now: datetime) -> bool:
        """Of the jobs that have ended, only a failed one's upload is kept, for a person's retry."""
        if not job.status.ended:
            return False
        wanted = job.status is Status.FAILED and job.deleted_at is None and now < self._kept_until(job)
        return not wanted

    def _kept_until(self, job: Job) -> datetime:
        assert job.finished_at is not None
        return job.finished_at + timedelta(seconds=self._services.settings.retry_window)

    async def _take_upload(self, job: Job) -> Job:
        """Takes the upload off the job, which fails when it has moved on: only then may the upload be aborted."""
        async with self._services.database.begin() as connection:
            await set_upload(connection, job.id, job.fence, None)
        return replace(job, upload=None)

    def _more_at(self, job: Job, now: datetime, used_until: datetime | None) -> datetime | None:
        looks = [] if used_until is None else [max(used_until, now + timedelta(seconds=AGAIN))]
        if job.finished_at is not None and job.status.ended:
            if now < job.finished_at + STALE:
                looks.append(job.finished_at + STALE)
            elif job.upload is not None:
                looks.append(self._kept_until(job))
        return min(looks, default=None)

    async def _earlier_keys(self, job: Job) -> list[str]:
        """The keys of the job's attempts that have ended: MinIO lists uploads by their whole key only."""
        async with self._services.database.reading() as connection:
            fences = await claim_fences(connection, job.id)
        return [bundle_key(job.id, fence) for fence in fences if fence < job.fence]


def _borrowed(job: Job) -> dict[str, UUID]:
    """The bundle that the job has handed out and another job made, and which that is."""
    if job.status is not Status.EXPIRED or job.result is None or job.result.kind is not ResultKind.BUNDLE:
        return {}
    maker = job_of_key(job.result.key)
    return {} if maker is None or maker == job.id else {job.result.key: maker}


def _is_litter(key: str, job: Job) -> bool:
    """Unless another job uses it."""
    fence = fence_of(key)
    kept = job.status is Status.COMPLETED and job.result is not None and job.result.key == key
    growing = job.upload is not None and job.upload.key == key  # it may be completed at any moment
    return not kept and not growing and fence is not None and fence < job.fence
