"""Writing an object from a stream in bounded memory: one PUT if it is small, otherwise a multipart upload.

Each comes with its CRC-32, which the store checks and keeps, unless the store does not support checksums (501).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import structlog

from jobs.storage.bucket import Bucket
from jobs.storage.crc32 import crc32_of, encode
from jobs.storage.error_translation import Unsupported
from jobs.storage.multipart import MultipartUploads, PartChecksums
from jobs.storage.part_buffer import PartBuffer
from jobs.storage.put_client import PutClient

log = structlog.get_logger()

T = TypeVar("T")

PART_SIZE = 8 * 1024 * 1024
"""Bytes of a part. A smaller object takes one request."""
PARTS_PER_SIZE = 2500
"""Parts after which the part size doubles, so that 10,000 parts hold 293 GiB and a part is at most 64 MiB."""
MAX_PARTS_IN_FLIGHT = 2
"""Parts being uploaded while the next one is filled, so memory holds at most three parts."""


class ObjectWriter:
    """Writes objects with `MultipartUploads` or, if they are small, with `PutClient`."""

    def __init__(self, bucket: Bucket, put_client: PutClient, multipart: MultipartUploads) -> None:
        self._bucket = bucket
        self._put_client = put_client
        self._multipart = multipart
        self._with_checksums = True
        """False once the store has rejected a checksum as unsupported."""

    async def write(self, key: str, chunks: AsyncIterator[bytes] | bytes, content_type: str) -> tuple[str, int]:
        """Write the object and return its ETag and size in bytes. An upload that fails is aborted."""
        parts = _parts(_single_chunk(chunks) if isinstance(chunks, bytes) else chunks)
        first = await anext(parts)
        if len(first) < PART_SIZE:
            crc = await crc32_of([first])
            return await self.write_buffer(key, PartBuffer.of(first), crc, content_type), len(first)
        upload_id, with_checksums = await self._with_checksum_fallback(lambda: self._create(key, content_type))
        try:
            uploader = _PartUploader(self._multipart, key, upload_id, with_checksums=with_checksums)
            await uploader.upload_all(first, parts)
            checksums = PartChecksums(uploader.checksums) if with_checksums else None
            return await self._multipart.complete(key, upload_id, uploader.etags, checksums), uploader.size
        except BaseException:
            await asyncio.shield(self._multipart.abort(key, upload_id))
            raise

    async def write_buffer(self, key: str, data: PartBuffer, crc: int, content_type: str) -> str:
        """Write a small object by one PUT, whose bytes the store checks against the CRC-32, and return its ETag."""
        return await self._with_checksum_fallback(lambda: self._put(key, data, crc, content_type))

    async def _put(self, key: str, data: PartBuffer, crc: int, content_type: str) -> str:
        parameters = {"Bucket": self._bucket.name, "Key": key, "ContentType": content_type}
        parameters |= {"ChecksumCRC32": encode(crc)} if self._with_checksums else {}
        return await self._bucket.call_with_retry(
            f"writing {key!r}", lambda: self._put_client.put("put_object", parameters, data)
        )

    async def _create(self, key: str, content_type: str) -> tuple[str, bool]:
        with_checksums = self._with_checksums
        return await self._multipart.create(key, content_type, with_checksums=with_checksums), with_checksums

    async def _with_checksum_fallback(self, call: Callable[[], Awaitable[T]]) -> T:
        with_checksums = self._with_checksums
        try:
            return await call()
        except Unsupported as error:
            if not with_checksums:
                raise
            log.info("checksums_unsupported", reason=error.message)
            self._with_checksums = False
        return await call()


class _PartUploader:
    """Uploads the parts of one upload, `MAX_PARTS_IN_FLIGHT` at a time."""

    def __init__(self, multipart: MultipartUploads, key: str, upload_id: str, *, with_checksums: bool) -> None:
        self._multipart = multipart
        self._key = key
        self._upload_id = upload_id
        self._with_checksums = with_checksums
        self.checksums: dict[int, tuple[int, int]] = {}
        """CRC-32 and length in bytes of the parts, by number; empty without checksums."""
        self._pending: deque[asyncio.Task[tuple[int, str]]] = deque()
        self.etags: list[tuple[int, str]] = []
        """Number and ETag of the uploaded parts."""
        self.size = 0
        """Bytes of all parts."""

    async def upload_all(self, first: bytearray, rest: AsyncIterator[bytearray]) -> None:
        try:
            await self._start(1, first)
            del first  # otherwise it stays in memory until the last part is uploaded
            async for part in rest:
                await self._start(len(self.etags) + len(self._pending) + 1, part)
            await self._wait(0)
        finally:
            for task in self._pending:
                task.cancel()
            await asyncio.gather(*self._pending, return_exceptions=True)

    async def _start(self, number: int, part: bytearray) -> None:
        await self._wait(MAX_PARTS_IN_FLIGHT - 1)
        self.size += len(part)
        self._pending.append(asyncio.create_task(self._upload(number, part)))

    async def _upload(self, number: int, part: bytearray) -> tuple[int, str]:
        crc = await crc32_of([part]) if self._with_checksums else None
        if crc is not None:
            self.checksums[number] = (crc, len(part))
        return number, await self._multipart.upload_part(self._key, self._upload_id, number, part, crc)

    async def _wait(self, max_pending: int) -> None:
        while len(self._pending) > max_pending:
            self.etags.append(await self._pending[0])
            self._pending.popleft()


async def _parts(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytearray]:
    """Split the stream into parts, each of full size except the last; at least one, which may be empty."""
    count, part = 0, bytearray()
    async for chunk in chunks:
        view = memoryview(chunk)
        while view:
            room = (PART_SIZE << count // PARTS_PER_SIZE) - len(part)
            part += view[:room]
            view = view[room:]
            if len(part) == PART_SIZE << count // PARTS_PER_SIZE:
                yield part
                count, part = count + 1, bytearray()
    if part or not count:
        yield part


async def _single_chunk(data: bytes) -> AsyncIterator[bytes]:
    yield data
