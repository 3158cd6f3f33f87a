"""Removes what nothing points to: bundles whose time is over, and what earlier attempts left in the store.

It compares what is under the job's own prefix with what the job's row points to, so it can be run at any time, any number
of times. Whatever a later attempt makes has a higher fence in its key and is left alone.
"""

from __future__ import annotations

import structlog

from jobs.domain.errors import HaulageError
from jobs.domain.jobs import Job, Status
from jobs.packing.bundles import bundle_key, bundle_prefix, fence_of
from jobs.services import Services
from jobs.store import sweeps
from jobs.store.jobs import claim_fences

log = structlog.get_logger()


AGAIN = 60.0
"""Seconds after which a job is cleaned again, unless it is clean by then."""


class Cleaner:
    """Cleans a few jobs a round."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def clean(self) -> None:
        """Cleans the jobs that are due for it; one that can't be cleaned now is due again a minute later."""
        async with self._services.database.begin() as connection:
            jobs = await sweeps.take_littering(connection, AGAIN, 20)
        for job in jobs:
            try:
                await self.clean_job(job)
            except HaulageError as error:
                log.warning("cleaning_failed", job_id=str(job.id), reason=error.message)

    async def clean_job(self, job: Job) -> None:
        """Removes the job's litter, and notes that it is gone."""
        blobs = self._services.blobs
        prefix = bundle_prefix(job.id)
        for key in await self._earlier_keys(job):
            for _, upload_id in await blobs.uploads.list_uploads(key):
                await blobs.uploads.abort(key, upload_id)
        litter = [info.key async for info in blobs.objects.list(prefix) if _is_litter(info.key, job)]
        if litter:
            await blobs.objects.delete(litter)
            log.info("litter_removed", job_id=str(job.id), objects=len(litter))
        if job.cleanup_at is not None:
            async with self._services.database.begin() as connection:
                await sweeps.set_cleaned(connection, job.id, job.cleanup_at)

    async def _earlier_keys(self, job: Job) -> list[str]:
        """The keys of the job's attempts that have ended: MinIO lists uploads by their whole key only."""
        async with self._services.database.reading() as connection:
            fences = await claim_fences(connection, job.id)
        return [bundle_key(job.id, fence) for fence in fences if fence < job.fence]


def _is_litter(key: str, job: Job) -> bool:
    fence = fence_of(key)
    kept = job.status is Status.COMPLETED and job.result is not None and job.result.key == key
    return not kept and fence is not None and fence < job.fence
