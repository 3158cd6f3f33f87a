"""Resolves a `file_id` to an object that exists.

The catalogue is queried once for all ids; an id that it lacks has the key that `S3_KEY_TEMPLATE` makes of it. The metadata
of each object is fetched once, which pins its ETag: later reads return the same object or fail. If the catalogue has no
trusted CRC-32 of a large file, it is requested from the store, so that the store can copy the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

import structlog

from jobs.bundles.format.stored_plan import MIN_PART_SIZE
from jobs.concurrency import map_limited
from jobs.database import Database
from jobs.engine.jobs import UNKNOWN_FILE, FileRequest
from jobs.errors import ChecksumMismatch, DatabaseUnavailable
from jobs.files.catalogue import StoredFile, find_files, update_checksums
from jobs.files.media_types import media_type
from jobs.files.names import FALLBACK, safe_name, unique_names
from jobs.files.object_keys import template_key
from jobs.files.visibility import FileReader, Visibility
from jobs.settings import Settings
from jobs.storage import ObjectInfo, Storage

log = structlog.get_logger()

CONCURRENT_CHECKSUMS = 64
"""Checksums that are requested from the store at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that exists. `name` is its name in the archive, unique in its request; size in bytes."""

    file_id: int
    name: str
    key: str
    size: int
    etag: str
    crc32: int | None
    sha256: str | None
    content_type: str
    modified: datetime
    """When it was last changed, timezone-aware: as the catalogue knows it, else when the object was written."""
    trusted: bool = False
    """The checksums belong to this very object: the catalogue has its ETag, or they come from the store itself."""
    stored_file: StoredFile | None = None
    """Its row in the catalogue."""
    url: str | None = None
    """Where it was fetched from, without the query; None: it is a file of the catalogue."""

    @property
    def is_public(self) -> bool:
        """Whether every user may read it, so that a bundle with it tells nobody anything."""
        return self.stored_file is not None and self.stored_file.visibility is Visibility.PUBLIC

    @property
    def crc32_correctable(self) -> bool:
        """True if the CRC-32 comes from the catalogue alone, for this very object: if its bytes differ, they are right."""
        stored = self.stored_file
        return stored is not None and self.crc32 == stored.crc32 and stored.etag in {None, self.etag}


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A file that does not exist, or a URL that cannot be fetched, and why. The `file_id` of a URL is `UNKNOWN_FILE`."""

    file_id: int
    name: str
    reason: str
    is_gone: bool = False
    """It was a file of the catalogue, whose name the reader may know."""

    @property
    def label(self) -> str:
        """What people are told that is missing."""
        if self.file_id == UNKNOWN_FILE:
            return self.name
        return f"{self.file_id} {self.name}" if self.is_gone else str(self.file_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfetched:
    """A file that is a URL, which is yet to be fetched. `name` is its name in the archive."""

    name: str


class Resolver:
    """Resolves the files of a request, in its order."""

    def __init__(self, database: Database, storage: Storage, settings: Settings) -> None:
        self._database = database
        self._bulk_head = storage.bulk_head
        self._checksums = storage.checksums
        self._template = settings.s3_key_template
        self._copies = settings.s3_part_copy == "auto"

    async def resolve(
        self,
        requests: Sequence[FileRequest],
        reader: FileReader | None = None,
        *,
        listings: bool = True,
        prefix: str = "",
    ) -> list[Source | Missing]:
        """A `Source` or a `Missing` for each file of the catalogue, as `resolve_all` does. None may be a URL."""
        found = await self.resolve_all(requests, reader, listings=listings, prefix=prefix)
        return [one for one in found if not isinstance(one, Unfetched)]

    async def resolve_all(
        self,
        requests: Sequence[FileRequest],
        reader: FileReader | None = None,
        *,
        listings: bool = True,
        prefix: str = "",
    ) -> list[Source | Missing | Unfetched]:
        """A `Source`, a `Missing` or an `Unfetched` for each file. Without `listings`, objects are requested one by one.

        A file that the `reader` may not read is missing like one that does not exist; None may read every file.
        So is one whose key does not start with the `prefix`: its object is not requested.

        Raises `DatabaseUnavailable`, the errors of the store, and `ChecksumMismatch` when an object does not have the size
        in the catalogue.
        """
        ids = [request.file_id for request in requests if request.file_id != UNKNOWN_FILE]
        async with self._database.reading() as connection:
            catalogue = await find_files(connection, ids)
        candidates = []
        for request in requests:
            if request.file_id == UNKNOWN_FILE:
                name = request.name or FALLBACK
                candidates.append(_Candidate(UNKNOWN_FILE, "", name, stored=None, readable=False, gone=None))
                continue
            stored = catalogue.get(request.file_id)
            readable = reader is None or (
                reader.template_files
                if stored is None
                else reader.may_read(stored.owner, stored.visibility, stored.groups)
            )
            by_template = template_key(self._template, request.file_id)
            readable = readable and (stored.key if stored else by_template).startswith(prefix)
            gone = None
            if not readable:
                stored = None  # not even its name may be seen
            elif stored is not None and not stored.available:
                readable, gone = False, stored.gone or "it is not available"
            key = stored.key if stored else by_template
            name = request.name or (stored.name if stored else PurePosixPath(key).name)
            candidates.append(_Candidate(request.file_id, key, name, stored, readable, gone))
        keys = (candidate.key for candidate in candidates if candidate.readable)
        infos = await self._bulk_head.head(keys, listings=listings)
        names = unique_names([safe_name(candidate.name) for candidate in candidates])
        files = [
            Unfetched(name=name)
            if one.file_id == UNKNOWN_FILE
            else _resolve(one, infos.get(one.key) if one.readable else None, name)
            for one, name in zip(candidates, names, strict=True)
        ]
        untrusted = [file for file in files if isinstance(file, Source) and self._copies and _needs_only_crc32(file)]
        updated = await map_limited(self._with_stored_crc32, untrusted, CONCURRENT_CHECKSUMS)
        trusted = {source.file_id: source for source in updated}
        return [trusted.get(file.file_id, file) if isinstance(file, Source) else file for file in files]

    async def _with_stored_crc32(self, source: Source) -> Source:
        """The source with the CRC-32 of the store; unchanged, so that it is read, if that contradicts the catalogue."""
        crc32 = await self._checksums.crc32(source.key, source.etag, source.size)
        if crc32 is None or source.crc32 not in {None, crc32}:
            return source
        return replace(source, crc32=crc32, trusted=True)

    async def save_checksums(self, sources: Sequence[Source], crcs: Sequence[int | None]) -> None:
        """Saves the verified CRC-32s in the catalogue, so that the next bundle can copy the files.

        Rows that have changed since they were read stay as they are. If the database is unavailable, nothing is saved:
        the files are then read again the next time.
        """
        verified = [
            (source.stored_file, replace(source.stored_file, crc32=crc32, etag=source.etag))
            for source, crc32 in zip(sources, crcs, strict=True)
            if source.stored_file is not None and crc32 is not None
        ]
        changes = [(before, after) for before, after in verified if before != after]
        if not changes:
            return
        try:
            async with self._database.begin() as connection:
                written = await update_checksums(connection, changes)
        except DatabaseUnavailable as error:
            log.warning("catalogue_update_failed", reason=error.message)
            return
        for before, after in changes:
            if after.id not in written:
                continue
            if before.crc32 in {None, after.crc32}:
                log.info("catalogue_completed", file_id=after.id)
            else:
                old, new = f"{before.crc32:08x}", f"{after.crc32:08x}"
                log.warning("catalogue_repaired", file_id=after.id, old_crc32=old, new_crc32=new)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A requested file, and the key at which its object is expected."""

    file_id: int
    key: str
    name: str
    stored: StoredFile | None
    readable: bool
    gone: str | None
    """Why a file of the catalogue is not available, to those who may read it."""


def _resolve(candidate: _Candidate, info: ObjectInfo | None, name: str) -> Source | Missing:
    stored = candidate.stored
    if info is None:
        reason = candidate.gone or ("its object is gone from the store" if stored else "no such file")
        return Missing(file_id=candidate.file_id, name=name, reason=reason, is_gone=candidate.gone is not None)
    if stored and stored.size != info.size:
        raise ChecksumMismatch(
            f"File {candidate.file_id} has {info.size} bytes in the store, but {stored.size} in the catalogue."
        )
    # A CRC-32 of the catalogue that was computed from another object, without a SHA-256, is ignored.
    is_replaced = stored is not None and stored.etag not in {None, info.etag}
    return Source(
        file_id=candidate.file_id,
        name=name,
        key=candidate.key,
        size=info.size,
        etag=info.etag,
        crc32=None if stored is None or (is_replaced and stored.sha256 is None) else stored.crc32,
        sha256=stored.sha256 if stored else None,
        content_type=stored.content_type if stored else media_type(name),
        modified=(stored and stored.modified_at) or info.last_modified,
        trusted=stored is not None and stored.etag == info.etag,
        stored_file=stored,
    )


def _needs_only_crc32(source: Source) -> bool:
    """True if the store could copy the file with a trusted CRC-32. A SHA-256 of another object requires reading it."""
    known = source.trusted and source.crc32 is not None
    return source.size > MIN_PART_SIZE and not known and (source.sha256 is None or source.trusted)
