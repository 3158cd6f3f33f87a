"""Reads that a replica of PostgreSQL may serve: lists, histories and searches, never the status of a job.

A replica is behind. So a read waits until the replica has replayed all that the primary had written when the read began:
whoever has just created a job finds it in his list, whichever gateway served him, and no list is older than a status that
was read before. If that takes longer than `REPLICA_MAX_LAG`, the primary is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database
from jobs.errors import DatabaseUnavailable
from jobs.metrics import REPLICA_READS

log = structlog.get_logger()

T = TypeVar("T")
Read = Callable[[Database], Awaitable[T]]
"""A read, which may be made twice: of the replica, and if that fails of the primary."""

PAUSE = 5.0
"""Seconds for which a replica that is unavailable or lags is not used."""
POLL = 0.01
"""Seconds between two checks whether the replica has caught up."""
# The insert position includes transactions that are committed but not yet flushed (synchronous_commit=off).
# A standby has none.
_WRITTEN = "SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_current_wal_insert_lsn()::text END AS position"
_REPLAYED = """
    SELECT pg_is_in_recovery() AS is_standby,
        coalesce(pg_last_wal_replay_lsn() >= $1::text::pg_lsn, false) AS has_caught_up
"""


class ReplicaUnusable(Exception):
    """The replica lags, or is none. The text says which."""


class ReplicaReads:
    """Runs reads on the replica where it is recent enough, else on the primary."""

    def __init__(
        self,
        primary: Database,
        replica: Database | None = None,
        max_lag: float = 1.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """`max_lag`: seconds that a read waits for the replica."""
        self._primary = primary
        self._replica = replica
        self._max_lag = max_lag
        self._clock = clock
        self._paused_until = 0.0
        self._is_lost = False

    async def run(self, read: Read[T]) -> T:
        """Return what `read` returns. Raises `DatabaseUnavailable` without the primary, and what `read` raises."""
        replica = self._replica
        if replica is None:
            return await read(self._primary)
        if self._clock() >= self._paused_until:
            [row] = await self._primary.fetch(_WRITTEN)
            try:
                await self._wait_for(replica, row["position"])
                found = await read(replica)
            except (DatabaseUnavailable, ReplicaUnusable) as error:
                self._pause(error)
            else:
                self._resume()
                REPLICA_READS.labels("replica").inc()
                return found
        REPLICA_READS.labels("primary").inc()
        return await read(self._primary)

    async def query(self, read: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """As `run`, for a read that takes one connection, as `Database.reading` gives it."""

        async def connected(database: Database) -> T:
            async with database.reading() as connection:
                return await read(connection)

        return await self.run(connected)

    async def measure_lag(self) -> float | None:
        """Return the seconds after which the replica has what the primary has now; None without a replica.

        Raises `DatabaseUnavailable`, and `ReplicaUnusable` if that takes longer than `REPLICA_MAX_LAG`.
        """
        if self._replica is None:
            return None
        [row] = await self._primary.fetch(_WRITTEN)
        began = monotonic()
        await self._wait_for(self._replica, row["position"])
        return monotonic() - began

    async def _wait_for(self, replica: Database, position: str | None) -> None:
        """Return when the replica has replayed this position of the log. Raises `ReplicaUnusable`, also without one."""
        if position is None:
            raise ReplicaUnusable(
                "The server of DATABASE_URL is a standby, so nothing says what the replica should have."
            )
        try:
            async with asyncio.timeout(self._max_lag):
                while True:
                    [row] = await replica.fetch(_REPLAYED, position)
                    if not row["is_standby"]:
                        await replica.dispose()  # new connections may lead to a standby
                        raise ReplicaUnusable("The server of DATABASE_REPLICA_URL is no standby.")
                    if row["has_caught_up"]:
                        return
                    await asyncio.sleep(POLL)
        except TimeoutError:
            message = f"The replica lags by more than {self._max_lag:g} s, or does not respond."
            raise ReplicaUnusable(message) from None

    def _pause(self, error: DatabaseUnavailable | ReplicaUnusable) -> None:
        self._paused_until = self._clock() + PAUSE
        if not self._is_lost:
            self._is_lost = True
            reason = error.reason or error.message if isinstance(error, DatabaseUnavailable) else str(error)
            log.warning("replica_lost", reason=reason)

    def _resume(self) -> None:
        if self._is_lost:
            self._is_lost = False
            log.warning("replica_recovered")
