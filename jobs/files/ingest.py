"""Adds files to the store and the catalogue: how a file gets its id, its key and its checksums."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from datetime import datetime

import structlog
from isal import isal_zlib

from jobs.concurrency import gather
from jobs.database import Database
from jobs.errors import HaulageError, ObjectMissing
from jobs.files.catalogue import StoredFile, find_files, insert_file, next_ids
from jobs.files.media_types import media_type
from jobs.files.names import safe_name
from jobs.files.object_keys import catalogue_key, template_key
from jobs.files.visibility import Visibility
from jobs.owners import ANONYMOUS
from jobs.settings import Settings
from jobs.storage import Storage

log = structlog.get_logger()


class FileIngest:
    """Adds files. Creates the bucket before the first one."""

    def __init__(self, database: Database, storage: Storage, settings: Settings) -> None:
        self._database = database
        self._storage = storage
        self._template = settings.s3_key_template
        self._bucket_lock = asyncio.Lock()
        self._has_bucket = False

    async def add(
        self,
        name: str,
        chunks: AsyncIterator[bytes],
        content_type: str | None = None,
        owner: str = ANONYMOUS,
        *,
        visibility: Visibility = Visibility.PUBLIC,
        groups: Collection[str] = (),
        modified_at: datetime | None = None,
    ) -> StoredFile:
        """Writes the object in bounded memory, then its row. The name is made safe; the default type follows from it.

        `modified_at` is when the file was last changed, timezone-aware: it gets this time when a bundle is unpacked.

        Raises the errors of the store, `DatabaseUnavailable`, and what `chunks` raises; then there is neither object nor
        row.
        """
        async with self._bucket_lock:
            if not self._has_bucket:
                await self._storage.bucket.ensure()
                self._has_bucket = True
        file_id = await free_file_id(self._database, self._storage, self._template)
        key, name = catalogue_key(file_id), safe_name(name)
        content_type = content_type or media_type(name)
        checksums = _Checksums()
        try:
            info = await self._storage.objects.put(key, checksums.update_from(chunks), content_type)
        except HaulageError as error:
            # The client of the store translates an OSError of `chunks` into its own: raise the original.
            raise checksums.failure or error from None
        file = StoredFile(
            id=file_id,
            key=key,
            name=name,
            size=info.size,
            etag=info.etag,
            crc32=checksums.crc32,
            sha256=checksums.sha256,
            content_type=content_type,
            owner=owner,
            visibility=visibility,
            groups=tuple(sorted(groups)),
            modified_at=modified_at,
        )
        try:
            async with self._database.begin() as connection:
                await insert_file(connection, file)
        except BaseException:
            await asyncio.shield(self._delete_object(file))
            raise
        log.debug("file_added", file_id=file_id, size=info.size)
        return file

    async def _delete_object(self, file: StoredFile) -> None:
        """Deletes the object of a row that could not be written.

        If the connection was lost during the commit, the row may exist. While the database is unavailable, the object
        stays: an orphaned object is better than a row without its object.
        """
        with suppress(HaulageError):
            async with self._database.reading() as connection:
                found = await find_files(connection, [file.id])
            if not found:
                await self._storage.objects.delete([file.key])


async def free_file_id(database: Database, storage: Storage, template: str) -> int:
    """A new id, as those of `free_file_ids`."""
    [file_id] = await free_file_ids(database, storage, template, 1)
    return file_id


async def free_file_ids(database: Database, storage: Storage, template: str, count: int) -> list[int]:
    """New ids of neither of whose keys there is an object; `template` is `S3_KEY_TEMPLATE`.

    Clients that use the template key must keep getting the object they always got. An object under the catalogue's key
    may be a file, too, if the bucket is older than the catalogue.
    """

    async def is_free(file_id: int) -> bool:
        for key in (template_key(template, file_id), catalogue_key(file_id)):
            with suppress(ObjectMissing):
                await storage.objects.head(key)
                return False
        return True

    found: list[int] = []
    while len(found) < count:
        ids = await next_ids(database, count - len(found))
        found += [file_id for file_id, free in zip(ids, await gather(map(is_free, ids)), strict=True) if free]
    return found


class _Checksums:
    """Computes CRC-32 and SHA-256 of a stream."""

    def __init__(self) -> None:
        self.crc32 = 0
        self.failure: Exception | None = None
        self._sha = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._sha.hexdigest()

    async def update_from(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                await asyncio.to_thread(self._update, chunk)
                yield chunk
        except Exception as error:
            self.failure = error
            raise

    def _update(self, chunk: bytes) -> None:
        self.crc32 = isal_zlib.crc32(chunk, self.crc32)
        self._sha.update(chunk)
