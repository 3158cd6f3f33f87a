"""Many objects looked at with few calls: a page of a listing answers for up to a thousand of them, a HEAD for one.

A listing only spares HEADs. What it has not named is asked for by HEAD, so its order and its gaps mean nothing. Of each
page one object is asked for by HEAD as well; where that tells of another, no page of the folder is believed.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence

import structlog

from jobs.concurrency import all_of
from jobs.errors import HaulageError, ObjectMissing
from jobs.storage.objects import ObjectInfo, Objects

log = structlog.get_logger()

AT_ONCE = 64
"""Calls in flight at once, for one look."""
WORTH = 64
"""Keys that a page should answer for: it takes a store as long as so many HEADs, which are a single round trip."""

Found = dict[str, ObjectInfo]
"""By key; those that are not there are missing."""


class Looking:
    """Looks at many objects at once."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    async def look(self, keys: Iterable[str], *, pages: bool = True) -> Found:
        """Those that are there. Without `pages` each is asked for by HEAD.

        Raises what `Objects.head` does, but for `ObjectMissing`.
        """
        look = _Look(self._objects, WORTH if pages else None)
        folders: dict[str, list[str]] = defaultdict(list)
        for key in sorted(set(keys)):
            folders[key.rpartition("/")[0]].append(key)
        return _merged(await all_of(look.inside(folder, inside) for folder, inside in folders.items()))


class _Look:
    def __init__(self, objects: Objects, worth: int | None) -> None:
        """A page is asked for when it may answer for `worth` keys; never when that is None."""
        self._objects = objects
        self._worth = worth
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def inside(self, folder: str, keys: list[str]) -> Found:
        """The same for sorted keys of one folder."""
        pages = await self._pages(folder, keys)
        listed = _merged(pages)
        # The largest: that is the one most likely to be encrypted, compressed or made of parts.
        witnesses = {max(page.values(), key=lambda info: info.size).key for page in pages if page}
        heads = await self._heads([key for key in keys if key in witnesses or key not in listed])
        if all(key in heads and _same(heads[key], listed[key]) for key in witnesses):
            return listed | heads
        log.info("listing_not_believed", folder=folder)
        return heads | await self._heads([key for key in listed if key not in witnesses])

    async def _pages(self, folder: str, keys: list[str]) -> list[Found]:
        """What a page from the first key on tells of the keys; if that is worth it, as many as the others seem to take."""
        worth = self._worth
        if worth is None or len(keys) < worth:
            return []
        wanted = frozenset(keys)
        first = await self._page(folder, keys[0], wanted)
        if len(first) < worth:
            return [first]
        rest = keys[bisect_right(keys, max(first)) :]
        starts = range(0, len(rest) - worth + 1, len(first))
        return [first, *await all_of(self._page(folder, rest[start], wanted) for start in starts)]

    async def _page(self, folder: str, after: str, wanted: frozenset[str]) -> Found:
        async with self._slots:
            try:
                page = await self._objects.page(folder, after)
            except HaulageError as error:
                log.debug("listing_not_told", folder=folder, reason=error.message)
                return {}
        return {info.key: info for info in page if info.key in wanted and info.key != after and _plain(info)}

    async def _heads(self, keys: Sequence[str]) -> Found:
        heads = await all_of(self._head(key) for key in keys)
        return {key: info for key, info in zip(keys, heads, strict=True) if info is not None}

    async def _head(self, key: str) -> ObjectInfo | None:
        async with self._slots:
            try:
                return await self._objects.head(key)
            except ObjectMissing:
                return None


def _merged(parts: Iterable[Found]) -> Found:
    return {key: info for part in parts for key, info in part.items()}


def _plain(info: ObjectInfo) -> bool:
    """An empty object may be a folder's marker, whose key ends with `/`; a listing may leave out the ETag."""
    return info.size > 0 and info.etag.strip('"') != ""


def _same(one: ObjectInfo, other: ObjectInfo) -> bool:
    return (one.size, one.etag) == (other.size, other.etag)
