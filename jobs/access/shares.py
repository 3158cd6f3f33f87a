"""Share links: who has one may download the result of one job, without an account. Of its secret the SHA-256 is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.access.revocations import revoke
from jobs.database import Database, fetch_within
from jobs.errors import JobNotFound

MAX_FAILURES = 5
"""Wrong passwords in a row, after which the next try has to wait for `FAILURE_PAUSE`."""
FAILURE_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """A share link as it may be listed. Times are UTC. `max_uses` None: any number."""

    id: str
    job_id: UUID
    created_by: str
    created_at: datetime
    expires_at: datetime
    max_uses: int | None
    uses: int
    has_password: bool


@dataclass(frozen=True, slots=True)
class FoundShare:
    """A share link that was just found by its secret, and what its password is compared with, None without one."""

    share: Share
    password_hash: bytes | None


async def add_share(
    database: Database,
    digest: bytes,
    *,
    share_id: str,
    job_id: UUID,
    created_by: str,
    lifetime: float,
    max_uses: int | None,
    password_hash: bytes | None,
) -> Share:
    """Adds a link to the result of a job, for `lifetime` seconds. Deletes those that have expired. Raises `JobNotFound`."""
    rows = await database.fetch(
        """
        WITH expired AS (DELETE FROM access_shares WHERE expires_at < statement_timestamp())
        INSERT INTO access_shares (id, hash, job_id, created_by, expires_at, max_uses, password_hash)
        SELECT $1::text, $2::bytea, id, $4::text, statement_timestamp() + $5::interval, $6::integer, $7::bytea
        FROM jobs WHERE id = $3
        RETURNING *
        """,
        share_id,
        digest,
        job_id,
        created_by,
        timedelta(seconds=lifetime),
        max_uses,
        password_hash,
    )
    if not rows:
        raise JobNotFound(f"There is no job {job_id}.")
    return _share_of(rows[0])


async def find_share(database: Database, digest: bytes, job_id: UUID) -> FoundShare | None:
    """The link to the result of this job with this SHA-256, unless it is revoked or expired."""
    rows = await database.fetch(
        """
        SELECT * FROM access_shares
        WHERE hash = $1 AND job_id = $2 AND revoked_at IS NULL AND expires_at > statement_timestamp()
        """,
        digest,
        job_id,
    )
    return FoundShare(_share_of(rows[0]), rows[0]["password_hash"]) if rows else None


async def count_attempt(database: Database, share_id: str) -> bool:
    """Counts a password as wrong, before it is compared. Returns False if so many were wrong that it has to wait.

    It is one statement, so that no more passwords are compared at the same time than one after another.
    """
    rows = await database.fetch(
        """
        UPDATE access_shares SET failures = failures + 1, failed_at = statement_timestamp()
        WHERE id = $1 AND (failures < $2 OR failed_at <= statement_timestamp() - $3::interval)
        RETURNING id
        """,
        share_id,
        MAX_FAILURES,
        FAILURE_PAUSE,
    )
    return bool(rows)


async def forget_failures(database: Database, share_id: str) -> None:
    """The password was right: passwords are counted from zero again."""
    await database.fetch("UPDATE access_shares SET failures = 0 WHERE id = $1", share_id)


async def use_share(database: Database, share_id: str, client: bytes, lifetime: float) -> bool:
    """Counts a use of a link. Returns False if it was used as often as it may be.

    All requests of one `client` within `lifetime` seconds are one use, so that a download can be resumed.
    """
    async with database.begin() as connection:
        found = await fetch_within(
            connection,
            """
            SELECT uses, max_uses FROM access_shares
            WHERE id = $1 AND revoked_at IS NULL AND expires_at > statement_timestamp() FOR UPDATE
            """,
            share_id,
        )
        if not found:
            return False
        if await _is_in_use(connection, share_id, client):
            return True
        if found[0]["max_uses"] is not None and found[0]["uses"] >= found[0]["max_uses"]:
            return False
        await fetch_within(
            connection,
            """
            WITH ended AS (
                    DELETE FROM access_share_uses WHERE share_id = $1 AND until < statement_timestamp() AND client <> $2
                ),
                counted AS (UPDATE access_shares SET uses = uses + 1 WHERE id = $1)
            INSERT INTO access_share_uses (share_id, client, until) VALUES ($1, $2, statement_timestamp() + $3)
            ON CONFLICT (share_id, client) DO UPDATE SET until = excluded.until
            """,
            share_id,
            client,
            timedelta(seconds=lifetime),
        )
    return True


async def _is_in_use(connection: AsyncConnection, share_id: str, client: bytes) -> bool:
    query = "SELECT 1 FROM access_share_uses WHERE share_id = $1 AND client = $2 AND until > statement_timestamp()"
    return bool(await fetch_within(connection, query, share_id, client))


async def list_shares(database: Database, job_id: UUID) -> list[Share]:
    """The links to the result of a job that can be used, latest first."""
    rows = await database.fetch(
        """
        SELECT * FROM access_shares WHERE job_id = $1 AND revoked_at IS NULL AND expires_at > statement_timestamp()
        ORDER BY created_at DESC, id
        """,
        job_id,
    )
    return [_share_of(row) for row in rows]


async def revoke_share(database: Database, job_id: UUID, share_id: str) -> bool:
    """Revokes a link. Returns False if the job has none of this id that can be used."""
    async with database.begin() as connection:
        found = await fetch_within(
            connection,
            """
            UPDATE access_shares SET revoked_at = statement_timestamp()
            WHERE id = $1 AND job_id = $2 AND revoked_at IS NULL RETURNING id
            """,
            share_id,
            job_id,
        )
        if found:
            await revoke(connection, [f"share_link:{share_id}"])
    return bool(found)


def _share_of(row: Mapping[str, Any]) -> Share:
    return Share(
        id=row["id"],
        job_id=row["job_id"],
        created_by=row["created_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        max_uses=row["max_uses"],
        uses=row["uses"],
        has_password=row["password_hash"] is not None,
    )
