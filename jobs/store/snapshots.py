"""The hot read: the state of a job, as status requests and followers ask for it.

Reads that wait at the same time are answered by one query. So a gateway that is polled for a thousand jobs asks
PostgreSQL a few hundred times a second rather than thousands, and no answer is older than its question.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from jobs.batching import Batcher
from jobs.domain.jobs import Job, Status
from jobs.store.database import Database
from jobs.store.rows import Row, job_of


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A job at the time `at` of the database's clock; `position` from 1, while it is queued."""

    job: Job
    at: datetime
    position: int | None


class Snapshots:
    """Reads jobs, many waiting readers a query."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._batcher = Batcher(self.read_many)

    async def read(self, job_id: UUID) -> Snapshot | None:
        """The job as it is now, None when there is none. Raises `DatabaseUnavailable`."""
        return await self._batcher.read(job_id)

    async def read_many(self, job_ids: Iterable[UUID]) -> dict[UUID, Snapshot]:
        """The jobs that there are, in one query."""
        async with self._database.reading() as connection:
            rows = (await connection.execute(_READ, {"ids": list(job_ids)})).mappings().all()
            queued = [row["id"] for row in rows if row["status"] == Status.QUEUED]
            positions: dict[UUID, int] = {}
            if queued:
                places = await connection.execute(_POSITIONS, {"ids": queued})
                positions = {place.id: place.position for place in places}
        return {row["id"]: _snapshot_of(row, positions) for row in rows}


def _snapshot_of(row: Row, positions: Mapping[UUID, int]) -> Snapshot:
    return Snapshot(job_of(row), row["now"], positions.get(row["id"]))


_READ = text(
    "SELECT *, clock_timestamp() AS now FROM download_jobs WHERE id = ANY (CAST(:ids AS uuid[]))"
)

_POSITIONS = text(
    """
    SELECT id, position
    FROM (
        SELECT id, row_number() OVER (ORDER BY queued_at, id) AS position
        FROM download_jobs WHERE status = 'queued'
    ) AS queue
    WHERE id = ANY (CAST(:ids AS uuid[]))
    """
)
