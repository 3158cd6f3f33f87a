"""The catalogue of files: which `file_id` is which object."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database
from jobs.files.tables import stored_files


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A row of the catalogue. Size in bytes, `sha256` in lower-case hex; `etag` is of the object with these checksums."""

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
    """A new id. It is used up even if no file is added."""
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
    return {row["id"]: _stored_file(row) for row in (await connection.execute(query)).mappings()}


async def update_checksums(connection: AsyncConnection, changes: Sequence[tuple[StoredFile, StoredFile]]) -> set[int]:
    """Updates CRC-32 and ETag of files, given as pairs of the row as it was read and as it should be.

    Returns the ids of the updated rows. A row that has changed since it was read is not updated.
    """
    rows = await connection.execute(
        _UPDATE,
        {
            "id": [after.id for _, after in changes],
            "crc32": [after.crc32 for _, after in changes],
            "etag": [after.etag for _, after in changes],
            "crc32_before": [before.crc32 for before, _ in changes],
            "etag_before": [before.etag for before, _ in changes],
        },
    )
    return set(rows.scalars())


_UPDATE = text(
    """
    UPDATE stored_files AS f
    SET crc32 = n.crc32, etag = n.etag
    FROM unnest(
        CAST(:id AS bigint[]), CAST(:crc32 AS bigint[]), CAST(:etag AS text[]),
        CAST(:crc32_before AS bigint[]), CAST(:etag_before AS text[])
    ) AS n (id, crc32, etag, crc32_before, etag_before)
    WHERE f.id = n.id AND f.crc32 IS NOT DISTINCT FROM n.crc32_before AND f.etag IS NOT DISTINCT FROM n.etag_before
    RETURNING f.id
    """
)


async def list_files(database: Database, owner: str, search: str | None, after: int, limit: int) -> list[StoredFile]:
    """The owner's files whose name contains `search`, ordered by id, after the cursor `after`."""
    query = select(stored_files).where(stored_files.c.owner == owner, stored_files.c.id > after)
    if search:
        query = query.where(stored_files.c.name.icontains(search, autoescape=True))
    query = query.order_by(stored_files.c.id).limit(limit)
    async with database.reading() as connection:
        return [_stored_file(row) for row in (await connection.execute(query)).mappings()]


def _stored_file(row: RowMapping) -> StoredFile:
    return StoredFile(**{name: row[name] for name in StoredFile.__slots__})
