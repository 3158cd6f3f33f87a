"""Places in the queue of each kind, and how fast they move up.

A batch job has none: all that enter the queue after it may start before it, so a number would only seem to say something.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from jobs.database import Database
from jobs.engine.fair_share import FIRST_BATCH_PLACE, is_batch
from jobs.engine.jobs import Job, Status
from jobs.engine.rates import QueueRate
from jobs.kinds import Kind

MAX_AGE = 1.0
"""Seconds for which the places of a long queue are used again."""
RATE_MAX_AGE = 30.0
"""Seconds after which the rate of a queue that was not read again is unknown."""
LONG_QUEUE = 1_000
RANKED = 10_000
"""Jobs at the head of the queue that have a place; those behind them have none."""


@dataclass(slots=True)
class _Queue:
    places: Mapping[UUID, int] = field(default_factory=dict)
    read_at: float = float("-inf")
    """On the loop's clock."""
    rate: QueueRate = field(default_factory=QueueRate)


class QueuePlaces:
    """Reads the places of queued jobs. Places of a long queue, the costly ones, are at most `MAX_AGE` old."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queues: defaultdict[Kind, _Queue] = defaultdict(_Queue)

    async def read(self, queued: Iterable[tuple[UUID, str]]) -> dict[UUID, int]:
        """The places, from 1, of queued jobs that are given with their kinds. Raises `DatabaseUnavailable`."""
        by_kind: defaultdict[Kind, list[UUID]] = defaultdict(list)
        for job_id, kind in queued:
            by_kind[Kind(kind)].append(job_id)
        found: dict[UUID, int] = {}
        for kind, job_ids in by_kind.items():
            places = await self._places(kind)
            found |= {job_id: places[job_id] for job_id in job_ids if job_id in places}
        return found

    def has_left(self, job: Job) -> bool:
        """Whether a job that was queued, and has no place, has left the queue. False if not all of that was read."""
        if job.status is not Status.QUEUED or is_batch(job.queued_at):
            return False
        return len(self._queues[job.kind].places) < LONG_QUEUE

    async def _places(self, kind: Kind) -> Mapping[UUID, int]:
        queue, now = self._queues[kind], asyncio.get_running_loop().time()
        if len(queue.places) < LONG_QUEUE or now - queue.read_at > MAX_AGE:
            rows = await self._database.fetch(_PLACES, kind, RANKED)
            queue.places, queue.read_at = {row["id"]: row["position"] for row in rows}, now
            queue.rate.feed(queue.places, now)
        return queue.places

    def seconds_until_start(self, kind: Kind, position: int | None) -> float | None:
        """Seconds until the job at this place will probably start; None while the rate is unknown."""
        return None if position is None else self._queues[kind].rate.wait(position)

    def seconds_until_room(self, kind: Kind, jobs: int) -> float | None:
        """Seconds until this many jobs will probably have left the queue; None if it was not read lately."""
        queue = self._queues[kind]
        fresh = asyncio.get_running_loop().time() - queue.read_at < RATE_MAX_AGE
        return queue.rate.wait(jobs) if fresh else None


_PLACES = f"""
    SELECT id, row_number() OVER (ORDER BY queued_at, id) AS position
    FROM (
        SELECT id, queued_at FROM jobs
        WHERE status = 'queued' AND kind = $1 AND queued_at < '{FIRST_BATCH_PLACE.isoformat()}'
        ORDER BY queued_at, id LIMIT $2
    ) AS queue
    """  # noqa: S608 - ours
