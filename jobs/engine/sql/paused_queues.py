"""Paused queues: the kinds of which no job is claimed.

**The promise:** once `pause_queue` has committed, no claim of a job of the kind commits until the queue is resumed. A claim
locks the kind in shared mode (`CLAIM_LOCK`) and, by a later statement, checks that it is not paused (`NOT_PAUSED`). A pause
locks it exclusively: it waits for the claims that have begun, and those that begin afterwards see its row. One statement
would not do: it sees what was committed before it began, not before it got the lock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.engine.sql.tables import paused_queues
from jobs.kinds import Kind

_LOCKS = 0x6861_756C
"""The first key of the advisory locks of kinds."""
CLAIM_LOCK = f"pg_advisory_xact_lock_shared({_LOCKS}, hashtext(jobs.kind))"
"""SQL: keeps the kind of a job from being paused until the transaction ends."""
IS_PAUSED = "EXISTS (SELECT FROM paused_queues WHERE paused_queues.kind = jobs.kind)"
"""SQL: whether the kind of a job is paused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A paused queue. The time is UTC, from the database's clock."""

    kind: Kind
    paused_at: datetime
    paused_by: str
    reason: str | None


def is_paused(kind: Kind | ColumnElement[str]) -> ColumnElement[bool]:
    """The condition that a kind is paused."""
    return exists(select(paused_queues.c.kind).where(paused_queues.c.kind == kind))


async def pause_queue(connection: AsyncConnection, kind: Kind, user: str, reason: str | None) -> Pause:
    """Pauses the queue. One that is paused already stays as it is. It waits for claims that have begun."""
    await fetch_within(connection, "SELECT pg_advisory_xact_lock($1, hashtext($2))", _LOCKS, kind)
    [row] = await fetch_within(connection, _PAUSE, kind, user, reason)
    return _pause_of(row)


_PAUSE = """
    INSERT INTO paused_queues AS paused (kind, paused_at, paused_by, reason) VALUES ($1, clock_timestamp(), $2, $3)
    ON CONFLICT (kind) DO UPDATE SET kind = paused.kind
    RETURNING *
"""


async def resume_queue(connection: AsyncConnection, kind: Kind) -> None:
    """Resumes the queue, if it is paused."""
    await fetch_within(connection, "DELETE FROM paused_queues WHERE kind = $1", kind)


async def list_paused(database: Database) -> dict[Kind, Pause]:
    """The queues that are paused. Raises `DatabaseUnavailable`."""
    return {Kind(row["kind"]): _pause_of(row) for row in await database.fetch("SELECT * FROM paused_queues")}


async def paused_for_long(database: Database, seconds: float) -> list[Pause]:
    """The queues that were paused longer ago, and in which jobs wait. Raises `DatabaseUnavailable`."""
    return [_pause_of(row) for row in await database.fetch(_FOR_LONG, seconds)]


_FOR_LONG = """
    SELECT * FROM paused_queues AS paused
    WHERE paused_at < statement_timestamp() - make_interval(secs => $1)
    AND EXISTS (SELECT FROM jobs WHERE jobs.kind = paused.kind AND status IN ('queued', 'retrying'))
    ORDER BY kind
"""


def _pause_of(row: Mapping[str, Any]) -> Pause:
    return Pause(kind=Kind(row["kind"]), paused_at=row["paused_at"], paused_by=row["paused_by"], reason=row["reason"])
