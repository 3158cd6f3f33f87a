"""Statements about workers: their heartbeats show that they are running, and which kinds of jobs, without Redis."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.kinds import Kind

STALE = 3600
"""Seconds after its last heartbeat until the row of a worker that was killed is deleted."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What operators want of a worker."""

    draining: bool
    """It is to claim nothing, and to finish or release what it runs."""
    paused: frozenset[Kind]
    """The kinds of which no worker may claim a job."""


async def record_heartbeat(database: Database, name: str, slots: Mapping[Kind, int], started_at: datetime) -> Orders:
    """Records that the worker is running, and the kinds of jobs that it runs, with how many of each at once.

    Returns what operators want of it.
    """
    [row] = await database.fetch(_RECORD, name, list(slots), started_at, json.dumps(slots))
    return Orders(row["draining"], frozenset(map(Kind, row["paused"])))


async def set_draining(connection: AsyncConnection, name: str, within: float, *, draining: bool) -> bool:
    """Records whether a worker is to drain. Returns False if none of this name had a heartbeat in `within` seconds."""
    return bool(await fetch_within(connection, _DRAIN, name, within, draining))


async def remove_worker(connection: AsyncConnection, name: str) -> None:
    """Deletes the worker, which stops, and those that were killed long ago."""
    await connection.execute(_REMOVE, {"name": name, "stale": STALE})


async def any_worker_since(connection: AsyncConnection, within: float) -> bool:
    """Returns True if a worker had a heartbeat in the last `within` seconds."""
    return bool((await connection.execute(_ANY, {"within": within})).scalar_one())


async def kinds_without_worker(database: Database, within: float) -> list[Kind]:
    """The kinds of which jobs wait, while no worker that runs them had a heartbeat in the last `within` seconds.

    One that drains runs none.
    """
    return [Kind(row["kind"]) for row in await database.fetch(_WITHOUT_WORKER, list(Kind), within)]


_RECORD = """
    INSERT INTO workers (name, seen_at, kinds, started_at, slots) VALUES ($1, clock_timestamp(), $2::text[], $3, $4::jsonb)
    ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at, kinds = excluded.kinds, slots = excluded.slots
    RETURNING draining, ARRAY(SELECT kind FROM paused_queues) AS paused
"""
_DRAIN = """
    UPDATE workers SET draining = $3 WHERE name = $1 AND seen_at > statement_timestamp() - make_interval(secs => $2)
    RETURNING name
"""

_WITHOUT_WORKER = """
    SELECT kind FROM unnest($1::text[]) WITH ORDINALITY AS known (kind, place)
    WHERE EXISTS (SELECT FROM jobs WHERE jobs.kind = known.kind AND status IN ('queued', 'retrying'))
    AND NOT EXISTS (
        SELECT FROM workers
        WHERE known.kind = ANY (kinds) AND NOT draining AND seen_at > statement_timestamp() - make_interval(secs => $2)
    )
    ORDER BY place
"""

_REMOVE = text("DELETE FROM workers WHERE name = :name OR seen_at < now() - make_interval(secs => :stale)")

_ANY = text("SELECT EXISTS (SELECT FROM workers WHERE seen_at > now() - make_interval(secs => :within))")
