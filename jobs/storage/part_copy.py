"""Whether the store copies ranges of objects into parts of uploads: found out by letting it, once a process."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from uuid import uuid4

import structlog

from jobs.errors import STORAGE_OUTAGES, HaulageError, SourceChanged, StorageBusy, StorageRefused
from jobs.storage.multipart import Uploads
from jobs.storage.objects import Objects

log = structlog.get_logger()

MIB = 1 << 20
PROBES = "bundles/probes/"
TYPE = "application/octet-stream"
MARKED = b"123456789"


@dataclass(slots=True, eq=False)
class _Probe:
    """What was put into the store."""

    source: str
    target: str
    upload_id: str | None = None


class Copying:
    """Asks once, and remembers the answer."""

    def __init__(self, objects: Objects, uploads: Uploads, *, allowed: bool) -> None:
        """Unless it is `allowed`, the store is not asked."""
        self._objects = objects
        self._uploads = uploads
        self._asking = asyncio.Lock()
        self._left: set[_Probe] = set()
        """Probes that were not removed yet, or could not be, because the store was away by then."""
        self._works: bool | None = None if allowed else False

    async def works(self) -> bool:
        """Raises a `Storage…` error when the store can't be reached, or is too busy, to find out."""
        async with self._asking:
            if self._works is None:
                self._works = await self._try()
                log.info("part_copy_probed", works=self._works)
        return self._works

    async def _try(self) -> bool:
        """Asks, and cleans up when the store has answered: one that is away would keep the job waiting twice."""
        key = f"{PROBES}{uuid4()}"
        probe = _Probe(f"{key}.source", f"{key}.target")
        self._left.add(probe)
        works = await self._ask(probe)
        for left in tuple(self._left):
            await self._remove(left)
        return works

    async def _ask(self, probe: _Probe) -> bool:
        """Some stores have no such call, some want all parts of an upload to be of one size."""
        source, target = probe.source, probe.target
        try:
            info = await self._objects.put(source, MARKED + bytes(5 * MIB - 1), TYPE)
            probe.upload_id = upload_id = await self._uploads.create(target, TYPE)
            first = await self._uploads.copy_part(target, upload_id, 1, source, info.etag, 3, info.size)
            second = await self._uploads.upload_part(target, upload_id, 2, bytearray(5 * MIB))
            third = await self._uploads.copy_part(target, upload_id, 3, source, info.etag, 0, 9)
            if not await self._is_bound(target, upload_id, source):
                return False
            await self._uploads.complete(target, upload_id, [(1, first), (2, second), (3, third)])
            return await self._is_right(target)
        except StorageRefused as error:  # it lets us in, but not do this: the object was written
            log.info("part_copy_refused", reason=error.message)
            return False
        except (*STORAGE_OUTAGES, StorageBusy):
            raise
        except HaulageError as error:
            log.info("part_copy_refused", reason=error.message)
            return False

    async def _remove(self, probe: _Probe) -> None:
        with contextlib.suppress(HaulageError):
            if probe.upload_id is not None:
                await self._uploads.abort(probe.target, probe.upload_id)
            await self._objects.delete([probe.source, probe.target])
            self._left.discard(probe)

    async def _is_bound(self, target: str, upload_id: str, source: str) -> bool:
        """A copy of another object than the one that is meant is refused."""
        try:
            await self._uploads.copy_part(target, upload_id, 4, source, '"another"', 0, 9)
        except SourceChanged:
            return True
        return False

    async def _is_right(self, target: str) -> bool:
        info = await self._objects.head(target)
        if info.size != 10 * MIB + 14:
            return False
        end = self._objects.read(target, info.etag, info.size - 11, info.size)
        return b"".join([bytes(chunk) async for chunk in end]) == bytes(2) + MARKED
