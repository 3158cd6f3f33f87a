"""HEAD of many objects with few calls: one page of a listing replaces up to a thousand HEAD requests.

A listing only saves HEADs. A key that it does not contain is requested by HEAD, so its order and its gaps don't matter.
One object of each page is requested by HEAD as well; if the two differ, no page of that folder is used.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence

import structlog

from jobs.concurrency import gather
from jobs.errors import HaulageError, ObjectMissing
from jobs.storage.objects import ObjectInfo, Objects

log = structlog.get_logger()

MAX_CONCURRENT_CALLS = 64
"""Calls in flight for one bulk HEAD."""
MIN_KEYS_PER_PAGE = 64
"""Keys that make a page worth its request: it takes a store as long as this many HEADs, which take one round trip."""

InfoByKey = dict[str, ObjectInfo]
"""Objects by key, without those that do not exist."""


class BulkHead:
    """Fetches the metadata of many objects at once."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def head(self, keys: Iterable[str], *, listings: bool = True) -> InfoByKey:
        """Return the metadata of the objects that exist. Without `listings`, every key is requested by HEAD.

        Raises what `Objects.head` raises, except `ObjectMissing`.
        """
        request = _BulkRequest(self._objects, MIN_KEYS_PER_PAGE if listings else None)
        folders: dict[str, list[str]] = defaultdict(list)
        for key in sorted(set(keys)):
            folders[key.rpartition("/")[0]].append(key)
        return _merged(await gather(request.head_folder(folder, inside) for folder, inside in folders.items()))


class _BulkRequest:
    def __init__(self, objects: Objects, min_keys: int | None) -> None:
        """A page is requested if it may cover `min_keys` keys; never if that is None."""
        self._objects = objects
        self._min_keys = min_keys
        self._slots = asyncio.Semaphore(MAX_CONCURRENT_CALLS)

    async def head_folder(self, folder: str, keys: list[str]) -> InfoByKey:
        """Return the metadata of the objects of one folder. `keys` are sorted."""
        pages = await self._pages(folder, keys)
        listed = _merged(pages)
        # The largest object of each page is the one most likely to be encrypted, compressed or made of parts.
        samples = {max(page.values(), key=lambda info: info.size).key for page in pages if page}
        heads = await self._heads([key for key in keys if key in samples or key not in listed])
        if all(key in heads and _same(heads[key], listed[key]) for key in samples):
            return listed | heads
        log.info("listing_inconsistent", folder=folder)
        return heads | await self._heads([key for key in listed if key not in samples])

    async def _pages(self, folder: str, keys: list[str]) -> list[InfoByKey]:
        """Fetch the first page, and if it covered enough keys, as many more as the rest seems to need."""
        min_keys = self._min_keys
        if min_keys is None or len(keys) < min_keys:
            return []
        wanted = frozenset(keys)
        first = await self._page(folder, keys[0], wanted)
        if len(first) < min_keys:
            return [first]
        rest = keys[bisect_right(keys, max(first)) :]
        starts = range(0, len(rest) - min_keys + 1, len(first))
        return [first, *await gather(self._page(folder, rest[start], wanted) for start in starts)]

    async def _page(self, folder: str, after: str, wanted: frozenset[str]) -> InfoByKey:
        async with self._slots:
            try:
                page = await self._objects.list_page(folder, after)
            except HaulageError as error:
                log.debug("listing_failed", folder=folder, reason=error.message)
                return {}
        return {info.key: info for info in page if info.key in wanted and info.key != after and _is_usable(info)}

    async def _heads(self, keys: Sequence[str]) -> InfoByKey:
        heads = await gather(self._head(key) for key in keys)
        return {key: info for key, info in zip(keys, heads, strict=True) if info is not None}

    async def _head(self, key: str) -> ObjectInfo | None:
        async with self._slots:
            try:
                return await self._objects.head(key)
            except ObjectMissing:
                return None


def _merged(parts: Iterable[InfoByKey]) -> InfoByKey:
    return {key: info for part in parts for key, info in part.items()}


def _is_usable(info: ObjectInfo) -> bool:
    """Return False for an empty object, which may be a folder's marker (its key ends with `/`), or without an ETag."""
    return info.size > 0 and info.etag.strip('"') != ""


def _same(one: ObjectInfo, other: ObjectInfo) -> bool:
    return (one.size, one.etag) == (other.size, other.etag)
