"""The partitions of `file_records` and `job_events`: one for each day (UTC) of job ids, and one for all other ids.

To remove the rows of millions of jobs, the partition of their day is dropped, which takes as long as for one job. Rows of
jobs that still exist are moved to the default partition before. It also takes what no day's partition is there for: ids
of a clock that is wrong, and new jobs while no worker has made partitions for a long time.

What may wait for locks:
- A partition is made with ATTACH, which lets others read and write all other partitions but the default one: that is
  searched for rows of the new partition meanwhile.
- DROP waits until no transaction uses the table, and keeps new ones waiting meanwhile, for `LOCK_TIMEOUT` at most. The
  rows to move are copied before it, so that it is held for milliseconds.
- The tables have no foreign keys to `jobs`: dropping a partition would have to lock `jobs` as well. Whoever writes rows of
  a job has locked the row of the job.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.engine.job_ids import first_id
from jobs.engine.sql.tables import file_records, job_events

PARTITIONED = (file_records.name, job_events.name)
DAYS_AHEAD = 3
"""Days from today for which there are partitions."""
MAX_MOVED = 100_000
"""Rows that are moved out of a partition at most. With more of them it is kept until some of their jobs are deleted."""
LOCK_TIMEOUT = "200ms"

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
                name, (first, end) = partition_name(table, day), _ids(day)
                await _create_like(connection, name, table)
                bounds = f"FROM ('{first}') TO ('{end}')"
                await connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES {bounds}"))
                made.append(name)
    return made


async def list_days(connection: AsyncConnection, table: str) -> list[date]:
    """The days that the table has partitions of, oldest first."""
    names = await connection.execute(_NAMES, {"table": table})
    days = (name.removeprefix(f"{table}_") for name in names.scalars())
    return sorted(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date() for day in days if day != "default")


_NAMES = text(
    """
    SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = CAST(CAST(:table AS text) AS regclass)
    """
)


async def remove_partition(connection: AsyncConnection, table: str, day: date) -> bool:
    """Drops the partition of a day that is over, after moving the rows of jobs that still exist to the default partition.

    False if these are too many. Raises `DatabaseUnavailable` if the locks could not be had in time.
    """
    first, end = _ids(day)
    ids = {"first": first, "end": end}
    if (await connection.execute(_COUNT_ROWS, ids | {"limit": MAX_MOVED + 1})).scalar_one() > MAX_MOVED:
        return False
    partition, default, new = partition_name(table, day), f"{table}_default", f"{table}_new"
    await connection.execute(text(f"LOCK TABLE {partition}, {default} IN EXCLUSIVE MODE"))
    await _create_like(connection, new, table)
    kept = "SELECT id FROM jobs WHERE id IN (SELECT job_id FROM {default})"
    for old, jobs in ((default, kept.format(default=default)), (partition, _REMAINING)):
        rows = f"SELECT * FROM {old} WHERE job_id = ANY (ARRAY({jobs}))"  # noqa: S608 - names of ours
        await connection.execute(text(f"INSERT INTO {new} {rows}"), ids)
    await connection.execute(text(f"DROP TABLE {partition}, {default}"))
    await connection.execute(text(f"ALTER TABLE {new} RENAME TO {default}"))
    await connection.execute(text(f"ALTER TABLE {table} ATTACH PARTITION {default} DEFAULT"))
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


def partition_name(table: str, day: date) -> str:
    """The name of a day's partition."""
    return f"{table}_{day:%Y%m%d}"


def _ids(day: date) -> tuple[UUID, UUID]:
    """The lowest job id of the day and of the next one."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return first_id(start), first_id(start + timedelta(days=1))
