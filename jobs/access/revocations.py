"""Revocations: what ends credentials before they expire. PostgreSQL has them; gateways read what is new every two seconds.

A message through Redis only makes them read at once. So an emptied Redis revives nothing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within

KEPT = 24 * 3600.0
"""Seconds for which the revocation of a credential is kept whose own row says it, too: for open streams and verdicts."""
OVERLAP = timedelta(seconds=60)
"""What is read again each time: a transaction may commit after one that began later."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """`revoked`: a kind of credential and its public id, or `user:` and a name, whose earlier credentials all end.

    Changes are recorded in the same way: `changed_id`, `restored_id` and `ADOPTED` of `jobs.access.users`.
    """

    number: int
    revoked: str
    at: datetime
    until: datetime
    """When no credential that it concerns can be valid any more."""


async def revoke(connection: AsyncConnection, ids: Collection[str], lifetime: float = KEPT) -> None:
    """Records revocations for `lifetime` seconds, and deletes those that concern nothing any more."""
    await fetch_within(connection, _REVOKE, list(ids), timedelta(seconds=lifetime))


_REVOKE = """
    WITH expired AS (DELETE FROM access_revocations WHERE until < statement_timestamp())
    INSERT INTO access_revocations (revoked, at, until)
    SELECT revoked, statement_timestamp(), statement_timestamp() + $2::interval FROM unnest($1::text[]) AS revoked
"""


async def read_revocations(database: Database, since: datetime | None) -> list[Revocation]:
    """The revocations that count, those of the time after `since` and of `OVERLAP` before it; None: all."""
    after = None if since is None else since - OVERLAP
    rows = await database.fetch(_READ, after)
    return [Revocation(row["number"], row["revoked"], row["at"], row["until"]) for row in rows]


_READ = """
    SELECT number, revoked, at, until FROM access_revocations
    WHERE until > statement_timestamp() AND ($1::timestamptz IS NULL OR at > $1)
    ORDER BY number
"""
