"""Tickets: one connection of a page of another origin, whose cookies do not reach this one."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from jobs.database import Database


async def add_ticket(database: Database, digest: bytes, principal: dict[str, Any], lifetime: float) -> None:
    """Adds a ticket that stands for the principal, once, within `lifetime` seconds. Deletes those that have expired."""
    await database.fetch(
        """
        WITH expired AS (DELETE FROM access_tickets WHERE expires_at < statement_timestamp())
        INSERT INTO access_tickets (hash, principal, expires_at) VALUES ($1, $2::jsonb, statement_timestamp() + $3)
        """,
        digest,
        json.dumps(principal),
        timedelta(seconds=lifetime),
    )


async def use_ticket(database: Database, digest: bytes) -> dict[str, Any] | None:
    """Uses up a ticket. Returns its principal; None if it is unknown, used or expired."""
    rows = await database.fetch(
        "DELETE FROM access_tickets WHERE hash = $1 AND expires_at > statement_timestamp() RETURNING principal::text",
        digest,
    )
    return json.loads(rows[0]["principal"]) if rows else None
