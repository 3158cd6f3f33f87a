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


async def use_ticket(database: Database, digest: bytes) -> tuple[dict[str, Any], str | None] | None:
    """Uses up a ticket. Returns its principal, and the role that its user has now; None if it is unknown, used or expired.

    The role is None if the user has no row here.
    """
    rows = await database.fetch(
        """
        WITH used AS (
            DELETE FROM access_tickets WHERE hash = $1 AND expires_at > statement_timestamp() RETURNING principal
        )
        SELECT principal::text, role FROM used LEFT JOIN access_users ON name = principal ->> 'owner'
        """,
        digest,
    )
    return (json.loads(rows[0]["principal"]), rows[0]["role"]) if rows else None
