"""Statements that let a job enter the queue: its place, and how much its owner may start.

What an owner has started is counted in a table of its own, since jobs change their owners and are deleted. The advisory
lock of the owner is taken by a statement before the one that counts: under READ COMMITTED each statement sees what was
committed before it began, so one that waited for the lock itself would not see the job of the transaction it waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.engine.fair_share import FIRST_BATCH_PLACE, next_place
from jobs.engine.sql.jobs import clock
from jobs.errors import TooManyJobs, TooManyRunningJobs
from jobs.kinds import Kind
from jobs.owners import ANONYMOUS

WINDOW = timedelta(hours=1)
"""In which starts are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLimits:
    """How many jobs of a kind one owner may start in an hour, and have queued, processing and retrying. 0: any number."""

    plan: str
    """Its name, for messages."""
    per_hour: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobUsage:
    """What is left to an owner of its jobs in an hour."""

    limit: int
    remaining: int
    reset: float
    """Seconds until the oldest start leaves the hour."""


@dataclass(slots=True)
class Admission:
    """The limits for one command that starts a job, and what is left of them once it has been counted."""

    limits: JobLimits
    usage: JobUsage | None = None
    """None if it was not counted: it repeated an earlier request, or any number is allowed."""


async def enter_queue(
    connection: AsyncConnection, kind: Kind, owner: str, job_id: UUID, admission: Admission | None, *, batch: bool
) -> tuple[datetime, datetime]:
    """Counts the start of a new job. Returns the database's clock, and the job's place in the queue.

    Raises `TooManyJobs`, `TooManyRunningJobs`; the transaction must then be rolled back.
    """
    if admission is None and owner == ANONYMOUS:  # who shares with nobody
        now = await clock(connection)
        return now, next_place(now, None, None, batch=batch)
    if admission is None:
        [row] = await fetch_within(connection, _ENTER[batch], kind, owner)
    else:
        await _lock_owner(connection, owner)
        limits = admission.limits
        counted = _ENTER_COUNTED[batch]
        [row] = await fetch_within(connection, counted, kind, owner, job_id, limits.per_hour, limits.running)
        admission.usage = _usage(row, limits)
    return row["now"], next_place(row["now"], row["head"], row["last"], batch=batch)


async def enter_queue_again(
    connection: AsyncConnection, kind: Kind, owner: str, now: datetime, *, batch: bool
) -> datetime:
    """The place in the queue of a job that a person retries, or whose bytes have arrived."""
    if owner == ANONYMOUS:
        return next_place(now, None, None, batch=batch)
    [row] = await fetch_within(connection, _ENTER[batch], kind, owner)
    return next_place(now, row["head"], row["last"], batch=batch)


async def count_start(connection: AsyncConnection, kind: Kind, owner: str, job_id: UUID, admission: Admission) -> None:
    """Counts another start of a job that exists. Raises what `enter_queue` does."""
    await _lock_owner(connection, owner)
    limits = admission.limits
    [row] = await fetch_within(connection, _COUNTED, kind, owner, job_id, limits.per_hour, limits.running)
    admission.usage = _usage(row, limits)


async def delete_old_starts(database: Database) -> None:
    """Deletes the starts that count no more."""
    await database.fetch("DELETE FROM job_starts WHERE at < statement_timestamp() - interval '1 hour'")


async def _lock_owner(connection: AsyncConnection, owner: str) -> None:
    """Counts the starts of an owner one after another, until the transaction ends."""
    await fetch_within(connection, "SELECT pg_advisory_xact_lock(hashtextextended($1, 1))", owner)


def _usage(row: Any, limits: JobLimits) -> JobUsage | None:
    """What is left once this start was counted. Raises `TooManyJobs`, `TooManyRunningJobs`."""
    reset = ((row["oldest"] or row["now"]) + WINDOW - row["now"]).total_seconds()
    if 0 < limits.per_hour <= row["started"]:
        seconds = max(1, ceil(reset))
        raise TooManyJobs(
            f"You have started {_downloads(limits.per_hour)} in the last hour, as many as the plan {limits.plan!r} allows."
            f" Nothing was started. Try again in {seconds} s, at {row['now'] + timedelta(seconds=seconds):%H:%M:%S} UTC.",
            limits.per_hour,
            seconds,
        )
    if 0 < limits.running <= row["running"]:
        raise TooManyRunningJobs(
            f"You have {_downloads(limits.running)} that are queued or running, as many as the plan {limits.plan!r} allows"
            " at the same time. Nothing was started. Wait until one ends, or cancel one."
        )
    if not limits.per_hour:
        return None
    return JobUsage(limit=limits.per_hour, remaining=limits.per_hour - row["started"] - 1, reset=reset)


def _downloads(count: int) -> str:
    return "1 download" if count == 1 else f"{count:,} downloads"


def _places(compare: str) -> str:
    """The first place, and the last of the owner, of those that compare like this with `FIRST_BATCH_PLACE`."""
    where = f"kind = $1 AND status IN ('queued', 'retrying') AND queued_at {compare} '{FIRST_BATCH_PLACE.isoformat()}'"
    return f"""
        (SELECT queued_at FROM jobs WHERE {where} ORDER BY kind, queued_at, id LIMIT 1) AS head,
        (SELECT max(queued_at) FROM jobs WHERE {where} AND owner = $2 AND owner <> '{ANONYMOUS}') AS last
    """  # noqa: S608 - ours


_PLACES = {True: _places(">="), False: _places("<")}
"""Those of batch jobs, and those of all others."""
_ENTER = {batch: f"SELECT clock_timestamp() AS now, {places}" for batch, places in _PLACES.items()}
_COUNTING = """
    WITH clock AS MATERIALIZED (
        SELECT clock_timestamp() AS now
    ), recent AS (
        SELECT count(*) AS started, min(at) AS oldest FROM (
            SELECT at FROM job_starts WHERE owner = $2 AND at > (SELECT now FROM clock) - interval '1 hour'
            ORDER BY at DESC LIMIT $4
        ) AS newest
    ), running AS (
        SELECT count(*) AS running FROM (
            SELECT FROM jobs
            WHERE owner = $2 AND kind = $1 AND status IN ('queued', 'processing', 'retrying') AND id <> $3
            LIMIT $5
        ) AS others
    ), counted AS (
        INSERT INTO job_starts (job_id, at, owner)
        SELECT $3, now, $2 FROM clock, recent, running WHERE started < $4 AND ($5 = 0 OR running < $5)
    )
"""
"""Reads no more of the latest starts and jobs than there may be."""
_COUNTED = f"{_COUNTING} SELECT now, started, oldest, running FROM clock, recent, running"  # noqa: S608 - ours
_ENTER_COUNTED = {
    batch: f"{_COUNTING} SELECT now, started, oldest, running, {places} FROM clock, recent, running"  # noqa: S608 - ours
    for batch, places in _PLACES.items()
}
