"""Deletes what is known about jobs that ended long ago, and makes room for what is to come: rows and partitions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta

import structlog

from jobs import notices
from jobs.access import audit
from jobs.database import Database
from jobs.engine.sql.admissions import delete_old_starts
from jobs.engine.sql.bulk_actions import delete_old_actions
from jobs.engine.sql.partitions import (
    PARTITIONED,
    list_days,
    lock_partitions,
    make_partitions,
    remove_partition,
)
from jobs.engine.sql.retention import delete_deleted, delete_past_retention
from jobs.errors import DatabaseUnavailable

log = structlog.get_logger()

BATCH = 1_000
"""Jobs whose rows are deleted in one transaction. A full batch is followed by the next at once."""
DELETED_BATCH = 100
"""The same of jobs that a person deleted, whose file records and events are deleted one by one."""
SLACK = timedelta(days=1)
"""How long after the retention of a day's last job its partition is kept: until then most of its jobs are deleted."""


class Retention:
    """Any number of workers may do this at the same time."""

    def __init__(
        self, database: Database, retention: float, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """`retention` is in seconds from the end of a job. `now` is UTC, and only compared with days."""
        self._database = database
        self._retention = retention
        self._now = now

    async def delete_rows(self) -> None:
        """Deletes jobs that ended long ago, or that a person deleted, and old starts, audit entries, notices
        and bulk actions."""

        async def delete_a_batch() -> int:
            async with self._database.begin() as connection:
                return await delete_deleted(connection, DELETED_BATCH)

        await _until_done(delete_a_batch, DELETED_BATCH)
        await _until_done(lambda: delete_past_retention(self._database, self._retention, BATCH), BATCH)
        await delete_old_starts(self._database)
        await delete_old_actions(self._database)
        while await audit.delete_old_entries(self._database) >= audit.BATCH:
            pass
        while await notices.delete_old_notices(self._database) >= notices.BATCH:
            pass

    async def keep_partitions(self) -> None:
        """Makes the partitions of the next days, and removes those of days whose jobs are deleted, but for a few.

        Raises `DatabaseUnavailable` if the locks of a partition could not be had in time, after it has tried all others.
        """
        today = self._now().date()
        first_kept = (self._now() - timedelta(seconds=self._retention) - SLACK).date()
        async with self._database.begin() as connection:
            if not await lock_partitions(connection):
                return
            made = await make_partitions(connection, today)
            over = [
                (table, day) for table in PARTITIONED for day in await list_days(connection, table) if day < first_kept
            ]
        if made:
            log.info("partitions_created", names=made)
        locked: DatabaseUnavailable | None = None
        for table, day in over:
            try:
                await self._remove_partition(table, day)
            except DatabaseUnavailable as error:
                locked = error
        if locked is not None:
            raise locked

    async def _remove_partition(self, table: str, day: date) -> None:
        async with self._database.begin() as connection:
            if not await lock_partitions(connection) or day not in await list_days(connection, table):
                return  # another worker does it, or has done it
            removed = await remove_partition(connection, table, day)
        if removed:
            log.info("partition_deleted", table=table, day=day.isoformat())


async def _until_done(delete: Callable[[], Awaitable[int]], batch: int) -> None:
    total = 0
    while (count := await delete()) >= batch:
        total += count
    if total + count:
        log.info("jobs_deleted", count=total + count)
