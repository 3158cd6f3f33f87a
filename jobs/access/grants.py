"""Grants in PostgreSQL: the public keys of the apps that sign them, and how many jobs were created with each grant."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.access.revocations import revoke
from jobs.database import Database, fetch_within
from jobs.errors import GrantExhausted

_COUNT = """
INSERT INTO access_grant_uses AS used (issuer, token_id, jobs, expires_at) VALUES ($1, $2, 1, $3)
ON CONFLICT (issuer, token_id) DO UPDATE SET jobs = used.jobs + 1 WHERE used.jobs < $4
RETURNING jobs
"""
_FORGET = """
DELETE FROM access_grant_uses WHERE ctid = ANY (ARRAY(
  SELECT ctid FROM access_grant_uses WHERE expires_at < now() - interval '1 hour' LIMIT 10 FOR UPDATE SKIP LOCKED
))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantKey:
    """A key of an app. `id` is the `kid`, `issuer` the `iss` of the grants that it signs; `public_key` is a JWK."""

    id: str
    issuer: str
    public_key: Mapping[str, Any]
    created_at: datetime
    revoked_at: datetime | None


async def add_key(database: Database, key_id: str, issuer: str, public_key: Mapping[str, Any]) -> None:
    """Registers a key: grants that it signs are accepted from now on."""
    query = "INSERT INTO access_grant_keys (id, issuer, public_key) VALUES ($1, $2, $3::jsonb)"
    await database.fetch(query, key_id, issuer, json.dumps(public_key))


async def list_keys(database: Database) -> list[GrantKey]:
    """All keys, also those that are revoked, oldest first."""
    rows = await database.fetch(
        "SELECT id, issuer, public_key::text, created_at, revoked_at FROM access_grant_keys ORDER BY created_at, id"
    )
    return [GrantKey(**{**row, "public_key": json.loads(row["public_key"])}) for row in rows]


async def revoke_key(database: Database, key_id: str) -> bool:
    """Revokes a key. Returns False if there is none of this id that is not revoked yet."""
    query = "UPDATE access_grant_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL RETURNING id"
    async with database.begin() as connection:
        found = await fetch_within(connection, query, key_id)
        if found:
            await revoke(connection, [f"grant_key:{key_id}"])
    return bool(found)


@dataclass(frozen=True, slots=True)
class GrantUse:
    """The use of a grant for a job: the token by its issuer and id, how many jobs it allows, and when it expires (UTC)."""

    issuer: str
    token_id: str
    limit: int
    expires_at: datetime


async def count_job(connection: AsyncConnection, use: GrantUse) -> None:
    """Counts a job in the transaction that creates it. Raises `GrantExhausted`.

    The row is locked until that transaction ends, so concurrent requests are counted one after another.
    """
    if not await fetch_within(connection, _COUNT, use.issuer, use.token_id, use.expires_at, use.limit):
        jobs = "one job" if use.limit == 1 else f"{use.limit} jobs"
        raise GrantExhausted(f"The grant allows {jobs}, which it was used for already. Get a new one from the app.")
    await fetch_within(connection, _FORGET)
