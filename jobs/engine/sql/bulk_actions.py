"""Statements about bulk actions and the batches of jobs that are left of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, RowMapping, Select, cast, func, insert, literal, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.engine.bulk_actions import OPEN, BulkAction, BulkCommand, BulkState, filter_as_json, filter_of_json
from jobs.engine.job_filters import JobFilter
from jobs.engine.sql.job_filters import still_matching
from jobs.engine.sql.rows import job_of, json_of
from jobs.engine.sql.sweeps import Locked
from jobs.engine.sql.tables import operator_action_batches as batches
from jobs.engine.sql.tables import operator_actions as actions

_now = func.clock_timestamp()
_is_open = actions.c.state.in_(OPEN)
KEPT = timedelta(days=90)
"""How long actions that have ended are kept."""


async def insert_action(
    connection: AsyncConnection, command: BulkCommand, wanted: JobFilter, user: str, undo_window: float
) -> BulkAction:
    """Adds an action that starts in `undo_window` seconds, without jobs yet."""
    now = func.statement_timestamp()  # the same for both
    query = insert(actions).values(
        command=command,
        filter=filter_as_json(wanted),
        state=BulkState.WAITING,
        total=0,
        created_by=user,
        created_at=now,
        starts_at=now + timedelta(seconds=undo_window),
    )
    return _action_of((await connection.execute(query.returning(actions))).mappings().one())


async def add_jobs(connection: AsyncConnection, action_id: int, ids: Select[Any], size: int) -> int:
    """Adds the jobs, oldest first, in batches of this size. Returns their number."""
    found = ids.subquery()
    place = func.row_number().over(order_by=found.c.id) - 1
    numbered = select(found.c.id, cast(place // literal(size), Integer).label("number")).subquery()
    job_ids = func.array_agg(aggregate_order_by(numbered.c.id, numbered.c.id))
    each = select(literal(action_id), numbered.c.number, job_ids).group_by(numbered.c.number)
    await connection.execute(insert(batches).from_select(["action_id", "number", "job_ids"], each))
    counted = select(func.coalesce(func.sum(func.cardinality(batches.c.job_ids)), 0)).where(
        batches.c.action_id == action_id
    )
    total = int((await connection.execute(counted)).scalar_one())
    await connection.execute(update(actions).where(actions.c.id == action_id).values(total=total))
    return total


async def lock_next(connection: AsyncConnection, worker: str, lease: float) -> BulkAction | None:
    """The action that is due for longest and that no other worker does; it is this worker's for `lease` seconds.

    It is locked until the transaction ends.
    """
    rows = await fetch_within(connection, _LOCK_NEXT, worker, lease)
    return _action_of(rows[0]) if rows else None


_LOCK_NEXT = """
    UPDATE operator_actions SET state = 'running', worker = $1,
        lease_until = clock_timestamp() + make_interval(secs => $2)
    WHERE id = (
        SELECT id FROM operator_actions
        WHERE state IN ('waiting', 'running') AND starts_at <= clock_timestamp()
        AND (worker = $1 OR lease_until IS NULL OR lease_until < clock_timestamp())
        ORDER BY starts_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING *
"""


async def take_batch(connection: AsyncConnection, action_id: int) -> list[UUID]:
    """Removes the next batch of jobs from the action, and returns it; empty if none is left."""
    rows = await fetch_within(connection, _TAKE_BATCH, action_id)
    return list(rows[0]["job_ids"]) if rows else []


_TAKE_BATCH = """
    DELETE FROM operator_action_batches WHERE action_id = $1 AND number = (
        SELECT min(number) FROM operator_action_batches WHERE action_id = $1
    )
    RETURNING job_ids
"""


async def lock_jobs(connection: AsyncConnection, wanted: JobFilter, job_ids: Sequence[UUID]) -> Locked:
    """Those of the jobs that still match, locked until the transaction ends, each with the database's clock."""
    rows = (await connection.execute(still_matching(wanted, job_ids).with_for_update())).mappings().all()
    now = (await connection.execute(select(_now))).scalar_one()
    return [(job_of(row), now) for row in rows]


async def record_batch(connection: AsyncConnection, action: BulkAction, done: int, reasons: Mapping[str, int]) -> None:
    """Adds the outcome of a batch to the action, which is locked. It is completed if no batch is left."""
    merged = {name: action.reasons.get(name, 0) + reasons.get(name, 0) for name in {*action.reasons, *reasons}}
    values = {"done": action.done + done, "failed": action.failed + sum(reasons.values()), "reasons": merged}
    await connection.execute(update(actions).where(actions.c.id == action.id).values(values))
    await fetch_within(connection, _COMPLETE, action.id)


_COMPLETE = """
    UPDATE operator_actions SET state = 'completed', finished_at = clock_timestamp()
    WHERE id = $1 AND NOT EXISTS (SELECT FROM operator_action_batches WHERE action_id = $1)
"""


async def stop_action(connection: AsyncConnection, action_id: int, user: str) -> BulkAction | None:
    """Stops the action, after the batch that is being done; None if it is not open."""
    rows = await fetch_within(connection, _STOP, action_id, user)
    if not rows:
        return None
    await fetch_within(connection, "DELETE FROM operator_action_batches WHERE action_id = $1", action_id)
    return _action_of(rows[0])


_STOP = """
    UPDATE operator_actions SET state = 'cancelled', finished_at = clock_timestamp(), stopped_by = $2
    WHERE id = $1 AND state IN ('waiting', 'running')
    RETURNING *
"""


async def find_action(connection: AsyncConnection, action_id: int) -> BulkAction | None:
    rows = await fetch_within(connection, "SELECT * FROM operator_actions WHERE id = $1", action_id)
    return _action_of(rows[0]) if rows else None


async def list_actions(database: Database, limit: int) -> list[BulkAction]:
    """The latest actions first. Raises `DatabaseUnavailable`."""
    rows = await database.fetch("SELECT * FROM operator_actions ORDER BY id DESC LIMIT $1", limit)
    return [_action_of(row) for row in rows]


async def delete_old_actions(database: Database) -> None:
    """Deletes the actions that ended more than `KEPT` ago."""
    await database.fetch("DELETE FROM operator_actions WHERE finished_at < statement_timestamp() - $1::interval", KEPT)


def _action_of(values: Mapping[str, Any] | RowMapping) -> BulkAction:
    return BulkAction(
        id=values["id"],
        command=BulkCommand(values["command"]),
        filter=filter_of_json(json_of(values["filter"])),
        state=BulkState(values["state"]),
        total=values["total"],
        done=values["done"],
        failed=values["failed"],
        reasons=json_of(values["reasons"]),
        created_by=values["created_by"],
        created_at=values["created_at"],
        starts_at=values["starts_at"],
        finished_at=values["finished_at"],
        stopped_by=values["stopped_by"],
    )
