"""The hot reads: the state of a job, and what tells whether it has changed, as status requests and followers ask for them.

Reads that wait at the same time are answered by one query. So a gateway that is polled for a thousand jobs asks
PostgreSQL a few hundred times a second rather than thousands, and no answer is older than its question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from jobs.batching import Batcher
from jobs.database import Database
from jobs.engine.jobs import Job, Status
from jobs.engine.rates import Pace
from jobs.engine.sql.rows import Row, job_of
from jobs.engine.sql.tables import KEPT


@dataclass(frozen=True, slots=True)
class Mark:
    """Two equal marks of a job mean that nothing a client can see has changed: all that may change moves `seq`.

    `position` is from 1, while the job is queued.
    """

    seq: int
    status: Status
    position: int | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job at the time `at` of the database's clock.

    While it is queued `position` is from 1, and `starts_in` the seconds until it will probably start, where the queue
    has been watched long enough to tell.
    """

    job: Job
    at: datetime
    position: int | None
    starts_in: float | None = None


PLACES_AGE = 1.0
"""Seconds that places in a long queue are used for."""
WATCHED = 30.0
"""Seconds after the last look at the queue for which its pace is believed."""
LONG_QUEUE = 1_000
RANKED = 10_000
"""Jobs at the head of the queue that are told their place; those behind them have none."""


class Snapshots:
    """Reads jobs, many waiting readers a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batcher = Batcher(self.read_many)
        self._places: Mapping[UUID, int] = {}
        self._placed_at = float("-inf")
        self._pace = Pace()

    async def read(self, job_id: UUID) -> Snapshot | None:
        """The job as it is now, None when there is none. Raises `DatabaseUnavailable`."""
        return await self._batcher.read(job_id)

    async def read_many(self, job_ids: Iterable[UUID]) -> dict[UUID, Snapshot]:
        """The jobs that there are, in one query."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_READ, {"ids": list(job_ids)})).mappings().all()
        positions = await self._positions(row["id"] for row in rows if row["status"] == Status.QUEUED)
        return {row["id"]: self._snapshot_of(row, positions.get(row["id"])) for row in rows}

    async def marks(self, job_ids: Sequence[UUID]) -> dict[UUID, Mark]:
        """The marks of the jobs that there are: a tenth of the work of `read_many`. Raises `DatabaseUnavailable`."""
        rows = await self._database.fetch(_MARKS, job_ids)
        positions = await self._positions(row["id"] for row in rows if row["status"] == Status.QUEUED)
        return {row["id"]: Mark(row["seq"], _STATUSES[row["status"]], positions.get(row["id"])) for row in rows}

    def wait(self, places: int) -> float | None:
        """Seconds until so many jobs will probably have left the queue; None when nobody has looked at it lately."""
        watched = asyncio.get_running_loop().time() - self._placed_at < WATCHED
        return self._pace.wait(places) if watched else None

    async def _positions(self, queued: Iterable[UUID]) -> Mapping[UUID, int]:
        """Places in the queue; of a long one, where they cost more than all the rest, at most a second old."""
        ids = list(queued)
        if not ids:
            return {}
        now = asyncio.get_running_loop().time()
        if len(self._places) < LONG_QUEUE or now - self._placed_at > PLACES_AGE:
            rows = await self._database.fetch(_PLACES, RANKED)
            self._places, self._placed_at = {row["id"]: row["position"] for row in rows}, now
            self._pace.feed(self._places, now)
        return self._places

    def _snapshot_of(self, row: Row, position: int | None) -> Snapshot:
        starts_in = None if position is None else self._pace.wait(position)
        return Snapshot(job_of(row), row["now"], position, starts_in)


_STATUSES = {str(status): status for status in Status}

_READ = text(
    f"SELECT *, clock_timestamp() AS now FROM download_jobs WHERE id = ANY (CAST(:ids AS uuid[])) AND {KEPT}"  # noqa: S608 - ours
)

_MARKS = f"SELECT id, seq, status FROM download_jobs WHERE id = ANY ($1::uuid[]) AND {KEPT}"  # noqa: S608 - ours

_PLACES = """
    SELECT id, row_number() OVER (ORDER BY queued_at, id) AS position
    FROM (SELECT id, queued_at FROM download_jobs WHERE status = 'queued' ORDER BY queued_at, id LIMIT $1) AS queue
    """
