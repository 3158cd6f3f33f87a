"""Statements of the sweeper. `FOR UPDATE SKIP LOCKED` lets the sweepers of many workers share the work without waiting.

Nearly always there is nothing to do, so one statement (`find_due`) tells which sweeps have work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Double, Select, exists, extract, false, func, literal_column, or_, select
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database
from jobs.engine.bulk_actions import OPEN
from jobs.engine.jobs import Job, Overdue
from jobs.engine.sql.paused_queues import is_paused
from jobs.engine.sql.rows import job_of
from jobs.engine.sql.tables import jobs, operator_actions
from jobs.engine.transitions import Abandon, Claim, Command, Expire, Lapse, Lose, sources
from jobs.kinds import Kind

_now = func.clock_timestamp()
_statement_now = func.statement_timestamp()
"""The same for all rows of a statement. An index can't be searched for `clock_timestamp()`, which differs by row."""


Locked = list[tuple[Job, datetime]]
"""Jobs that were locked, each with the database's clock."""


class Sweep(StrEnum):
    """What the sweeper does often."""

    LOST = "lost"
    """Take over jobs whose lease expired."""
    OVERDUE = "overdue"
    """Enqueue wake-ups again for jobs that no worker has claimed."""
    EXPIRING = "expiring"
    """Expire results."""
    CLEANUP = "cleanup"
    """Remove leftover objects."""
    ACTIONS = "actions"
    """Continue bulk actions of operators."""


@dataclass(frozen=True, slots=True)
class Due:
    """The sweeps that have something to do, and for how many seconds the server has been up."""

    sweeps: frozenset[Sweep]
    uptime: float


@dataclass(frozen=True, slots=True)
class _Condition:
    """The sweep applies to these jobs once their `time` is before the `limit`."""

    jobs: ColumnElement[bool]
    time: ColumnElement[datetime | None]
    limit: ColumnElement[datetime]
    by_kind: bool = False
    """The index of `time` starts with the kind. Nothing is due of one whose queue is paused."""

    @property
    def due(self) -> ColumnElement[bool]:
        return self.jobs & (self.time < self.limit)

    @property
    def any_due(self) -> ColumnElement[bool]:
        """Compares the earliest time, which is the first entry of an index, however many rows seem to be due."""
        if not self.by_kind:
            return self._earliest_is_due(self.jobs)
        return or_(*(~is_paused(kind) & self._earliest_is_due(self.jobs & (jobs.c.kind == kind)) for kind in Kind))

    def _earliest_is_due(self, group: ColumnElement[bool]) -> ColumnElement[bool]:
        earliest = select(func.min(self.time)).where(group).scalar_subquery()
        return func.coalesce(earliest < self.limit, false())


def _ago(seconds: float | ColumnElement[float]) -> ColumnElement[datetime]:
    return _statement_now - func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _allows(command: type[Command]) -> ColumnElement[bool]:
    return jobs.c.status.in_(sources(command))


_CONDITIONS = {
    Sweep.LOST: _Condition(_allows(Lose), jobs.c.lease_until, _statement_now),
    Sweep.OVERDUE: _Condition(
        _allows(Claim), jobs.c.due_at, _ago(literal_column("CAST($1 AS double precision)")), by_kind=True
    ),
    Sweep.EXPIRING: _Condition(_allows(Expire), jobs.c.expires_at, _statement_now),
    Sweep.CLEANUP: _Condition(jobs.c.cleanup_at.is_not(None), jobs.c.cleanup_at, _statement_now),
}


def _compiled(query: Select[*tuple[Any, ...]]) -> str:
    """The statement for `Database.fetch`, with literal values except `$1`, … so that partial indexes fit every plan."""
    dialect = asyncpg.dialect()  # type: ignore[no-untyped-call] # as SQLAlchemy has it
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


_FIND_DUE = _compiled(
    select(
        *(condition.any_due.label(sweep) for sweep, condition in _CONDITIONS.items()),
        exists(
            select(operator_actions.c.id).where(
                operator_actions.c.state.in_(OPEN), operator_actions.c.starts_at <= _statement_now
            )
        ).label(Sweep.ACTIONS),
        extract("epoch", _now - func.pg_postmaster_start_time()).cast(Double).label("uptime"),
    )
)


async def find_due(database: Database, grace: float) -> Due:
    """The sweeps that have something to do; `grace` is that of `find_overdue`."""
    [row] = await database.fetch(_FIND_DUE, grace)
    return Due(frozenset(sweep for sweep in Sweep if row[sweep]), row["uptime"])


