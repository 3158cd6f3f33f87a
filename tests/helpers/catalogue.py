"""Files in the store and the catalogue."""

from __future__ import annotations

import hashlib
import zlib
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.files.catalogue import StoredFile, find_files, insert_file
from jobs.files.states import Role
from jobs.files.tables import stored_files
from jobs.files.visibility import Visibility
from jobs.owners import ANONYMOUS
from jobs.services import Services

UNSET: Any = object()


async def next_id(connection: AsyncConnection) -> int:
    """A new id of a file."""
    return int((await connection.execute(select(func.nextval("stored_files_id_seq")))).scalar_one())


class Catalogue:
    """Puts files into the store and the catalogue; what the catalogue says of them can be made wrong."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def add(
        self,
        data: bytes,
        name: str = "file.bin",
        *,
        crc32: int | None = UNSET,
        sha256: str | None = UNSET,
        size: int | None = None,
        content_type: str = "application/octet-stream",
        modified_at: datetime | None = None,
        owner: str = ANONYMOUS,
        visibility: Visibility = Visibility.PUBLIC,
        groups: tuple[str, ...] = (),
        role: Role = Role.ORIGINAL,
        parent_id: int | None = None,
    ) -> int:
        """The id of a new file with this content."""
        async with self._services.database.begin() as connection:
            file_id = await next_id(connection)
            info = await self._services.storage.objects.put(f"files/{file_id}", data, content_type)
            file = StoredFile(
                id=file_id,
                key=f"files/{file_id}",
                name=name,
                size=len(data) if size is None else size,
                etag=info.etag,
                crc32=zlib.crc32(data) if crc32 is UNSET else crc32,
                sha256=hashlib.sha256(data).hexdigest() if sha256 is UNSET else sha256,
                content_type=content_type,
                owner=owner,
                visibility=visibility,
                groups=groups,
                modified_at=modified_at,
                role=role,
                parent_id=parent_id,
            )
            await insert_file(connection, file)
        return file_id

    async def add_unchecked(self, data: bytes, name: str = "file.bin", **said: Any) -> int:
        """The same, but the store does not know its checksum either."""
        file_id = await self.add(b"", name, size=len(data), **said)
        key, uploads = f"files/{file_id}", self._services.storage.multipart
        upload_id = await uploads.create(key, "application/octet-stream")
        part = await uploads.upload_part(key, upload_id, 1, data)
        await uploads.complete(key, upload_id, [(1, part)])
        return file_id

    async def said(self, file_id: int) -> StoredFile:
        """What the catalogue says of it."""
        async with self._services.database.reading() as connection:
            return (await find_files(connection, [file_id]))[file_id]

    async def say(self, file_id: int, **columns: Any) -> None:
        """Makes the catalogue say something else."""
        async with self._services.database.begin() as connection:
            await connection.execute(update(stored_files).where(stored_files.c.id == file_id).values(columns))

    async def overwrite(self, file_id: int, data: bytes) -> None:
        await self._services.storage.objects.put(f"files/{file_id}", data, "application/octet-stream")

    async def remove(self, file_id: int) -> None:
        await self._services.storage.objects.delete([f"files/{file_id}"])
