"""Statements about workers: each signs every few seconds, so that it is seen without Redis, too."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database

FORGOTTEN = 3600
"""Seconds after which the sign of a worker that was killed is removed."""


async def sign(database: Database, name: str) -> None:
    """The worker is there."""
    await database.fetch(_SIGN, name)


async def leave(connection: AsyncConnection, name: str) -> None:
    """The worker takes no more jobs; with it go those that were killed long ago."""
    await connection.execute(_LEAVE, {"name": name, "forgotten": FORGOTTEN})


async def anyone(connection: AsyncConnection, within: float) -> bool:
    """Whether a worker has signed in the last `within` seconds."""
    return bool((await connection.execute(_ANYONE, {"within": within})).scalar_one())


_SIGN = """
    INSERT INTO workers (name, seen_at) VALUES ($1, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at
"""

_LEAVE = text("DELETE FROM workers WHERE name = :name OR seen_at < now() - make_interval(secs => :forgotten)")

_ANYONE = text("SELECT EXISTS (SELECT FROM workers WHERE seen_at > now() - make_interval(secs => :within))")
