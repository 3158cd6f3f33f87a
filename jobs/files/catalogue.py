"""The catalogue of files: which `file_id` is which object."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any
from unicodedata import normalize
from uuid import UUID

from sqlalchemy import RowMapping, insert, text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.files.states import GoneReason, Role, ScanState
from jobs.files.tables import BUCKET_BITS, stored_files
from jobs.files.visibility import FileReader, Visibility
from jobs.schema import quoted


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
    visibility: Visibility = Visibility.PUBLIC
    groups: tuple[str, ...] = ()
    """With which it is shared, if it is `shared`."""
    modified_at: datetime | None = None
    created_at: datetime | None = None
    job_id: UUID | None = None
    """The upload that it comes from. The rows of that job may have been deleted."""
    role: Role = Role.ORIGINAL
    parent_id: int | None = None
    """The file that it was made of."""
    scan: ScanState = ScanState.NONE
    available: bool = True
    """Whether it can be listed, fetched and bundled."""
    gone_at: datetime | None = None
    gone_reason: GoneReason | None = None

    @property
    def gone(self) -> str | None:
        """When and why it was removed, for people; None for a file that is not."""
        if self.gone_at is None:
            return None
        assert self.gone_reason is not None
        return f"it was {self.gone_reason.participle} on {self.gone_at:%Y-%m-%d}"


async def next_ids(database: Database, count: int) -> list[int]:
    """So many new ids. They are used up even if no file is added. Raises `DatabaseUnavailable`."""
    rows = await database.fetch("SELECT nextval('stored_files_id_seq') AS id FROM generate_series(1, $1::int)", count)
    return [row["id"] for row in rows]


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
        "visibility": file.visibility,
        "groups": list(file.groups),
        "modified_at": file.modified_at,
        "job_id": file.job_id,
        "role": file.role,
        "parent_id": file.parent_id,
        "scan": file.scan,
    }
    await connection.execute(insert(stored_files), values)


async def find_files(connection: AsyncConnection, ids: Collection[int]) -> dict[int, StoredFile]:
    """Those of the ids that the catalogue has, in one query."""
    rows = await fetch_within(connection, "SELECT * FROM stored_files WHERE id = ANY ($1::bigint[])", list(ids))
    return {row["id"]: stored_file_of(row) for row in rows}


async def mark_gone(connection: AsyncConnection, file_id: int, reason: GoneReason) -> None:
    """Removes a file from the catalogue, with those that were made of it. Rows stay and say why.

    Nothing happens if it is gone already.
    """
    await fetch_within(connection, _GONE, file_id, reason)
    # A statement of its own: it sees files that were added while the first one waited for its lock.
    await fetch_within(connection, _GONE_WITH_PARENT, [file_id])


_GONE = """
    UPDATE stored_files SET available = false, gone_at = clock_timestamp(), gone_reason = $2
    WHERE id = $1 AND gone_at IS NULL
"""


async def mark_derivatives_gone(connection: AsyncConnection, parent_ids: Collection[int]) -> None:
    """Removes what was made of files that are gone, in the transaction that removes these, for the same reason."""
    await fetch_within(connection, _GONE_WITH_PARENT, list(parent_ids))


_GONE_WITH_PARENT = """
    UPDATE stored_files AS f SET available = false, gone_at = parent.gone_at, gone_reason = parent.gone_reason
    FROM stored_files AS parent
    WHERE parent.id = ANY ($1::bigint[]) AND parent.gone_at IS NOT NULL AND f.parent_id = parent.id AND f.gone_at IS NULL
"""


async def lock_available(connection: AsyncConnection, file_id: int) -> bool:
    """Whether the file is available. It stays so until the transaction ends, so that files can be added to it."""
    query = "SELECT FROM stored_files WHERE id = $1 AND available FOR SHARE"
    return bool(await fetch_within(connection, query, file_id))


async def find_thumbnails(database: Database, ids: Collection[int]) -> dict[int, int]:
    """The thumbnails of those of the files that have one, or else their posters, as ids by the id of the file."""
    return {row["parent_id"]: row["id"] for row in await database.fetch(_THUMBNAILS, list(ids))}


_THUMBNAILS = f"""
    SELECT DISTINCT ON (parent_id) parent_id, id FROM stored_files
    WHERE parent_id = ANY ($1::bigint[]) AND role IN ({quoted([Role.THUMBNAIL, Role.POSTER])}) AND available
    ORDER BY parent_id, role = '{Role.THUMBNAIL}' DESC, id DESC
