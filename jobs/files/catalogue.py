"""The catalogue of files: which `file_id` is which object."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unicodedata import normalize

from sqlalchemy import RowMapping, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.files.tables import BUCKET_BITS, stored_files


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A row of the catalogue. Size in bytes, `sha256` in lower-case hex; `etag` is of the object with these checksums.

    `modified_at`: when the content was last changed, if that is known; `created_at`: when the row was added.
    """

    id: int
    key: str
    name: str
    size: int
    etag: str | None
    crc32: int | None
    sha256: str | None
    content_type: str
    owner: str
    modified_at: datetime | None = None
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
        "modified_at": file.modified_at,
    }
    await connection.execute(insert(stored_files), values)


async def find_files(connection: AsyncConnection, ids: Collection[int]) -> dict[int, StoredFile]:
    """Those of the ids that the catalogue has, in one query."""
    rows = await fetch_within(connection, "SELECT * FROM stored_files WHERE id = ANY ($1::bigint[])", list(ids))
    return {row["id"]: _stored_file(row) for row in rows}


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
    """The owner's files whose name contains `search`, whatever its case, ordered by id, after the cursor `after`."""
    if not search:
        return _stored_files(await database.fetch(_LIST, owner, after, limit))
    term = normalize("NFC", search)  # as `safe_name` does with names
    found = await database.fetch(_SCAN, owner, after, limit, term)
    buckets = 1
    while len(found) < limit and buckets <= MAX_BUCKETS:
        first = after >> BUCKET_BITS
        found = await database.fetch(_SEARCH_BUCKETS, owner, after, limit, term, list(range(first, first + buckets)))
        # As many that there are probably enough: no more rows are read than needed, however many files there are.
        buckets = 2 * buckets * limit // len(found) if found else MAX_BUCKETS + 1
    if len(found) < limit:
        found = await database.fetch(_SEARCH, owner, after, limit, term)
    return _stored_files(found)


MAX_BUCKETS = 64
"""Buckets of ids that are searched at once; with more, all are searched."""

_LIST = "SELECT * FROM stored_files WHERE owner = $1 AND id > $2 ORDER BY id LIMIT $3"

_CONTAINS = "strpos(lower(name), lower($4)) > 0"

_SCAN = f"""
    SELECT * FROM (
        SELECT * FROM stored_files WHERE owner = $1 AND id > $2 ORDER BY id LIMIT 1000
    ) AS first
    WHERE {_CONTAINS} ORDER BY id LIMIT $3
"""  # noqa: S608 - ours
"""What many names contain is found soon by reading the files in their order."""

_INDEXED = f"""
    WITH found AS MATERIALIZED (
        SELECT * FROM stored_files
        WHERE owner = $1 AND id > $2 AND file_name_pieces(name) @@ file_name_query($4) AND {_CONTAINS} {{buckets}}
    )
    SELECT * FROM found ORDER BY id LIMIT $3
"""  # noqa: S608 - ours
"""MATERIALIZED: without it, PostgreSQL may read all files in the order of their ids."""

_SEARCH = _INDEXED.format(buckets="")
_SEARCH_BUCKETS = _INDEXED.format(buckets=f"AND ARRAY[id >> {BUCKET_BITS}] && $5::bigint[]")


def _stored_files(rows: Iterable[Mapping[str, Any]]) -> list[StoredFile]:
    return [_stored_file(row) for row in rows]


def _stored_file(row: Mapping[str, Any] | RowMapping) -> StoredFile:
    return StoredFile(**{name: row[name] for name in StoredFile.__slots__})
