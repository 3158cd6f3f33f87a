"""The hot reads: the state of a job, and what tells whether it has changed, for status requests and followers.

Reads that wait at the same time share one query. So a gateway that is polled for a thousand jobs queries PostgreSQL a few
hundred times a second instead of thousands, and no response is older than its request.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import text

from jobs.batching import Batcher
from jobs.database import Database
from jobs.engine.jobs import Job, Status
from jobs.engine.sql.queue_places import QueuePlaces
from jobs.engine.sql.rows import Row
from jobs.engine.sql.tables import VISIBLE
from jobs.kinds import Kind

J = TypeVar("J", bound=Job)


@dataclass(frozen=True, slots=True)
class Mark:
    """Two equal marks of a job mean that nothing a client can see has changed: every such change moves `seq`.

    `position` is from 1, while the job is queued.
    """

    kind: Kind
    seq: int
    status: Status
    position: int | None


@dataclass(frozen=True, slots=True)
class Snapshot(Generic[J]):
    """A job at the time `at` of the database's clock.

    While it is queued, `position` is its place from 1, and `starts_in` the seconds until it will probably start, if the
    rate of the queue is known.
    """

    job: J
    at: datetime
    position: int | None
    starts_in: float | None = None


class Snapshots(Generic[J]):
    """Reads jobs, with one query for all readers that wait."""

    def __init__(self, database: Database, places: QueuePlaces, rows: str, job_of: Callable[[Row], J]) -> None:
        """`rows` is the FROM clause: `jobs`, or `jobs` joined with the table of a kind; `job_of` maps one of them."""
        self._database = database
        self._places = places
        self._query = text(
            f"SELECT *, clock_timestamp() AS now FROM {rows} WHERE id = ANY (CAST(:ids AS uuid[])) AND {VISIBLE}"  # noqa: S608 - ours
        )
        self._job_of = job_of
        self._batcher = Batcher(self.read_many)

    async def read(self, job_id: UUID) -> Snapshot[J] | None:
        """The job as it is now, None if there is none. Raises `DatabaseUnavailable`."""
        return await self._batcher.read(job_id)

    async def read_many(self, job_ids: Iterable[UUID]) -> dict[UUID, Snapshot[J]]:
        """Those of the jobs that exist, in one query. Raises `DatabaseUnavailable`.

        Jobs that have left the queue before its places were read are read a second time: what is known of them has passed,
        and without a place they would seem to move back.
        """
        found = await self._read_once(job_ids)
        left = [it.job.id for it in found.values() if it.position is None and self._places.has_left(it.job)]
        return found | await self._read_once(left) if left else found

    async def _read_once(self, job_ids: Iterable[UUID]) -> dict[UUID, Snapshot[J]]:
        async with self._database.reading() as connection:
            rows = (await connection.execute(self._query, {"ids": list(job_ids)})).mappings().all()
        positions = await self._places.read((row["id"], row["kind"]) for row in rows if row["status"] == Status.QUEUED)
        return {row["id"]: self._snapshot_of(row, positions.get(row["id"])) for row in rows}

    def _snapshot_of(self, row: Row, position: int | None) -> Snapshot[J]:
        job = self._job_of(row)
        return Snapshot(job, row["now"], position, self._places.seconds_until_start(job.kind, position))

    async def marks(self, job_ids: Sequence[UUID]) -> dict[UUID, Mark]:
        """The marks of those jobs that exist, for a tenth of the cost of `read_many`. Raises `DatabaseUnavailable`."""
        rows = await self._database.fetch(_MARKS, job_ids)
        positions = await self._places.read((row["id"], row["kind"]) for row in rows if row["status"] == Status.QUEUED)
        return {
            row["id"]: Mark(_KINDS[row["kind"]], row["seq"], _STATUSES[row["status"]], positions.get(row["id"]))
            for row in rows
        }


_KINDS = {str(kind): kind for kind in Kind}
_STATUSES = {str(status): status for status in Status}

_MARKS = f"SELECT id, kind, seq, status FROM jobs WHERE id = ANY ($1::uuid[]) AND {VISIBLE}"  # noqa: S608 - ours
