"""Sessions of the web page, and the one-time links that open them. Of their secrets the SHA-256 is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobs.access.revocations import revoke
from jobs.database import Database, fetch_within


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A session as it may be listed. Times are UTC."""

    id: str
    owner: str
    how: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    user_agent: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class ValidSession:
    """A session that was just verified, with its owner's role, groups and plan."""

    session: Session
    role: str
    groups: frozenset[str]
    plan: str | None


async def add_sign_in_link(database: Database, digest: bytes, owner: str, lifetime: float) -> None:
    """Adds a link that signs in a user, once, within `lifetime` seconds. Deletes those that have expired."""
    await database.fetch(
        """
        WITH expired AS (DELETE FROM access_sign_in_links WHERE expires_at < statement_timestamp())
        INSERT INTO access_sign_in_links (hash, owner, expires_at) VALUES ($1, $2, statement_timestamp() + $3)
        """,
        digest,
        owner,
        timedelta(seconds=lifetime),
    )


async def use_sign_in_link(database: Database, digest: bytes) -> str | None:
    """Uses up a link. Returns the user that it signs in; None if it is unknown, used or expired."""
    rows = await database.fetch(
        """
        DELETE FROM access_sign_in_links USING access_users
        WHERE hash = $1 AND name = owner AND expires_at > statement_timestamp()
        RETURNING owner
        """,
        digest,
    )
    return rows[0]["owner"] if rows else None


async def open_session(
    database: Database,
    digest: bytes,
    *,
    session_id: str,
    owner: str,
    how: str,
    lifetime: float,
    user_agent: str | None,
    address: str | None,
) -> None:
    """Adds a session of a user that exists, for `lifetime` seconds. Deletes those that have expired."""
    await database.fetch(
        """
        WITH expired AS (DELETE FROM access_sessions WHERE expires_at < statement_timestamp())
        INSERT INTO access_sessions (id, hash, owner, how, expires_at, user_agent, address)
        VALUES ($1, $2, $3, $4, statement_timestamp() + $5, $6, $7)
        """,
        session_id,
        digest,
        owner,
        how,
        timedelta(seconds=lifetime),
        None if user_agent is None else user_agent[:200],
        address,
    )


async def find_session(database: Database, digest: bytes, idle: float) -> ValidSession | None:
    """The session with this SHA-256, unless it is revoked, expired, or was not used for `idle` seconds.

    Records that it was used, at most once a minute.
    """
    rows = await database.fetch(_FIND, digest, timedelta(seconds=idle))
    if not rows:
        return None
    row = rows[0]
    return ValidSession(_session_of(row), row["role"], frozenset(row["groups"]), row["plan"])


_FIND = """
    WITH found AS (
        SELECT access_sessions.*, role, groups, plan FROM access_sessions JOIN access_users ON access_users.name = owner
        WHERE hash = $1 AND revoked_at IS NULL
            AND expires_at > statement_timestamp() AND seen_at > statement_timestamp() - $2::interval
    ), used AS (
        UPDATE access_sessions SET seen_at = statement_timestamp() FROM found
        WHERE access_sessions.id = found.id
            AND found.seen_at < statement_timestamp() - least(interval '1 minute', $2::interval / 2)
    )
    SELECT * FROM found
"""


async def list_sessions(database: Database, owner: str | None, idle: float) -> list[Session]:
    """The sessions of one owner, or all, that are open, the latest first."""
    rows = await database.fetch(
        """
        SELECT * FROM access_sessions
        WHERE ($1::text IS NULL OR owner = $1) AND revoked_at IS NULL
            AND expires_at > statement_timestamp() AND seen_at > statement_timestamp() - $2::interval
        ORDER BY created_at DESC, id
        """,
        owner,
        timedelta(seconds=idle),
    )
    return [_session_of(row) for row in rows]


async def revoke_session(database: Database, session_id: str, owner: str | None = None) -> bool:
    """Ends a session, of this owner only unless None. False if there is none that is open."""
    async with database.begin() as connection:
        found = await fetch_within(
            connection,
            """
            UPDATE access_sessions SET revoked_at = statement_timestamp()
            WHERE id = $1 AND revoked_at IS NULL AND ($2::text IS NULL OR owner = $2) RETURNING id
            """,
            session_id,
            owner,
        )
        if found:
            await revoke(connection, [f"session:{session_id}"])
    return bool(found)


def _session_of(row: Mapping[str, Any]) -> Session:
    return Session(
        id=row["id"],
        owner=row["owner"],
        how=row["how"],
        created_at=row["created_at"],
        seen_at=row["seen_at"],
        expires_at=row["expires_at"],
        user_agent=row["user_agent"],
        address=row["address"],
    )
