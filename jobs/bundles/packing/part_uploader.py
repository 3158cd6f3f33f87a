"""The upload that a bundle is made of, as those who pack it see it: parts in, a bundle out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.bundles.resolver import Source
from jobs.errors import StorageDown, StorageOut, StorageTimeout, StorageUnreachable
from jobs.storage.crc32 import Buffer
from jobs.storage.multipart import CompletedObject, MultipartUploads
from jobs.storage.part_buffer import BodyStalled, PartBuffer

PAUSES = (0.2, 1.0, 3.0)
"""Seconds before a part is uploaded, or the upload completed, again within the attempt."""
TRANSIENT = (StorageDown, StorageUnreachable, StorageTimeout)


class Uploading:
    """What may be done twice is done again after a broken connection, or when the store says that it can't now."""

    def __init__(self, multipart: MultipartUploads, upload: MultipartUpload) -> None:
        self._multipart = multipart
        self._upload = upload

    async def send(self, number: int, part: Buffer) -> str:
        """The part's ETag. Raises `UploadGone`, and what else the store complains of, as the others do."""
        return await self._again(lambda: self._send(number, part))

    async def send_filling(self, number: int, part: PartBuffer) -> str:
        """As `send`, while the part is filled. What fails meanwhile is done again when it is full."""
        await part.ready.wait()
        try:
            return await self._send(number, part)
        except StorageOut:
            raise
        except (BodyStalled, *TRANSIENT):
            await part.full.wait()
        return await self._again(lambda: self._send(number, part))

    async def _send(self, number: int, part: Buffer | PartBuffer) -> str:
        return await self._multipart.upload_part(self._upload.key, self._upload.id, number, part)

    async def copy(self, number: int, source: Source, start: int, stop: int) -> str:
        """The ETag of a part that is this range of the source."""
        return await self._again(
            lambda: self._multipart.copy_part(
                self._upload.key, self._upload.id, number, source.key, source.etag, start, stop
            )
        )

    async def complete(self, etags: Sequence[str]) -> str:
        """The bundle's ETag, of those of all its parts."""
        parts = list(enumerate(etags, 1))
        return await self._again(lambda: self._multipart.complete(self._upload.key, self._upload.id, parts))

    async def find(self) -> CompletedObject | None:
        """What it was completed to before: the answer was lost with its worker, or a stale worker was faster."""
        found = await self._multipart.find_completed(self._upload.key)
        return found if found is not None and found.fingerprint == self._upload.fingerprint else None

    @staticmethod
    async def _again(call: Callable[[], Awaitable[str]]) -> str:
        for pause in PAUSES:
            try:
                return await call()
            except StorageOut:
                raise
            except TRANSIENT:
                await asyncio.sleep(pause)
        return await call()
