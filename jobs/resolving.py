"""From a `file_id` to an object that is really there.

The catalogue answers for all ids in one query; only an id that it lacks is looked for under `S3_KEY_TEMPLATE`. Each object
is asked for once (HEAD), which pins its ETag: whatever is read later is the object that was looked at here, or an error.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from jobs.blobs.objects import ObjectInfo, Objects
from jobs.concurrency import map_limited
from jobs.domain.errors import ChecksumMismatch, ObjectMissing
from jobs.domain.jobs import FileRequest
from jobs.domain.names import safe_name, unique_names
from jobs.settings import Settings
from jobs.store.catalogue import StoredFile, find_files
from jobs.store.database import Database

HEADS = 32
"""HEAD requests in flight at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that is there. `name` is its name in an archive, unique in its request; size in bytes."""

    file_id: int
    name: str
    key: str
    size: int
    etag: str
    crc32: int | None
    sha256: str | None
    content_type: str
    certain: bool = False
    """The object is the one whose checksums were computed when it was taken into the catalogue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A file that is not there, and why."""

    file_id: int
    name: str
    reason: str


class Resolver:
    """Finds the objects of a request, in its order."""

    def __init__(self, database: Database, objects: Objects, settings: Settings) -> None:
        self._database = database
        self._objects = objects
        self._template = settings.s3_key_template

    async def resolve(self, requests: Sequence[FileRequest]) -> list[Source | Missing]:
        """A `Source` or a `Missing` for each file.

        Raises `DatabaseUnavailable`, a storage error when the store can't tell, and `ChecksumMismatch` when an object has
        another size than the catalogue says.
        """
        async with self._database.reading() as connection:
            catalogue = await find_files(connection, [request.file_id for request in requests])
        places = [self._place(request, catalogue.get(request.file_id)) for request in requests]
        heads = await map_limited(self._head, places, HEADS)
        names = unique_names([safe_name(place.name) for place in places])
        return [_found(place, head, name) for place, head, name in zip(places, heads, names, strict=True)]

    def _place(self, request: FileRequest, stored: StoredFile | None) -> _Place:
        key = stored.key if stored else template_key(self._template, request.file_id)
        name = request.name or (stored.name if stored else PurePosixPath(key).name)
        return _Place(request.file_id, key, name, stored)

    async def _head(self, place: _Place) -> ObjectInfo | None:
        try:
            return await self._objects.head(place.key)
        except ObjectMissing:
            return None


def template_key(template: str, file_id: int) -> str:
    """Where a file that the catalogue lacks is looked for."""
    return template.replace("{file_id}", str(file_id))


@dataclass(frozen=True, slots=True)
class _Place:
    file_id: int
    key: str
    name: str
    stored: StoredFile | None


def _found(place: _Place, info: ObjectInfo | None, name: str) -> Source | Missing:
    stored = place.stored
    if info is None:
        reason = "its object is gone from the store" if stored else "no such file"
        return Missing(file_id=place.file_id, name=name, reason=reason)
    if stored and stored.size != info.size:
        raise ChecksumMismatch(
            f"File {place.file_id} has {info.size} bytes in the store, but {stored.size} in the catalogue."
        )
    return Source(
        file_id=place.file_id,
        name=name,
        key=place.key,
        size=info.size,
        etag=info.etag,
        crc32=stored.crc32 if stored else None,
        sha256=stored.sha256 if stored else None,
        content_type=stored.content_type if stored else guess_type(name),
        certain=stored is not None and stored.etag == info.etag,
    )


def guess_type(name: str) -> str:
    """The media type that the name's extension stands for."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
