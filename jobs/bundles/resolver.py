"""From a `file_id` to an object that is really there.

The catalogue answers for all ids in one query; only an id that it lacks is looked for under `S3_KEY_TEMPLATE`. Each object
is looked at once, which pins its ETag: whatever is read later is the object that was looked at here, or an error.
The store is also asked for the CRC-32 of a large file that the catalogue does not know for certain: then it can be copied.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

import structlog

from jobs.bundles.format.stored_plan import MIN_PART_SIZE
from jobs.concurrency import map_limited
from jobs.database import Database
from jobs.engine.jobs import FileRequest
from jobs.errors import ChecksumMismatch, DatabaseUnavailable
from jobs.files.catalogue import StoredFile, find_files, update_checksums
from jobs.files.names import safe_name, unique_names
from jobs.settings import Settings
from jobs.storage import ObjectInfo, Storage

log = structlog.get_logger()

CHECKSUMS = 64
"""Checksums asked for at once."""


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
    """The object is the one whose checksums these are: by the catalogue, which has its ETag, or by the store itself."""
    stored: StoredFile | None = None
    """What the catalogue says of it."""

    @property
    def doubtful(self) -> bool:
        """The CRC-32 is but the catalogue's word, and of this very object: where its bytes have another, they are right."""
        stored = self.stored
        return stored is not None and self.crc32 == stored.crc32 and stored.etag in {None, self.etag}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A file that is not there, and why."""

    file_id: int
    name: str
    reason: str


class Resolver:
    """Finds the objects of a request, in its order."""

    def __init__(self, database: Database, storage: Storage, settings: Settings) -> None:
        self._database = database
        self._bulk_head = storage.bulk_head
        self._checksums = storage.checksums
        self._template = settings.s3_key_template
        self._copies = settings.s3_part_copy == "auto"

    async def resolve(self, requests: Sequence[FileRequest], *, pages: bool = True) -> list[Source | Missing]:
        """A `Source` or a `Missing` for each file. Without `pages` no listing is believed.

        Raises `DatabaseUnavailable`, a storage error when the store can't tell, and `ChecksumMismatch` when an object has
        another size than the catalogue says.
        """
        async with self._database.reading() as connection:
            catalogue = await find_files(connection, [request.file_id for request in requests])
        places = [self._place(request, catalogue.get(request.file_id)) for request in requests]
        infos = await self._bulk_head.head((place.key for place in places), listings=pages)
        names = unique_names([safe_name(place.name) for place in places])
        found = [_found(place, infos.get(place.key), name) for place, name in zip(places, names, strict=True)]
        asked = [one for one in found if isinstance(one, Source) and self._copies and _lacks_only_the_crc(one)]
        certain = {one.file_id: one for one in await map_limited(self._made_certain, asked, CHECKSUMS)}
        return [certain.get(one.file_id, one) for one in found]

    async def _made_certain(self, source: Source) -> Source:
        """Asks the store for the checksum; what the catalogue has promised must hold, or it has to be read."""
        crc32 = await self._checksums.crc32(source.key, source.etag, source.size)
        if crc32 is None or source.crc32 not in {None, crc32}:
            return source
        return replace(source, crc32=crc32, certain=True)

    async def learn(self, sources: Sequence[Source], crcs: Sequence[int | None]) -> None:
        """Keeps the CRC-32 that each file was seen to have, if it was, in the catalogue: the next bundle can copy it.

        What somebody else has written there meanwhile stays. A database that is away costs no more than reading again.
        """
        learnt = [
            (source.stored, replace(source.stored, crc32=crc32, etag=source.etag))
            for source, crc32 in zip(sources, crcs, strict=True)
            if source.stored is not None and crc32 is not None
        ]
        changes = [(before, after) for before, after in learnt if before != after]
        if not changes:
            return
        try:
            async with self._database.begin() as connection:
                written = await update_checksums(connection, changes)
        except DatabaseUnavailable as error:
            log.info("catalogue_not_written", reason=error.message)
            return
        for before, after in changes:
            if after.id in written:
                _tell(before, after)

    def _place(self, request: FileRequest, stored: StoredFile | None) -> _Place:
        key = stored.key if stored else template_key(self._template, request.file_id)
        name = request.name or (stored.name if stored else PurePosixPath(key).name)
        return _Place(request.file_id, key, name, stored)


def _tell(before: StoredFile, after: StoredFile) -> None:
    if before.crc32 in {None, after.crc32}:
        log.info("catalogue_completed", file_id=after.id)
    else:
        log.warning("catalogue_mended", file_id=after.id, said=f"{before.crc32:08x}", crc32=f"{after.crc32:08x}")


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
        crc32=_crc32_of(stored, info) if stored else None,
        sha256=stored.sha256 if stored else None,
        content_type=stored.content_type if stored else guess_type(name),
        certain=stored is not None and stored.etag == info.etag,
        stored=stored,
    )


def _crc32_of(stored: StoredFile, info: ObjectInfo) -> int | None:
    """What the catalogue knows of this object. With nothing promised, a CRC-32 learnt of another object says nothing."""
    other = stored.etag not in {None, info.etag}
    return None if other and stored.sha256 is None else stored.crc32


def _lacks_only_the_crc(source: Source) -> bool:
    """With it the store could copy the file. A SHA-256 that was promised of another object takes reading, to see it."""
    known = source.certain and source.crc32 is not None
    return source.size > MIN_PART_SIZE and not known and (source.sha256 is None or source.certain)


def guess_type(name: str) -> str:
    """The media type that the name's extension stands for."""
    return mimetypes.guess_type(name)[0] or "application/octet-stream"
