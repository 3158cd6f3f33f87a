"""Putting files into the store and the catalogue: how a file gets its id, its key and its checksums."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import suppress

import structlog
from isal import isal_zlib

from jobs.bundles.resolver import guess_type, template_key
from jobs.database import Database
from jobs.errors import HaulageError, ObjectMissing
from jobs.files.catalogue import StoredFile, find_files, insert_file, next_id
from jobs.files.names import safe_name
from jobs.owners import ANONYMOUS
from jobs.settings import Settings
from jobs.storage import Storage

log = structlog.get_logger()


class Ingest:
    """Adds files. Makes the bucket before the first one."""

    def __init__(self, database: Database, storage: Storage, settings: Settings) -> None:
        self._database = database
        self._storage = storage
        self._template = settings.s3_key_template
        self._making_bucket = asyncio.Lock()
        self._has_bucket = False

    async def add(
        self, name: str, chunks: AsyncIterator[bytes], content_type: str | None = None, owner: str = ANONYMOUS
    ) -> StoredFile:
        """Write the bytes in bounded memory, then the row. The name is made safe, a type not given is guessed from it.

        Raises a storage error, `DatabaseUnavailable`, and whatever `chunks` does; then there is neither object nor row.
        """
        await self._ensure_bucket()
        file_id = await self._free_id()
        key, name = own_key(file_id), safe_name(name)
        content_type = content_type or guess_type(name)
        tally = _Tally()
        try:
            info = await self._storage.objects.put(key, tally.over(chunks), content_type)
        except HaulageError as error:
            # The store is blamed for an OSError that passes through its client.
            raise tally.failure or error from None
        file = StoredFile(
            id=file_id,
            key=key,
            name=name,
            size=info.size,
            etag=info.etag,
            crc32=tally.crc32,
            sha256=tally.sha256,
            content_type=content_type,
            owner=owner,
        )
        await self._record(file)
        log.debug("file_added", file_id=file_id, size=info.size)
        return file

    async def _ensure_bucket(self) -> None:
        async with self._making_bucket:
            if not self._has_bucket:
                await self._storage.bucket.ensure()
                self._has_bucket = True

    async def _free_id(self) -> int:
        """A new id both of whose keys are free.

        What clients have always got under the template key must stay what they get; and where the catalogue is younger
        than the bucket, an object under our own key is somebody's file.
        """
        while True:
            async with self._database.begin() as connection:
                file_id = await next_id(connection)
            if not await self._exists(template_key(self._template, file_id)) and not await self._exists(
                own_key(file_id)
            ):
                return file_id

    async def _exists(self, key: str) -> bool:
        try:
            await self._storage.objects.head(key)
        except ObjectMissing:
            return False
        return True

    async def _record(self, file: StoredFile) -> None:
        try:
            async with self._database.begin() as connection:
                await insert_file(connection, file)
        except BaseException:
            await asyncio.shield(self._discard(file))
            raise

    async def _discard(self, file: StoredFile) -> None:
        """Remove the object of a row that failed.

        A connection that broke during the commit leaves open whether the row is there. As long as the database can't
        tell, the object stays: one too many is a lesser harm than a row without one.
        """
        with suppress(HaulageError):
            async with self._database.reading() as connection:
                found = await find_files(connection, [file.id])
            if not found:
                await self._storage.objects.delete([file.key])


def own_key(file_id: int) -> str:
    """Where a file of the catalogue is."""
    return f"files/{file_id}"


class _Tally:
    """The checksums of what passes by."""

    def __init__(self) -> None:
        self.crc32 = 0
        self.failure: Exception | None = None
        self._sha = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._sha.hexdigest()

    async def over(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        try:
            async for chunk in chunks:
                await asyncio.to_thread(self._note, chunk)
                yield chunk
        except Exception as error:
            self.failure = error
            raise

    def _note(self, chunk: bytes) -> None:
        self.crc32 = isal_zlib.crc32(chunk, self.crc32)
        self._sha.update(chunk)
