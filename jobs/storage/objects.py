"""Objects: looked at, read by ranges, written, listed, deleted."""

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
from jobs.storage.error_translation import timed_out, translated, unreachable
from jobs.storage.etags import quoted
from jobs.storage.object_writer import Ingest

READ_CHUNK = 512 * 1024
"""Least bytes of a chunk read, the last one excepted. What the store sends at once is passed on at once."""
LIST_PAGE = 1000
PAGE_TIMEOUT = 3.0
"""Seconds after which `page` gives up."""

_UNSPEAKABLE = re.compile(r"(?:^|/)\.{0,2}(?:/|$)|[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What the store knows about an object."""

    key: str
    size: int
    """Bytes."""
    etag: str
    """In quotes, as `quoted` gives it."""
    last_modified: datetime
    """UTC, whole seconds."""


class Objects:
    """The objects of the bucket. Every method may raise the `Storage…` errors.

    A key is any text but one with an empty, `.` or `..` component (`/a`, `a/`, `a//b`) or a control character: obstore
    would ask for another object or none. `InvalidRequest` says so before the store is asked.
    """

    def __init__(self, store: S3Store, bucket: Bucket, ingest: Ingest) -> None:
        self._store = store
        self._bucket = bucket
        self._ingest = ingest

    async def head(self, key: str) -> ObjectInfo:
        """Raises `ObjectMissing` when the bucket is there but the key is not."""
        return _info(await self._bucket.ask(f"looking at {key!r}", lambda: self._head(_checked(key)), mute=True))

    async def _head(self, key: str) -> Any:
        return await obstore.head_async(self._store, key)

    async def read(self, key: str, etag: str, start: int, stop: int) -> AsyncIterator[bytes]:
        """The bytes from `start` up to, not including, `stop`; nothing is asked for when they are equal.

        Raises `SourceChanged` when the object is not the one with this ETag, `ObjectMissing`, `StorageTimeout` when no
        byte comes for `s3_idle_timeout`, `StorageUnreachable` when the body ends early.
        """
        if start == stop:
            return
        action = f"reading {key!r}"
        options: Any = {"if_match": etag, "range": (start, stop)}
        result = await self._bucket.ask(action, lambda: self._get(_checked(key), options))
        # A store that knows no If-Match would serve the new object, and one that is too short for the range is new.
        if quoted(result.meta["e_tag"] or "") != etag or tuple(result.range) != (start, stop):
            message = f"The object has changed since it was pinned: found when {action}."
            raise SourceChanged(message)
        left = stop - start
        with translated(action, self._bucket.name):  # not the breaker's: a body that stalls is one object's trouble
            async for chunk in result.stream(min_chunk_size=READ_CHUNK):
                left -= len(chunk)
                yield bytes(chunk)  # it is one already, and stays the same
        if left:
            raise unreachable(action)

    async def _get(self, key: str, options: Any) -> Any:
        return await obstore.get_async(self._store, key, options=options)

    async def put(self, key: str, chunks: AsyncIterator[bytes] | bytes, content_type: str) -> ObjectInfo:
        """Write an object of any size in bounded memory; it is there as a whole or not at all.

        Raises `SourceChanged` when somebody else has written the same key at the same time, and whatever `chunks` does.
        """
        etag, size = await self._ingest.write(_checked(key), chunks, content_type)
        info = await self.head(key)
        if (info.etag, info.size) != (etag, size):
            message = f"The object has changed since it was written: {key!r}."
            raise SourceChanged(message)
        return info

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete them, a thousand a request; fine when one is not there."""
        await self._bucket.ask(f"deleting {len(keys)} objects", lambda: self._delete([_checked(key) for key in keys]))

    async def _delete(self, keys: list[str]) -> None:
        await obstore.delete_async(self._store, keys)

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """All objects in a folder and below, in the store's order. `prefix` ends with `/`, or is empty for all."""
        if prefix and not prefix.endswith("/"):
            message = "A prefix to list ends with '/'."
            raise ValueError(message)
        pages = aiter(obstore.list(self._store, prefix.rstrip("/") or None, chunk_size=LIST_PAGE))
        while True:
            async with self._bucket.guard(f"listing {prefix!r}"):
                page = await anext(pages, None)
            if page is None:
                return
            for meta in page:
                yield _info(meta)

    async def page(self, folder: str, after: str) -> Sequence[ObjectInfo]:
        """The next objects behind a key, there or not, in its folder and below; `LIST_PAGE` at most. "" is all folders.

        A key that ends with `/` comes without it. Nobody needs a page: it raises `StorageTimeout` after `PAGE_TIMEOUT`, and
        tells the breaker nothing, since the right that it takes is another than that of reading.
        """
        action = f"listing {folder!r}"

        async def told() -> Sequence[Any]:
            self._bucket.breaker.check()
            with translated(action, self._bucket.name):
                pages = obstore.list(self._store, folder or None, offset=_checked(after), chunk_size=LIST_PAGE)
                return await anext(pages, None) or ()

        try:
            async with asyncio.timeout(PAGE_TIMEOUT):
                return [_info(meta) for meta in await self._bucket.pace.run(told)]
        except TimeoutError:
            raise timed_out(action) from None


def _checked(key: str) -> str:
    if not key or _UNSPEAKABLE.search(key):
        message = (
            f"The key {key!r} can't be asked for: a part of its path is empty, '.' or '..', or it is not printable."
        )
        raise InvalidRequest(message)
    return key


def _info(meta: Any) -> ObjectInfo:
    # HEAD tells whole seconds (RFC 9110, section 5.6.7), a listing may tell fractions.
    modified = meta["last_modified"].replace(microsecond=0)
    return ObjectInfo(meta["path"], meta["size"], quoted(meta["e_tag"] or ""), modified)
