"""Object keys of bundles, `bundles/{job id}/{fence}.zip`, and of files that were fetched from URLs for one.

These are `bundles/{job id}/sources/{index}/{fence}`.
"""

from __future__ import annotations

from uuid import UUID

BUNDLES_PREFIX = "bundles/"
"""The prefix of every object that an attempt at a download writes. Downloads never delete anything outside it."""


def job_prefix(job_id: UUID) -> str:
    """The prefix of the objects that a job's attempts write."""
    return f"{BUNDLES_PREFIX}{job_id}/"


def bundle_key(job_id: UUID, fence: int) -> str:
    """The key of an attempt's bundle. No two attempts share one, so a stale attempt cannot overwrite its successor's."""
    return f"{job_prefix(job_id)}{fence}.zip"


def sources_prefix(job_id: UUID) -> str:
    """The prefix of the objects of files that were fetched for a job."""
    return f"{job_prefix(job_id)}sources/"


def source_key(job_id: UUID, index: int, fence: int) -> str:
    """The key of the file at this place of the request. Like a bundle's, it belongs to the attempt that creates it."""
    return f"{sources_prefix(job_id)}{index}/{fence}"


def job_id_of_key(key: str) -> UUID | None:
    """The id of the job whose attempt wrote the key; None for a key that no attempt has written."""
    try:
        job_id = UUID(key.removeprefix(BUNDLES_PREFIX).partition("/")[0])
    except ValueError:
        return None
    return job_id if fence_of_key(key) is not None and key.startswith(job_prefix(job_id)) else None


def fence_of_key(key: str) -> int | None:
    """The fence of the attempt that wrote the key; None for a key that no attempt has written."""
    name = key.rpartition("/")[2].removesuffix(".zip")
    return int(name) if name.isdecimal() else None
