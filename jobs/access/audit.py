"""The audit log: who did what, to which job, from where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """`proof`: kind and public id of the credential. `action`: the name of the operation. `subject`: what it concerned."""

    actor: str
    proof: str
    action: str
    subject: str | None = None
    address: str | None = None
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    number: int
    at: datetime
    action: Action


async def record(database: Database, one: Action) -> None:
    """Adds an entry. Raises `DatabaseUnavailable`."""
    await database.fetch(_RECORD, *astuple(one))


async def record_within(connection: AsyncConnection, one: Action) -> None:
    """Adds an entry in the transaction that does what it says."""
    await fetch_within(connection, _RECORD, *astuple(one))


_RECORD = (
    "INSERT INTO access_audit (actor, proof, action, subject, address, request_id) VALUES ($1, $2, $3, $4, $5, $6)"
)


KEPT = timedelta(days=365)
"""How long entries are kept."""
BATCH = 1_000
"""Entries that are deleted with one statement."""


async def delete_old_entries(database: Database) -> int:
    """Deletes a batch of entries that are older than `KEPT`. Returns how many: fewer than `BATCH` if no more are left."""
    rows = await database.fetch(
        """
        DELETE FROM access_audit WHERE number IN (
            SELECT number FROM (SELECT number, at FROM access_audit ORDER BY number LIMIT $1) AS oldest
            WHERE at < statement_timestamp() - $2::interval
        )
        RETURNING number
        """,
        BATCH,
        KEPT,
    )
    return len(rows)


async def list_entries(database: Database, actor: str | None, before: int | None, limit: int) -> list[AuditEntry]:
    """The latest entries first, those of one actor or all, before the number `before`."""
    rows = await database.fetch(
        """
        SELECT * FROM access_audit WHERE ($1::text IS NULL OR actor = $1) AND ($2::bigint IS NULL OR number < $2)
        ORDER BY number DESC LIMIT $3
        """,
        actor,
        before,
        limit,
    )
    return [AuditEntry(row["number"], row["at"], _action_of(row)) for row in rows]


def _action_of(row: Mapping[str, Any]) -> Action:
    return Action(**{name: row[name] for name in Action.__slots__})
