"""Statements about uploads whose bytes are streamed: who writes, and what has arrived."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.uploads.uploads import Part, TailPiece


async def claim_writer(connection: AsyncConnection, job_id: UUID, writer: UUID, seconds: float) -> bool:
    """Makes the request the writer of the upload for so long. False while another one is."""
    return bool(await fetch_within(connection, _CLAIM, job_id, writer, seconds))


_CLAIM = """
    UPDATE upload_jobs SET writer = $2, writer_until = statement_timestamp() + $3 * interval '1 second'
    WHERE job_id = $1 AND (writer_until IS NULL OR writer_until < statement_timestamp()) RETURNING job_id
"""


async def renew_writer(connection: AsyncConnection, job_id: UUID, writer: UUID, seconds: float) -> bool:
    """Prolongs the writer's time, even if it is over.

    False if another request has become the writer since, or the upload is not receiving any more.
    """
    return bool(await fetch_within(connection, _RENEW, job_id, writer, seconds))


_RENEW = """
    UPDATE upload_jobs SET writer_until = statement_timestamp() + $3 * interval '1 second'
    WHERE job_id = $1 AND writer = $2 AND EXISTS (SELECT FROM jobs WHERE id = $1 AND status = 'receiving')
    RETURNING job_id
"""


async def release_writer(database: Database, job_id: UUID, writer: UUID) -> None:
    """Lets the next request write."""
    await database.fetch("UPDATE upload_jobs SET writer_until = NULL WHERE job_id = $1 AND writer = $2", job_id, writer)


async def count_parts(connection: AsyncConnection, job_id: UUID) -> int:
    """How many parts have arrived without a gap, from the first on."""
    return int((await fetch_within(connection, _COUNT, job_id))[0]["count"])


_COUNT = """
    SELECT count(*) FROM (
        SELECT number, row_number() OVER (ORDER BY number) AS place FROM signed_parts WHERE job_id = $1 AND sent
    ) AS arrived WHERE number = place
"""


async def load_tail(connection: AsyncConnection, job_id: UUID, start: int) -> list[TailPiece]:
    """The pieces that follow each other from the byte `start` on, which is the end of the complete parts."""
    query = "SELECT start, size, crc32, key, etag FROM tail_pieces WHERE job_id = $1 AND start >= $2 ORDER BY start"
    tail: list[TailPiece] = []
    for row in await fetch_within(connection, query, job_id, start):
        if row["start"] != (tail[-1].stop if tail else start):
            break
        tail.append(TailPiece(**row))
    return tail


async def save_parts(connection: AsyncConnection, job_id: UUID, parts: Sequence[Part]) -> None:
    """Records parts that the store has."""
    numbers, crcs = [part.number for part in parts], [part.crc32 for part in parts]
    await fetch_within(connection, _SAVE, job_id, numbers, crcs, [part.etag for part in parts])


_SAVE = """
    INSERT INTO signed_parts (job_id, number, crc32, sent, etag)
    SELECT $1::uuid, number, crc32, true, etag FROM unnest($2::int[], $3::bigint[], $4::text[]) AS p (number, crc32, etag)
    ON CONFLICT (job_id, number) DO UPDATE SET crc32 = excluded.crc32, sent = true, etag = excluded.etag
"""


async def add_pieces(connection: AsyncConnection, job_id: UUID, pieces: Sequence[TailPiece]) -> None:
    starts, sizes = [piece.start for piece in pieces], [piece.size for piece in pieces]
    crcs, keys = [piece.crc32 for piece in pieces], [piece.key for piece in pieces]
    await fetch_within(connection, _ADD, job_id, starts, sizes, crcs, keys, [piece.etag for piece in pieces])


_ADD = """
    INSERT INTO tail_pieces (job_id, start, size, crc32, key, etag)
    SELECT $1::uuid, start, size, crc32, key, etag
    FROM unnest($2::bigint[], $3::int[], $4::bigint[], $5::text[], $6::text[]) AS p (start, size, crc32, key, etag)
    ON CONFLICT (job_id, start) DO UPDATE
    SET size = excluded.size, crc32 = excluded.crc32, key = excluded.key, etag = excluded.etag
"""


async def delete_pieces(connection: AsyncConnection, job_id: UUID, keys: Collection[str]) -> None:
    """Forgets pieces with these keys."""
    query = "DELETE FROM tail_pieces WHERE job_id = $1 AND key = ANY ($2::text[])"
    await fetch_within(connection, query, job_id, list(keys))


async def sum_tail(connection: AsyncConnection, job_id: UUID) -> int:
    """The bytes of all pieces."""
    query = "SELECT coalesce(sum(size), 0)::bigint AS total FROM tail_pieces WHERE job_id = $1"
    return int((await fetch_within(connection, query, job_id))[0]["total"])


async def save_size(connection: AsyncConnection, job_id: UUID, size: int, *, known: bool) -> None:
    """Writes the size of an upload that was not known: what has arrived, or what it has turned out to be."""
    query = "UPDATE upload_jobs SET size = $2, size_known = $3 WHERE job_id = $1 AND NOT size_known"
    await fetch_within(connection, query, job_id, size, known)