"""  # noqa: S608 - ours


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


async def list_files(
    database: Database,
    reader: FileReader | None,
    search: str | None,
    after: int,
    limit: int,
    *,
    role: Role | None = None,
    parent_id: int | None = None,
) -> list[StoredFile]:
    """The files whose name contains `search`, whatever its case, ordered by id, after the cursor `after`.

    Those that the reader may read (None: all), that have this role, and that were made of this file.
    """
    statements = _statements(role, everything=reader is None, of_parent=parent_id is not None)
    return await _list_files(database, statements, choice_of(reader, parent_id), search, after, limit)


def chosen_files(role: Role | None, first: int, *, everything: bool, of_parent: bool) -> str:
    """The condition for available files of a role, or any; that everybody may read, or as `FileReader.may_read` says; of a
    parent, or any. The first of its parameters, which `choice_of` returns, has the number `first`.
    """
    conditions = ["available"]
    if not everything:
        shared = f"visibility = 'shared' AND groups && ${first + 1}::text[]"
        conditions.append(f"(owner = ${first} OR visibility = 'public' OR {shared})")
    if role is not None:
        conditions.append(f"role = '{role}'")
    if of_parent:
        conditions.append(f"parent_id = ${first if everything else first + 2}")
    return " AND ".join(conditions)


def choice_of(reader: FileReader | None, parent_id: int | None) -> tuple[object, ...]:
    """The parameters of `chosen_files`."""
    owner = () if reader is None else (reader.owner, sorted(reader.groups))
    parent = () if parent_id is None else (parent_id,)
    return (*owner, *parent)


async def measure_files(database: Database) -> tuple[int, int]:
    """How many files can be fetched, and their size in bytes. It reads all rows. Raises `DatabaseUnavailable`."""
    [row] = await database.fetch(
        "SELECT count(*), coalesce(sum(size), 0)::bigint AS bytes FROM stored_files WHERE available"
    )
    return row["count"], row["bytes"]


async def ids_of_files(database: Database, search: str, limit: int) -> list[int]:
    """The ids of the first files, up to `limit`, whose name contains `search`, whatever its case."""
    return [file.id for file in await list_files(database, None, search, 0, limit)]


async def _list_files(
    database: Database, statements: _Statements, chosen: Sequence[object], search: str | None, after: int, limit: int
) -> list[StoredFile]:
    if not search:
        return stored_files_of(await database.fetch(statements.all, after, limit, *chosen))
    term = normalize("NFC", search)  # as `safe_name` does with names
    found = await database.fetch(statements.scan, after, limit, term, *chosen)
    buckets = 1
    while len(found) < limit and buckets <= MAX_BUCKETS:
        first = after >> BUCKET_BITS
        ids = list(range(first, first + buckets))
        found = await database.fetch(statements.search_buckets, after, limit, term, ids, *chosen)
        # As many that there are probably enough: no more rows are read than needed, however many files there are.
        buckets = 2 * buckets * limit // len(found) if found else MAX_BUCKETS + 1
    if len(found) < limit:
        found = await database.fetch(statements.search, after, limit, term, *chosen)
    return stored_files_of(found)


MAX_BUCKETS = 64
"""Buckets of ids that are searched at once; with more, all are searched."""


@dataclass(frozen=True, slots=True)
class _Statements:
    """The statements of lists, which differ in which files they choose."""

    all: str
    """Parameters: after, limit, and those of the choice: owner and groups of the reader, parent."""
    scan: str
    """What many names contain is found soon by reading the files in their order. Parameters: after, limit, term, choice."""
    search: str
    """The same with the index of names."""
    search_buckets: str
    """The same, among the buckets of ids that are the parameter after the term."""


@cache
def _statements(role: Role | None, *, everything: bool, of_parent: bool) -> _Statements:
    """Those for the files of a choice."""

    def chosen(first: int) -> str:
        return chosen_files(role, first, everything=everything, of_parent=of_parent)

    contains = "strpos(lower(name), lower($3)) > 0"

    def indexed(buckets: str, first: int) -> str:
        # MATERIALIZED: without it, PostgreSQL may read all files in the order of their ids.
        return f"""
            WITH found AS MATERIALIZED (
                SELECT * FROM stored_files
                WHERE {chosen(first)} AND id > $1
                    AND file_name_pieces(name) @@ file_name_query($3) AND {contains} {buckets}
            )
            SELECT * FROM found ORDER BY id LIMIT $2
        """  # noqa: S608 - ours

    return _Statements(
        all=f"SELECT * FROM stored_files WHERE {chosen(3)} AND id > $1 ORDER BY id LIMIT $2",  # noqa: S608 - ours
        scan=f"""
            SELECT * FROM (
                SELECT * FROM stored_files WHERE {chosen(4)} AND id > $1 ORDER BY id LIMIT 1000
            ) AS first
            WHERE {contains} ORDER BY id LIMIT $2
        """,  # noqa: S608 - ours
        search=indexed("", 4),
        search_buckets=indexed(f"AND ARRAY[id >> {BUCKET_BITS}] && $4::bigint[]", 5),
    )


def stored_files_of(rows: Iterable[Mapping[str, Any]]) -> list[StoredFile]:
    """The files of rows of the catalogue."""
    return [stored_file_of(row) for row in rows]


def stored_file_of(row: Mapping[str, Any] | RowMapping) -> StoredFile:
    values = {name: row[name] for name in StoredFile.__slots__}
    values |= {
        "visibility": Visibility(row["visibility"]),
        "groups": tuple(row["groups"]),
        "role": Role(row["role"]),
        "scan": ScanState(row["scan"]),
        "gone_reason": row["gone_reason"] and GoneReason(row["gone_reason"]),
    }
    return StoredFile(**values)
