"""UploadPartCopy: whether the store supports it, found out once per process by a trial."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from uuid import uuid4

import structlog

from jobs.errors import STORAGE_OUTAGES, HaulageError, SourceChanged, StorageBusy, StorageRefused
from jobs.storage.multipart import MultipartUploads
from jobs.storage.objects import Objects

log = structlog.get_logger()

MIB = 1 << 20
PROBE_PREFIX = "bundles/probes/"
CONTENT_TYPE = "application/octet-stream"
MARKER = b"123456789"


@dataclass(slots=True, eq=False)
class _Probe:
    """The objects and the upload of one trial."""

    source: str
    target: str
    upload_id: str | None = None


class PartCopy:
    """Tries once whether the store copies ranges of objects into parts, and remembers the result."""

    def __init__(self, objects: Objects, multipart: MultipartUploads, *, allowed: bool) -> None:
        """Unless `allowed`, nothing is tried and the result is False."""
        self._objects = objects
        self._multipart = multipart
        self._lock = asyncio.Lock()
        self._leftovers: set[_Probe] = set()
        """Probes that are not deleted yet, possibly because the store became unavailable."""
        self._supported: bool | None = None if allowed else False

    async def is_supported(self) -> bool:
        """Return the result. Raises a `Storage…` error if the store is unavailable or too busy to find out."""
        async with self._lock:
            if self._supported is None:
                key = f"{PROBE_PREFIX}{uuid4()}"
                probe = _Probe(f"{key}.source", f"{key}.target")
                self._leftovers.add(probe)
                supported = await self._run(probe)
                # Only if the store responded: one that hangs would delay the job a second time.
                for leftover in tuple(self._leftovers):
                    await self._delete(leftover)
                self._supported = supported
                log.info("part_copy_probed", supported=supported)
        return self._supported

    async def _run(self, probe: _Probe) -> bool:
        """Upload parts of both kinds: some stores lack the call, some require all parts of an upload to have one size."""
        source, target = probe.source, probe.target
        try:
            info = await self._objects.put(source, MARKER + bytes(5 * MIB - 1), CONTENT_TYPE)
            probe.upload_id = upload_id = await self._multipart.create(target, CONTENT_TYPE)
            first = await self._multipart.copy_part(target, upload_id, 1, source, info.etag, 3, info.size)
            second = await self._multipart.upload_part(target, upload_id, 2, bytearray(5 * MIB))
            third = await self._multipart.copy_part(target, upload_id, 3, source, info.etag, 0, 9)
            if not await self._enforces_etag(target, upload_id, source):
                return False
            await self._multipart.complete(target, upload_id, [(1, first), (2, second), (3, third)])
            return await self._has_expected_end(target)
        except StorageRefused as error:  # the keys are valid, since the object was written, but lack this permission
            log.info("part_copy_unsupported", reason=error.message)
            return False
        except (*STORAGE_OUTAGES, StorageBusy):
            raise
        except HaulageError as error:
            log.info("part_copy_unsupported", reason=error.message)
            return False

    async def _delete(self, probe: _Probe) -> None:
        """Delete what a probe left. An upload whose id got lost with the response, in an outage, is found by its key."""
        with contextlib.suppress(HaulageError):
            if probe.upload_id is not None:
                await self._multipart.abort(probe.target, probe.upload_id)
            else:
                for upload in await self._multipart.list_uploads(probe.target):
                    await self._multipart.abort(upload.key, upload.id)
            await self._objects.delete([probe.source, probe.target])
            self._leftovers.discard(probe)

    async def _enforces_etag(self, target: str, upload_id: str, source: str) -> bool:
        """Return True if the store refuses to copy a source with another ETag than the given one."""
        try:
            await self._multipart.copy_part(target, upload_id, 4, source, '"another"', 0, 9)
        except SourceChanged:
            return True
        return False

    async def _has_expected_end(self, target: str) -> bool:
        info = await self._objects.head(target)
        if info.size != 10 * MIB + 14:
            return False
        end = self._objects.read(target, info.etag, info.size - 11, info.size)
        return b"".join([bytes(chunk) async for chunk in end]) == bytes(2) + MARKER
