"""The partitions of `file_records` and `job_events`: one for each day (UTC) of job ids, and one for all other ids.

To remove the rows of millions of jobs, the partition of their day is dropped, which takes as long as for one job. Rows of
jobs that still exist are copied before, to a smaller partition that takes its place. The default partition takes what no
day's partition is there for: ids of a clock that is wrong, and new jobs while no worker has made partitions for a long
time. Its rows are deleted with their jobs.

What may wait for locks:
- A partition is made with ATTACH, which lets others read and write all other partitions but the default one: that is
  searched for rows of the new partition meanwhile.
- DROP waits until no transaction uses the table, and keeps new ones waiting meanwhile, for `LOCK_TIMEOUT` at most. The
  rows of jobs that still exist are copied before it, so that it is held for milliseconds.
- The tables have no foreign keys to `jobs`: dropping a partition would have to lock `jobs` as well. Whoever writes rows of
  a job has locked the row of the job.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.engine.job_ids import first_id
from jobs.engine.sql.tables import file_records, job_events

log = structlog.get_logger()

PARTITIONED = (file_records.name, job_events.name)
DAYS_AHEAD = 3
"""Days from today for which there are partitions."""
MAX_MOVED = 100_000
"""Rows that are copied out of a partition at most. With more of them it is kept until some of their jobs are deleted."""
LOCK_TIMEOUT = "200ms"

_REST = "_rest"
"""How the name of a partition ends that has only the rows of jobs that existed when that of their day was dropped."""
_LOCK = 0x6861_756C_7061_7274
"""The key of the advisory lock of whoever changes partitions."""


async def lock_partitions(connection: AsyncConnection) -> bool:
    """Keeps others from changing partitions until the transaction ends; False if another transaction does.

    From here on, no statement of the transaction waits longer than `LOCK_TIMEOUT` for a lock.
    """
    await connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    taken = await connection.execute(text(f"SELECT pg_try_advisory_xact_lock({_LOCK})"))
    return bool(taken.scalar_one())


async def make_partitions(connection: AsyncConnection, today: date) -> list[str]:
    """Makes the missing partitions for today and the next days. Returns their names."""
    made = []
    for table in PARTITIONED:
        days = await list_days(connection, table)
        for day in (today + timedelta(days=n) for n in range(DAYS_AHEAD + 1)):
            # A day whose jobs have been written to the default partition already, keeps them there.
            if day not in days and not await _has_rows(connection, f"{table}_default", day):
                name = partition_name(table, day)
                await _create_like(connection, name, table)
                await _attach(connection, table, name, day)
                made.append(name)
    return made


async def list_days(connection: AsyncConnection, table: str) -> list[date]:
    """The days that the table has partitions of, oldest first. Partitions that Haulage has not made are ignored."""
    days = []
    for name in (await connection.execute(_NAMES, {"table": table})).scalars():
        try:
            day = datetime.strptime(name.removesuffix(_REST), f"{table}_%Y%m%d").replace(tzinfo=UTC).date()
        except ValueError:
            day = None
        if day is not None and name.removesuffix(_REST) == partition_name(table, day):
            days.append(day)
        else:
            _log_foreign(table, name)
    return sorted(days)


_NAMES = text(
    """
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = CAST(CAST(:table AS text) AS regclass) AND relname <> CAST(:table AS text) || '_default'
    """
)


@cache
def _log_foreign(table: str, name: str) -> None:
    """Logs a partition that Haulage has not made, once in a process."""
    log.warning("partition_inconsistent", table=table, name=name, reason="not made by Haulage: ignored")


async def remove_partition(connection: AsyncConnection, table: str, day: date) -> bool:
    """Drops the partition of a day that is over. A smaller one with the rows of jobs that still exist takes its place.

    That one is dropped when none of them exists. False if these rows are too many, or if it is too early to drop it.
    Raises `DatabaseUnavailable` if the locks could not be had in time.
    """
    first, end = _ids(day)
    ids = {"first": first, "end": end}
    partition = partition_name(table, day)
    rest = partition + _REST
    is_rest = (await connection.execute(text("SELECT to_regclass(:name) IS NOT NULL"), {"name": rest})).scalar_one()
    remaining = (await connection.execute(_COUNT_ROWS, ids | {"limit": MAX_MOVED + 1})).scalar_one()
    if remaining > (0 if is_rest else MAX_MOVED):
        return False
    if remaining:
        await connection.execute(text(f"LOCK TABLE {partition} IN EXCLUSIVE MODE"))
        await _create_like(connection, rest, table)
        rows = f"SELECT * FROM {partition} WHERE job_id = ANY (ARRAY({_REMAINING}))"  # noqa: S608 - names of ours
        await connection.execute(text(f"INSERT INTO {rest} {rows}"), ids)
    await connection.execute(text(f"DROP TABLE {rest if is_rest else partition}"))
    if remaining:
        await _attach(connection, table, rest, day)
    return True


_REMAINING = "SELECT id FROM jobs WHERE id >= :first AND id < :end"
_COUNT_ROWS = text(
    """
    SELECT coalesce(sum(files_total + fence), 0) FROM (
        SELECT files_total, fence FROM jobs WHERE id >= :first AND id < :end LIMIT CAST(:limit AS bigint)
    ) AS remaining
    """
)
"""A job has a file record for each file, and an event for each fence."""


async def _has_rows(connection: AsyncConnection, table: str, day: date) -> bool:
    first, end = _ids(day)
    query = f"SELECT EXISTS (SELECT FROM {table} WHERE job_id >= :first AND job_id < :end)"  # noqa: S608 - names of ours
    return bool((await connection.execute(text(query), {"first": first, "end": end})).scalar_one())


async def _create_like(connection: AsyncConnection, name: str, table: str) -> None:
    await connection.execute(text(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)"))


async def _attach(connection: AsyncConnection, table: str, partition: str, day: date) -> None:
    first, end = _ids(day)
    values = f"FROM ('{first}') TO ('{end}')"
    await connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {partition} FOR VALUES {values}"))


def partition_name(table: str, day: date) -> str:
    """The name of a day's partition."""
    return f"{table}_{day:%Y%m%d}"


def _ids(day: date) -> tuple[UUID, UUID]:
    """The lowest job id of the day and of the next one."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return first_id(start), first_id(start + timedelta(days=1))
