"""The hot read: the state of a job, as status requests and followers ask for it.

Reads that wait at the same time are answered by one query. So a gateway that is polled for a thousand jobs asks
PostgreSQL a few hundred times a second rather than thousands, and no answer is older than its question.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

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
        self._waiting: dict[UUID, asyncio.Future[Snapshot | None]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def read(self, job_id: UUID) -> Snapshot | None:
        """The job as it is now, None when there is none. Raises `DatabaseUnavailable`."""
        answer = self._waiting.get(job_id)
        if answer is None:
            answer = self._waiting[job_id] = asyncio.get_running_loop().create_future()
        if self._reader is None:
            self._reader = asyncio.create_task(self._serve())
        return await asyncio.shield(answer)

    async def _serve(self) -> None:
        """Answers batch after batch while anybody waits."""
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            try:
                found = await self.read_many(batch)
            except Exception as error:  # noqa: BLE001 - every reader of the batch gets it
                _settle(batch, error)
            else:
                _answer(batch, found)
        self._reader = None

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


def _answer(batch: Mapping[UUID, asyncio.Future[Snapshot | None]], found: Mapping[UUID, Snapshot]) -> None:
    for job_id, answer in batch.items():
        if not answer.done():
            answer.set_result(found.get(job_id))


def _settle(batch: Mapping[UUID, asyncio.Future[Snapshot | None]], error: Exception) -> None:
    for answer in batch.values():
        if not answer.done():
            answer.set_exception(error)
            answer.exception()  # a reader that has gone away leaves it unread


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
