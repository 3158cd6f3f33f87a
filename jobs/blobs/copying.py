"""Whether the store copies ranges of objects into parts of uploads: found out by letting it, once a process."""

from __future__ import annotations

import asyncio
import contextlib
from uuid import uuid4

import structlog

from jobs.blobs.objects import Objects
from jobs.blobs.uploads import Uploads
from jobs.domain.errors import STORAGE_OUTAGES, HaulageError, StorageDown

log = structlog.get_logger()

MIB = 1 << 20
PROBES = "bundles/probes/"
TYPE = "application/octet-stream"


class Copying:
    """Asks once, and remembers the answer."""

    def __init__(self, objects: Objects, uploads: Uploads, *, allowed: bool) -> None:
        """Unless it is `allowed`, the store is not asked."""
        self._objects = objects
        self._uploads = uploads
        self._asking = asyncio.Lock()
        self._works: bool | None = None if allowed else False

    async def works(self) -> bool:
        """Raises a `Storage…` error when the store can't be reached to find out."""
        async with self._asking:
            if self._works is None:
                self._works = await self._try()
                log.info("part_copy_probed", works=self._works)
        return self._works

    async def _try(self) -> bool:
        """Some stores have no such call, some want all parts of an upload to be of one size."""
        key = f"{PROBES}{uuid4()}"
        source, target = f"{key}.source", f"{key}.target"
        upload_id: str | None = None
        try:
            info = await self._objects.put(source, bytes(5 * MIB + 8), TYPE)
            upload_id = await self._uploads.create(target, TYPE)
            first = await self._uploads.copy_part(target, upload_id, 1, source, info.etag, 3, info.size)
            second = await self._uploads.upload_part(target, upload_id, 2, bytearray(5 * MIB))
            third = await self._uploads.copy_part(target, upload_id, 3, source, info.etag, 0, 9)
            await self._uploads.complete(target, upload_id, [(1, first), (2, second), (3, third)])
            return (await self._objects.head(target)).size == 10 * MIB + 14
        except HaulageError as error:
            if isinstance(error, STORAGE_OUTAGES) and not isinstance(error, StorageDown):
                raise
            log.info("part_copy_refused", reason=error.message)  # 501 is a 5xx, too
            return False
        finally:
            with contextlib.suppress(HaulageError):
                if upload_id is not None:
                    await self._uploads.abort(target, upload_id)
                await self._objects.delete([source, target])
