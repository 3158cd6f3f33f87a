"""Statements about workers: their heartbeats show that they are running, without Redis."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database

STALE = 3600
"""Seconds after its last heartbeat until the row of a worker that was killed is deleted."""


async def record_heartbeat(database: Database, name: str) -> None:
    """Records that the worker is running."""
    await database.fetch(_RECORD, name)


async def remove_worker(connection: AsyncConnection, name: str) -> None:
    """Deletes the worker, which stops, and those that were killed long ago."""
    await connection.execute(_REMOVE, {"name": name, "stale": STALE})


async def any_worker_since(connection: AsyncConnection, within: float) -> bool:
    """Returns True if a worker had a heartbeat in the last `within` seconds."""
    return bool((await connection.execute(_ANY, {"within": within})).scalar_one())


_RECORD = """
    INSERT INTO workers (name, seen_at) VALUES ($1, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at
"""

_REMOVE = text("DELETE FROM workers WHERE name = :name OR seen_at < now() - make_interval(secs => :stale)")

_ANY = text("SELECT EXISTS (SELECT FROM workers WHERE seen_at > now() - make_interval(secs => :within))")
