"""The multipart upload of one bundle: parts are uploaded or copied, then the upload is completed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from random import Random

from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.bundles.packing.retries import Retries, is_transient
from jobs.bundles.resolver import Source
from jobs.errors import HaulageError
from jobs.storage.multipart import CompletedObject, MultipartUploads
from jobs.storage.part_buffer import BodyStalled, PartBuffer

MAX_RETRIES = 3
"""Of one call, within the attempt."""
FIRST_PAUSE = 0.8
"""Seconds before the first retry: all retries together outlast a restart of the store that takes a few seconds."""


class PartUploader:
    """Transient errors are retried (`Retries`). Every method raises `UploadGone` and the other errors of the store."""

    def __init__(self, uploads: MultipartUploads, upload: MultipartUpload, random: Random | None = None) -> None:
        self._uploads = uploads
        self._upload = upload
        self._random = random or Random()  # noqa: S311 - jitter, not a secret

    async def upload_part(self, number: int, part: PartBuffer) -> str:
        """Uploads a part while it is filled, and returns its ETag."""
        await part.ready.wait()
        return await self._retry(
            lambda: self._uploads.upload_part(self._upload.key, self._upload.id, number, part), part
        )

    async def copy_part(self, number: int, source: Source, start: int, stop: int) -> str:
        """Lets the store copy a range of the source, and returns the ETag of the part."""
        upload = self._upload
        return await self._retry(
            lambda: self._uploads.copy_part(upload.key, upload.id, number, source.key, source.etag, start, stop)
        )

    async def complete(self, etags: Sequence[str]) -> str:
        """Makes the bundle of all its parts, given by their ETags, and returns its ETag."""
        parts = list(enumerate(etags, 1))
        return await self._retry(lambda: self._uploads.complete(self._upload.key, self._upload.id, parts))

    async def find_completed(self) -> CompletedObject | None:
        """The bundle, if the upload was completed before: by a worker that was lost then, or by a stale attempt."""
        found = await self._uploads.find_completed(self._upload.key)
        return found if found is not None and found.fingerprint == self._upload.fingerprint else None

    async def _retry(self, call: Callable[[], Awaitable[str]], part: PartBuffer | None = None) -> str:
        """A try that failed before its part was full does not count: the next one has all bytes and cannot stall."""
        retries = Retries(FIRST_PAUSE, self._random, limit=MAX_RETRIES)
        while True:
            try:
                return await call()
            except (BodyStalled, HaulageError) as error:
                if part is not None and not part.full.is_set() and is_transient(error):
                    await part.full.wait()
                elif not await retries.pause(error):
                    raise
