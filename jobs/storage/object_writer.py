"""Writing an object from a stream: one PUT when it is small, a multipart upload otherwise, in bounded memory.

Each comes with its CRC-32, which the store checks and keeps, unless it says that it does not know such a thing (501).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

import structlog

from jobs.storage.bucket import Bucket
from jobs.storage.crc32 import crc32, written
from jobs.storage.error_translation import Unsupported
from jobs.storage.multipart import Checksums, Uploads
from jobs.storage.put_client import Sender

log = structlog.get_logger()

T = TypeVar("T")

PART = 8 * 1024 * 1024
"""Bytes of a part. Objects of up to this size take one request."""
GROW_EVERY = 2500
"""Parts after which the size doubles, so that 10,000 parts hold 293 GiB and a part at most 64 MiB."""
IN_FLIGHT = 2
"""Parts being sent while the next one is filled: memory is at most three parts."""


class Ingest:
    """Writes objects by way of `Uploads` and, small ones, `Sender`."""

    def __init__(self, bucket: Bucket, sender: Sender, uploads: Uploads) -> None:
        self._bucket = bucket
        self._sender = sender
        self._uploads = uploads
        self._checked = True
        """As far as is known the store takes checksums."""

    async def write(self, key: str, chunks: AsyncIterator[bytes] | bytes, content_type: str) -> tuple[str, int]:
        """Write the object and return its ETag and size in bytes. An upload that fails is aborted."""
        parts = _parts(_pieces(chunks) if isinstance(chunks, bytes) else chunks)
        first = await anext(parts)
        if len(first) < PART:
            return await self._as_the_store_takes_it(lambda: self._put(key, first, content_type)), len(first)
        upload_id, checked = await self._as_the_store_takes_it(lambda: self._begin(key, content_type))
        try:
            sending = _Sending(self._uploads, key, upload_id, checked=checked)
            await sending.all(first, parts)
            checksums = Checksums(sending.checksums) if checked else None
            return await self._uploads.complete(key, upload_id, sending.sent, checksums), sending.size
        except BaseException:
            await asyncio.shield(self._uploads.abort(key, upload_id))
            raise

    async def _put(self, key: str, data: bytearray, content_type: str) -> str:
        parameters = {"Bucket": self._bucket.name, "Key": key, "ContentType": content_type}
        parameters |= {"ChecksumCRC32": written(crc32(data))} if self._checked else {}
        return await self._bucket.ask(f"writing {key!r}", lambda: self._sender.send("put_object", parameters, data))

    async def _begin(self, key: str, content_type: str) -> tuple[str, bool]:
        checked = self._checked
        return await self._uploads.create(key, content_type, checked=checked), checked

    async def _as_the_store_takes_it(self, call: Callable[[], Awaitable[T]]) -> T:
        checked = self._checked
        try:
            return await call()
        except Unsupported as error:
            if not checked:
                raise
            log.info("checksums_refused", reason=error.message)
            self._checked = False
        return await call()


class _Sending:
    """The parts of one upload, `IN_FLIGHT` at a time."""

    def __init__(self, uploads: Uploads, key: str, upload_id: str, *, checked: bool) -> None:
        self._uploads = uploads
        self._key = key
        self._upload_id = upload_id
        self._checked = checked
        self.checksums: dict[int, tuple[int, int]] = {}
        """CRC-32 and length of the parts, if they are `checked`."""
        self._pending: deque[asyncio.Task[tuple[int, str]]] = deque()
        self.sent: list[tuple[int, str]] = []
        self.size = 0

    async def all(self, first: bytearray, rest: AsyncIterator[bytearray]) -> None:
        try:
            await self._start(1, first)
            del first  # else it stays in memory until the last part is through
            async for part in rest:
                await self._start(len(self.sent) + len(self._pending) + 1, part)
            await self._wait(0)
        finally:
            for task in self._pending:
                task.cancel()
            await asyncio.gather(*self._pending, return_exceptions=True)

    async def _start(self, number: int, part: bytearray) -> None:
        await self._wait(IN_FLIGHT - 1)
        self.size += len(part)
        self._pending.append(asyncio.create_task(self._send(number, part)))

    async def _send(self, number: int, part: bytearray) -> tuple[int, str]:
        crc = await asyncio.to_thread(crc32, part) if self._checked else None
        if crc is not None:
            self.checksums[number] = (crc, len(part))
        return number, await self._uploads.upload_part(self._key, self._upload_id, number, part, crc)

    async def _wait(self, most: int) -> None:
        while len(self._pending) > most:
            self.sent.append(await self._pending[0])
            self._pending.popleft()


async def _parts(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytearray]:
    """The stream in parts, each of its full size but the last; at least one, which may be empty."""
    count, part = 0, bytearray()
    async for chunk in chunks:
        view = memoryview(chunk)
        while view:
            room = (PART << count // GROW_EVERY) - len(part)
            part += view[:room]
            view = view[room:]
            if len(part) == PART << count // GROW_EVERY:
                yield part
                count, part = count + 1, bytearray()
    if part or not count:
        yield part


async def _pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data
