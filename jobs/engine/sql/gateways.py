"""Statements about gateways: their heartbeats show operators how many are running."""

from __future__ import annotations

from datetime import datetime

from jobs.database import Database
from jobs.engine.sql.workers import STALE


async def record_gateway(database: Database, name: str, started_at: datetime) -> None:
    """Records that the gateway is running, and deletes those that vanished long ago. Raises `DatabaseUnavailable`."""
    await database.fetch(_RECORD, name, started_at, STALE)


async def remove_gateway(database: Database, name: str) -> None:
    """Deletes the gateway, which stops. Raises `DatabaseUnavailable`."""
    await database.fetch("DELETE FROM gateways WHERE name = $1", name)


_RECORD = """
    WITH gone AS (
        DELETE FROM gateways WHERE seen_at < statement_timestamp() - make_interval(secs => $3) AND name <> $1
    )
    INSERT INTO gateways (name, started_at, seen_at) VALUES ($1, $2, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at
"""
