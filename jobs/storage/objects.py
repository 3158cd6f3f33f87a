"""Objects: metadata, reads by range, writes, listings, deletions."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import obstore
from obstore.store import S3Store

from jobs.errors import InvalidRequest, SourceChanged
from jobs.storage.bucket import Bucket
from jobs.storage.error_translation import source_changed, timed_out, translate_errors, unreachable
from jobs.storage.etags import quoted
from jobs.storage.object_writer import ObjectWriter
from jobs.storage.part_buffer import PartBuffer

READ_CHUNK = 512 * 1024
"""Minimum bytes of a chunk read, except the last. Whatever has arrived from the store is passed on at once."""
LIST_PAGE_SIZE = 1000
PAGE_TIMEOUT = 3.0
"""Seconds after which `list_page` times out."""

_INVALID_KEY = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """The metadata of an object."""

    key: str
    size: int
    """Bytes."""
    etag: str
    """In quotes, as `quoted` returns it."""
    last_modified: datetime
    """UTC, whole seconds."""


class Objects:
    """The objects of the bucket. Every method may raise the `Storage…` errors.

    A key is any text without an empty, `.` or `..` component (`/a`, `a/`, `a//b`) and without control characters:
    obstore would request another object or none. `InvalidRequest` is raised for these before any request is made.
    """

    def __init__(self, store: S3Store, bucket: Bucket, writer: ObjectWriter) -> None:
        self._store = store
        self._bucket = bucket
        self._writer = writer

    async def head(self, key: str) -> ObjectInfo:
        """Return an object's metadata. Raises `ObjectMissing` if the bucket exists but the key does not."""
        return _info(
            await self._bucket.call_with_retry(f"checking {key!r}", lambda: self._head(_validated(key)), no_body=True)
        )

    async def _head(self, key: str) -> Any:
        return await obstore.head_async(self._store, key)

    async def read(self, key: str, etag: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """Yield the bytes from `start` up to, not including, `stop`; no request is made if they are equal.

        Raises `SourceChanged` if the object does not have this ETag, `ObjectMissing`, `StorageTimeout` if no byte
        arrives for `s3_idle_timeout`, `StorageUnreachable` if the body ends early.
        """
        if start == stop:
            return
        action = f"reading {key!r}"
        options: Any = {"if_match": etag, "range": (start, stop)}
        result = await self._bucket.call_with_retry(action, lambda: self._get(_validated(key), options))
        # A store without If-Match would return the new object, and an object too short for the range is a new one.
        if quoted(result.meta["e_tag"] or "") != etag or tuple(result.range) != (start, stop):
            raise source_changed(action)
        left = stop - start
        with translate_errors(
            action, self._bucket.name
        ):  # not counted by the breaker: a stalled body concerns one object
            async for chunk in result.stream(min_chunk_size=READ_CHUNK):
                left -= len(chunk)
                yield bytes(chunk)  # no copy: it is `bytes` already
        if left:
            raise unreachable(action)

    async def _get(self, key: str, options: Any) -> Any:
        return await obstore.get_async(self._store, key, options=options)

    async def put(self, key: str, chunks: AsyncIterator[bytes] | bytes, content_type: str) -> ObjectInfo:
        """Write an object of any size in bounded memory; it appears completely or not at all.

        Raises `SourceChanged` if the same key was written by another writer at the same time, and whatever `chunks`
        raises.
        """
        etag, size = await self._writer.write(_validated(key), chunks, content_type)
        info = await self.head(key)
        if (info.etag, info.size) != (etag, size):
            message = f"The object {key!r} was overwritten by another writer right after it was written."
            raise SourceChanged(message)
        return info

    async def put_buffer(self, key: str, data: PartBuffer, crc32: int, content_type: str) -> str:
        """Write an object that is in memory by one PUT, whose bytes the store checks against the CRC-32.

        Returns its ETag. The bytes must not change before this returns or raises.
        """
        return await self._writer.write_buffer(_validated(key), data, crc32, content_type)

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects, a thousand per request; no error if one does not exist."""
        await self._bucket.call_with_retry(
            f"deleting {len(keys)} objects", lambda: self._delete([_validated(key) for key in keys])
        )

    async def _delete(self, keys: list[str]) -> None:
        await obstore.delete_async(self._store, keys)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Yield all objects in a folder and below, in the store's order. `prefix` ends with `/`, or is empty for all."""
        if prefix and not prefix.endswith("/"):
            message = "A prefix to list must end with '/'."
            raise ValueError(message)
        pages = aiter(obstore.list(self._store, prefix.rstrip("/") or None, chunk_size=LIST_PAGE_SIZE))
        while True:
            async with self._bucket.error_boundary(f"listing {prefix!r}"):
                page = await anext(pages, None)
            if page is None:
                return
            for meta in page:
                yield _info(meta)

    async def list_page(self, folder: str, after: str) -> Sequence[ObjectInfo]:
        """Return up to `LIST_PAGE_SIZE` objects after a key, which need not exist, in its folder ("" for all) and below.

        A key that ends with `/` is listed without it. A page is optional for its callers: this raises `StorageTimeout`
        after `PAGE_TIMEOUT`, and the breaker ignores it, since listing needs another permission than reading.
        """
        action = f"listing {folder!r}"

        async def fetch() -> Sequence[Any]:
            self._bucket.breaker.check()
            with translate_errors(action, self._bucket.name):
                pages = obstore.list(self._store, folder or None, offset=_validated(after), chunk_size=LIST_PAGE_SIZE)
                return await anext(pages, None) or ()

        try:
            async with asyncio.timeout(PAGE_TIMEOUT):
                return [_info(meta) for meta in await self._bucket.limit.run(fetch)]
        except TimeoutError:
            raise timed_out(action) from None


def _validated(key: str) -> str:
    if not key or _INVALID_KEY.search(key):
        message = (
            f"The key {key!r} is not valid: no part of its path may be empty, '.' or '..', nor may it contain control "
            "characters."
        )
        raise InvalidRequest(message)
    return key


def _info(meta: Any) -> ObjectInfo:
    # HEAD returns whole seconds (RFC 9110, section 5.6.7), a listing may return fractions.
    modified = meta["last_modified"].replace(microsecond=0)
    return ObjectInfo(meta["path"], meta["size"], quoted(meta["e_tag"] or ""), modified)
