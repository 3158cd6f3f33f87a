"""Statements about the catalogue: which `file_id` is which object."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.store.rows import Row
from jobs.store.tables import stored_files


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file of the catalogue. Size in bytes; `sha256` in lower-case hex."""

    id: int
    key: str
    name: str
    size: int
    etag: str | None
    crc32: int | None
    sha256: str | None
    content_type: str
    owner: str
    created_at: datetime | None = None


async def next_id(connection: AsyncConnection) -> int:
    """A new id. It is used up even when no file comes of it."""
    return int((await connection.execute(select(func.nextval("stored_files_id_seq")))).scalar_one())


async def insert_file(connection: AsyncConnection, file: StoredFile) -> None:
    values = {
        "id": file.id,
        "key": file.key,
        "name": file.name,
        "size": file.size,
        "etag": file.etag,
        "crc32": file.crc32,
        "sha256": file.sha256,
        "content_type": file.content_type,
        "owner": file.owner,
    }
    await connection.execute(insert(stored_files), values)


async def find_files(connection: AsyncConnection, ids: Collection[int]) -> dict[int, StoredFile]:
    """Those of the ids that the catalogue has, in one query."""
    query = select(stored_files).where(stored_files.c.id == func.any(list(ids)))
    return {row["id"]: _file_of(row) for row in (await connection.execute(query)).mappings()}


async def list_files(
    connection: AsyncConnection, owner: str, search: str | None, after: int, limit: int
) -> list[StoredFile]:
    """The owner's files whose name contains `search`, by id, those after the cursor `after`."""
    query = select(stored_files).where(stored_files.c.owner == owner, stored_files.c.id > after)
    if search:
        query = query.where(stored_files.c.name.icontains(search, autoescape=True))
    query = query.order_by(stored_files.c.id).limit(limit)
    return [_file_of(row) for row in (await connection.execute(query)).mappings()]


def _file_of(row: Row) -> StoredFile:
    return StoredFile(**{name: row[name] for name in StoredFile.__slots__})
