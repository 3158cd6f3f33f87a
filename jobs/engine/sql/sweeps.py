"""What the sweeper looks for. `FOR UPDATE SKIP LOCKED`: sweepers of many workers share the work and never wait.

Nearly always there is nothing to find, so one statement (`look`) tells whether there is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Double, Select, extract, false, func, literal_column, select
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database
from jobs.engine.jobs import Job
from jobs.engine.sql.rows import job_of
from jobs.engine.sql.tables import download_jobs
from jobs.engine.transitions import Abandon, Claim, Command, Expire, Lose, sources

_now = func.clock_timestamp()
_since = func.statement_timestamp()
"""The same for all rows of a statement: an index can't be searched for the clock's time, which differs from row to row."""


Found = list[tuple[Job, datetime]]
"""Jobs that were locked, each with the database's clock."""


@dataclass(frozen=True, slots=True)
class DueJob:
    """A job that should run by now."""

    id: UUID
    fence: int


class Kind(StrEnum):
    """What can be due."""

    LOST = "lost"
    UNWOKEN = "unwoken"
    EXPIRING = "expiring"
    LITTERING = "littering"


@dataclass(frozen=True, slots=True)
class Due:
    """What there is to do now, and for how many seconds the server has been up."""

    kinds: frozenset[Kind]
    uptime: float


@dataclass(frozen=True, slots=True)
class _Sweep:
    """Which jobs it is about, and that it is due for those whose time lies before the `limit`."""

    jobs: ColumnElement[bool]
    time: ColumnElement[datetime | None]
    limit: ColumnElement[datetime]

    @property
    def due(self) -> ColumnElement[bool]:
        return self.jobs & (self.time < self.limit)

    @property
    def any_due(self) -> ColumnElement[bool]:
        """Tells by the earliest: the first entry of an index, however many rows PostgreSQL thinks are due."""
        earliest = select(func.min(self.time)).where(self.jobs).scalar_subquery()
        return func.coalesce(earliest < self.limit, false())


def _ago(seconds: float | ColumnElement[float]) -> ColumnElement[datetime]:
    return _since - func.make_interval(0, 0, 0, 0, 0, 0, seconds)


def _in_a_state_for(command: type[Command]) -> ColumnElement[bool]:
    return download_jobs.c.status.in_(sources(command))


_SWEEPS = {
    Kind.LOST: _Sweep(_in_a_state_for(Lose), download_jobs.c.lease_until, _since),
    Kind.UNWOKEN: _Sweep(
        _in_a_state_for(Claim), download_jobs.c.due_at, _ago(literal_column("CAST($1 AS double precision)"))
    ),
    Kind.EXPIRING: _Sweep(_in_a_state_for(Expire), download_jobs.c.expires_at, _since),
    Kind.LITTERING: _Sweep(download_jobs.c.cleanup_at.is_not(None), download_jobs.c.cleanup_at, _since),
}


def _said(query: Select[*tuple[Any, ...]]) -> str:
    """The statement for `Database.fetch`, with all values in it but `$1` and `$2`: so partial indexes fit every plan."""
    dialect = asyncpg.dialect()  # type: ignore[no-untyped-call] # as SQLAlchemy has it
    return str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


_LOOK = _said(
    select(
        *(sweep.any_due.label(kind) for kind, sweep in _SWEEPS.items()),
        extract("epoch", _now - func.pg_postmaster_start_time()).cast(Double).label("uptime"),
    )
)


async def look(database: Database, grace: float) -> Due:
    """What is to be done; `grace` is that of `find_unwoken`."""
    [row] = await database.fetch(_LOOK, grace)
    return Due(frozenset(kind for kind in Kind if row[kind]), row["uptime"])


async def lock_lost(connection: AsyncConnection, limit: int) -> Found:
    """Jobs whose lease ran out."""
    return await _lock(connection, _SWEEPS[Kind.LOST].due, limit)


