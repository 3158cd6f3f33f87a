"""API keys: a random value of 256 bits, shown once, of which the SHA-256 is kept."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.access.revocations import revoke
from jobs.database import Database, fetch_within

MAX_KEYS = 100
"""Valid keys of one user, at most: each is a row that anybody who has signed in can add."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it may be listed. Times are UTC; `expires_at` None: never."""

    id: str
    owner: str
    name: str
    scopes: frozenset[str]
    plan: str | None
    """Its plan; None: the owner's."""
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class ValidKey:
    """A key that was just verified, with its owner's role and groups, and the plan of the key or else of the owner."""

    key: Key
    role: str
    groups: frozenset[str]
    plan: str | None


async def add_key(
    database: Database,
    digest: bytes,
    *,
    key_id: str,
    owner: str,
    name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
    plan: str | None = None,
) -> Key | None:
    """Adds a key of a user that exists. None if the user has `MAX_KEYS` already."""
    rows = await database.fetch(
        """
        INSERT INTO access_keys (id, hash, owner, name, scopes, expires_at, plan)
        SELECT $1, $2, $3, $4, $5, $6, $7
        WHERE $8 > (
            SELECT count(*) FROM access_keys
            WHERE owner = $3 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > statement_timestamp())
        )
        RETURNING *
        """,
        key_id,
        digest,
        owner,
        name,
        sorted(scopes),
        expires_at,
        plan,
        MAX_KEYS,
    )
    return _key_of(rows[0]) if rows else None


async def find_key(database: Database, digest: bytes) -> ValidKey | None:
    """The key with this SHA-256, unless it is revoked or expired, or its owner disabled. Records that it was used."""
    rows = await database.fetch(_FIND, digest)
    if not rows:
        return None
    row = rows[0]
    return ValidKey(_key_of(row), row["role"], frozenset(row["groups"]), row["plan"] or row["owner_plan"])


_FIND = """
    WITH found AS (
        SELECT access_keys.*, role, groups, access_users.plan AS owner_plan
        FROM access_keys JOIN access_users ON access_users.name = owner
        WHERE hash = $1 AND revoked_at IS NULL
            AND (expires_at IS NULL OR expires_at > statement_timestamp())
    ), used AS (
        UPDATE access_keys SET used_at = statement_timestamp() FROM found
        WHERE access_keys.id = found.id
            AND (found.used_at IS NULL OR found.used_at < statement_timestamp() - interval '1 minute')
    )
    SELECT * FROM found
"""


async def list_keys(database: Database, owner: str | None = None) -> list[Key]:
    """The keys of one owner, or all, oldest first."""
    rows = await database.fetch(
        "SELECT * FROM access_keys WHERE $1::text IS NULL OR owner = $1 ORDER BY created_at, id", owner
    )
    return [_key_of(row) for row in rows]


async def revoke_key(database: Database, key_id: str, owner: str | None = None) -> bool:
    """Revokes a key, of this owner only unless None. False if there is none that is not revoked yet."""
    async with database.begin() as connection:
        found = await fetch_within(connection, _REVOKE, key_id, owner)
        if found:
            await revoke(connection, [f"key:{key_id}"])
    return bool(found)


_REVOKE = """
    UPDATE access_keys SET revoked_at = statement_timestamp()
    WHERE id = $1 AND revoked_at IS NULL AND ($2::text IS NULL OR owner = $2)
    RETURNING id
"""


def _key_of(row: Mapping[str, Any]) -> Key:
    return Key(
        id=row["id"],
        owner=row["owner"],
        name=row["name"],
        scopes=frozenset(row["scopes"]),
        plan=row["plan"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        used_at=row["used_at"],
    )
