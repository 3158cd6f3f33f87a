"""Statements about files of the catalogue that were uploaded: objects that several of them share, and their end.

An object is *shared* by the files with its key, all of one owner and with one SHA-256. A file may begin to share one only
in a transaction that locks a file which is available and has it (`lock_same_content`). So once no file that is available
has an object, none will, and it may be removed without a lock.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import fetch_within
from jobs.files.catalogue import StoredFile, mark_derivatives_gone
from jobs.files.texts import delete_texts


@dataclass(frozen=True, slots=True)
class SharedObject:
    """An object of the store with the content of a file. `etag` in quotes."""

    key: str
    etag: str


async def find_same_content(connection: AsyncConnection, file: StoredFile, limit: int) -> list[SharedObject]:
    """The objects of uploaded files of the same owner with the same SHA-256, which must be known."""
    query = f"SELECT DISTINCT key, etag {_SAME} LIMIT $5"
    rows = await fetch_within(connection, query, file.owner, file.sha256, file.size, file.crc32, limit)
    return [SharedObject(**row) for row in rows]


async def lock_same_content(
    connection: AsyncConnection, file: StoredFile, broken: Collection[str]
) -> SharedObject | None:
    """One of these objects whose key is not in `broken`. A file that has it stays available until the transaction ends.

    Transactions that add files with the same content do so one after another, so that the second finds the first one's.
    """
    name = f"content\x1f{file.owner}\x1f{file.sha256}"
    await fetch_within(connection, "SELECT pg_advisory_xact_lock(hashtextextended($1, 2))", name)
    query = f"SELECT key, etag {_SAME} AND key <> ALL ($5::text[]) ORDER BY id LIMIT 1 FOR SHARE"
    rows = await fetch_within(connection, query, file.owner, file.sha256, file.size, file.crc32, list(broken))
    return SharedObject(**rows[0]) if rows else None


_SAME = """
    FROM stored_files
    WHERE job_id IS NOT NULL AND available AND owner = $1 AND sha256 = $2 AND size = $3 AND crc32 = $4
        AND etag IS NOT NULL
"""


async def expire_files(connection: AsyncConnection, before: datetime, now: datetime, limit: int) -> list[int]:
    """Removes files that were uploaded `before` this time from the catalogue, the oldest first. Returns their ids.

    What was made of them goes with them. A file that is in use stays, and so does one that was not uploaded.
    """
    expired = [row["id"] for row in await fetch_within(connection, _EXPIRE, before, now, limit)]
    await mark_derivatives_gone(connection, expired)
    return expired


_PINNED = """
    pinned AS MATERIALIZED (
        SELECT DISTINCT file_id FROM jobs JOIN file_records ON job_id = jobs.id
        WHERE status = 'processing' AND kind = 'download'
    )
"""
"""The files of downloads that workers hold: one that is resolved is pinned, one that is not yet may be so soon."""


def _in_use(file: str) -> str:
    """A running download has pinned the file, or its object is the result of a download that has not expired."""
    return f"""
    (
        {file}.id IN (SELECT file_id FROM pinned)
        OR EXISTS (
            SELECT FROM download_jobs AS d JOIN jobs ON jobs.id = d.job_id
            WHERE d.result_kind = 'object' AND d.result_key = {file}.key AND jobs.status = 'completed'
        )
    )
    """  # noqa: S608 - ours


_EXPIRE = f"""
    WITH {_PINNED},
    expired AS (
        SELECT id FROM stored_files AS f
        WHERE job_id IS NOT NULL AND parent_id IS NULL AND available AND created_at < $1 AND NOT {_in_use("f")}
        ORDER BY created_at LIMIT $3 FOR UPDATE SKIP LOCKED
    )
    UPDATE stored_files AS f SET available = false, gone_at = $2, gone_reason = 'retention'
    FROM expired WHERE f.id = expired.id
    RETURNING f.id
"""  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class GoneFile:
    """A file that is gone. `is_last`: no other one needs its object."""

    id: int
    key: str
    is_last: bool


async def find_gone_objects(connection: AsyncConnection, before: datetime, limit: int) -> list[GoneFile]:
    """Files that are gone since `before` this time, and whose objects were not removed yet.

    One that retention has removed is left out while it is in use: a download may have pinned it at the same time. Then
    it needs its object, too.
    """
    return [GoneFile(**row) for row in await fetch_within(connection, _GONE_OBJECTS, before, limit)]


_GONE_OBJECTS = f"""
    WITH {_PINNED}
    SELECT id, key, NOT EXISTS (
        SELECT FROM stored_files AS other
        WHERE other.key = f.key AND other.object_removed_at IS NULL AND (
            other.gone_at IS NULL OR other.gone_at >= $1 OR (other.gone_reason = 'retention' AND {_in_use("other")})
        )
    ) AS is_last
    FROM stored_files AS f
    WHERE gone_at < $1 AND object_removed_at IS NULL AND NOT (gone_reason = 'retention' AND {_in_use("f")})
    ORDER BY gone_at LIMIT $2
"""  # noqa: S608 - ours


async def record_removed(connection: AsyncConnection, ids: Collection[int]) -> None:
    """Records that files which are gone have no object any more. Their texts are not indexed any more either."""
    query = "UPDATE stored_files SET object_removed_at = clock_timestamp() WHERE id = ANY ($1::bigint[])"
    await fetch_within(connection, query, list(ids))
    await delete_texts(connection, ids)


async def find_key(connection: AsyncConnection, file_id: int) -> str | None:
    """The key of a file's object, also of one that is gone."""
    rows = await fetch_within(connection, "SELECT key FROM stored_files WHERE id = $1", file_id)
    return rows[0]["key"] if rows else None