async def lock_overdue(connection: AsyncConnection, deadline: float, limit: int) -> Found:
    """Jobs whose first attempt began over `deadline` seconds ago and that wait again."""
    where = _in_a_state_for(Abandon) & (download_jobs.c.started_at < _ago(deadline))
    return await _lock(connection, where, limit)


async def lock_expiring(connection: AsyncConnection, limit: int) -> Found:
    """Jobs whose result's time is over."""
    return await _lock(connection, _SWEEPS[Kind.EXPIRING].due, limit)


async def take_littering(connection: AsyncConnection, again: float, limit: int) -> Found:
    """Jobs whose litter in the store is due to be removed.

    They are due again in `again` seconds, unless `set_cleaned` says otherwise.
    """
    found = await _lock(connection, _SWEEPS[Kind.LITTERING].due, limit)
    if not found:
        return []
    due = found[0][1] + timedelta(seconds=again)
    await connection.execute(
        download_jobs.update().where(download_jobs.c.id.in_([job.id for job, _ in found])).values(cleanup_at=due)
    )
    return [(replace(job, cleanup_at=due), now) for job, now in found]


async def _lock(connection: AsyncConnection, where: ColumnElement[bool], limit: int) -> Found:
    query = select(download_jobs, _since.label("now")).where(where).limit(limit).with_for_update(skip_locked=True)
    return [(job_of(row), row["now"]) for row in (await connection.execute(query)).mappings()]


_FIND_UNWOKEN = _said(
    select(download_jobs.c.id, download_jobs.c.fence)
    .where(_SWEEPS[Kind.UNWOKEN].due)
    .order_by(download_jobs.c.due_at)
    .limit(literal_column("CAST($2 AS bigint)"))
)


async def find_unwoken(database: Database, grace: float, limit: int) -> list[DueJob]:
    """Jobs that were due more than `grace` seconds ago and that no worker has taken: first those that wait longest."""
    return [DueJob(**row) for row in await database.fetch(_FIND_UNWOKEN, grace, limit)]


async def time_left(connection: AsyncConnection, job_id: UUID, fence: int) -> float | None:
    """Seconds until the job is due at this fence; None when it is due, has moved on, or is gone."""
    left = extract("epoch", download_jobs.c.due_at - _now)
    query = select(left).where(
        download_jobs.c.id == job_id,
        download_jobs.c.fence == fence,
        _in_a_state_for(Claim),
        download_jobs.c.due_at > _now,
    )
    found = (await connection.execute(query)).scalar_one_or_none()
    return None if found is None else float(found)


async def set_cleaned(connection: AsyncConnection, job_id: UUID, cleanup_at: datetime, again: datetime | None) -> None:
    """The litter that was due at `cleanup_at` is gone; there may be more `again`."""
    await connection.execute(
        download_jobs.update()
        .where(download_jobs.c.id == job_id, download_jobs.c.cleanup_at == cleanup_at)
        .values(cleanup_at=again)
    )


async def find_forgettable(connection: AsyncConnection, retention: float, limit: int) -> list[UUID]:
    """Jobs that ended more than `retention` seconds ago and have nothing to hand out, locked."""
    query = (
        select(download_jobs.c.id)
        .where(
            download_jobs.c.status.in_(["failed", "cancelled", "expired"]),
            download_jobs.c.cleanup_at.is_(None),
            download_jobs.c.finished_at < _ago(retention),
        )
        .order_by(download_jobs.c.finished_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list((await connection.execute(query)).scalars())


async def find_dropped(connection: AsyncConnection, limit: int) -> list[UUID]:
    """Jobs that were dropped and whose litter is gone, locked."""
    query = (
        select(download_jobs.c.id)
        .where(download_jobs.c.deleted_at.is_not(None), download_jobs.c.cleanup_at.is_(None))
        .order_by(download_jobs.c.deleted_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list((await connection.execute(query)).scalars())


async def delete_jobs(connection: AsyncConnection, job_ids: list[UUID]) -> None:
    """Removes the jobs with their files and events."""
    await connection.execute(download_jobs.delete().where(download_jobs.c.id.in_(job_ids)))