async def lock_lost(connection: AsyncConnection, limit: int) -> Locked:
    """Jobs whose lease expired."""
    return await _lock(connection, _CONDITIONS[Sweep.LOST].due, limit)


async def lock_past_deadline(connection: AsyncConnection, deadline: float, limit: int) -> Locked:
    """Jobs that wait for another attempt more than `deadline` seconds after their first attempt started.

    None whose queue is paused: its attempt would have come in time.
    """
    where = _allows(Abandon) & (jobs.c.started_at < _ago(deadline)) & ~is_paused(jobs.c.kind)
    return await _lock(connection, where, limit)


async def lock_lapsed(connection: AsyncConnection, limit: int) -> Locked:
    """Jobs whose bytes did not arrive in time."""
    return await _lock(connection, _allows(Lapse) & (jobs.c.due_at < _statement_now), limit)


async def lock_expiring(connection: AsyncConnection, limit: int) -> Locked:
    """Jobs whose result's time is over."""
    return await _lock(connection, _CONDITIONS[Sweep.EXPIRING].due, limit)


async def claim_cleanups(connection: AsyncConnection, retry_in: float, limit: int) -> Locked:
    """Jobs whose leftover objects are due to be removed.

    They are due again in `retry_in` seconds, unless `finish_cleanup` records something else.
    """
    found = await _lock(connection, _CONDITIONS[Sweep.CLEANUP].due, limit)
    if not found:
        return []
    due = found[0][1] + timedelta(seconds=retry_in)
    await connection.execute(jobs.update().where(jobs.c.id.in_([job.id for job, _ in found])).values(cleanup_at=due))
    return [(replace(job, cleanup_at=due), now) for job, now in found]


async def _lock(connection: AsyncConnection, where: ColumnElement[bool], limit: int) -> Locked:
    query = select(jobs, _statement_now.label("now")).where(where).limit(limit).with_for_update(skip_locked=True)
    return [(job_of(row), row["now"]) for row in (await connection.execute(query)).mappings()]


async def finish_cleanup(
    connection: AsyncConnection, job_id: UUID, cleanup_at: datetime, next_at: datetime | None
) -> None:
    """Records that the cleanup that was due at `cleanup_at` is done, and when the next one is due, if any."""
    await connection.execute(
        jobs.update().where(jobs.c.id == job_id, jobs.c.cleanup_at == cleanup_at).values(cleanup_at=next_at)
    )


async def schedule_cleanup(connection: AsyncConnection, job_id: UUID, delay: timedelta) -> None:
    """Makes a cleanup due after the delay, unless one is due before."""
    due = func.least(jobs.c.cleanup_at, _now + delay)
    await connection.execute(jobs.update().where(jobs.c.id == job_id).values(cleanup_at=due))


async def hasten_cleanup(connection: AsyncConnection, job_id: UUID) -> None:
    """Makes a cleanup that is due later due now."""
    await connection.execute(jobs.update().where(jobs.c.id == job_id, jobs.c.cleanup_at > _now).values(cleanup_at=_now))


_OVERDUE = (
    select(jobs.c.id, jobs.c.fence, jobs.c.queued_at)
    .where(_CONDITIONS[Sweep.OVERDUE].due)
    .order_by(jobs.c.queued_at, jobs.c.id)
)
_FIND_OVERDUE = {
    kind: _compiled(_OVERDUE.where(jobs.c.kind == kind, ~is_paused(kind)).limit(literal_column("CAST($2 AS bigint)")))
    for kind in Kind
}


async def find_overdue(database: Database, kind: Kind, grace: float, limit: int) -> Sequence[Overdue]:
    """Jobs of the kind that were due more than `grace` seconds ago and that no worker has claimed, as they are queued.

    None while the queue of the kind is paused.
    """
    return [Overdue(*row) for row in await database.fetch(_FIND_OVERDUE[kind], grace, limit)]


async def seconds_until_due(connection: AsyncConnection, job_id: UUID, fence: int) -> float | None:
    """Seconds until the job is due at this fence; None if it is due, has changed, or is gone."""
    left = extract("epoch", jobs.c.due_at - _now)
    query = select(left).where(jobs.c.id == job_id, jobs.c.fence == fence, _allows(Claim), jobs.c.due_at > _now)
    found = (await connection.execute(query)).scalar_one_or_none()
    return None if found is None else float(found)
