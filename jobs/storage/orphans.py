"""Removes old objects and multipart uploads to which nothing refers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime

from jobs.storage.storage import Storage

BATCH = 500
"""Objects that are looked up and deleted at once, so that memory does not grow with the bucket."""


async def remove_orphans(
    storage: Storage, folder: str, oldest: datetime, find_orphans: Callable[[list[str]], Awaitable[list[str]]]
) -> int:
    """Removes what in a folder is older than `oldest` (UTC), and whose key `find_orphans` returns. Returns how many.

    MinIO lists no multipart uploads here; it drops abandoned ones by itself.
    """
    removed = 0
    async for keys in _old_keys(storage, folder, oldest):
        if orphans := await find_orphans(keys):
            await storage.objects.delete(orphans)
            removed += len(orphans)
    uploads = [upload for upload in await storage.multipart.list_uploads(folder) if upload.initiated_at < oldest]
    orphaned = set(await find_orphans([upload.key for upload in uploads]))
    for upload in uploads:
        if upload.key in orphaned:
            await storage.multipart.abort(upload.key, upload.id)
            removed += 1
    return removed


async def _old_keys(storage: Storage, folder: str, oldest: datetime) -> AsyncIterator[list[str]]:
    batch: list[str] = []
    async for info in storage.objects.list(folder):
        if info.last_modified < oldest:
            batch.append(info.key)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
