"""Places in the queue that share the workers between owners. Pure.

A job's place is a time, at first when it enters the queue. The jobs of one owner that wait at the same time are placed a
step apart, and the first one of another owner stands beside the head of the queue (start-time fair queueing: the place of
the head is the virtual time). So owners take turns, each in the order of its own jobs, and who starts a single job waits
for one of everybody else's at most.

Batch jobs stand a century behind all others, and take turns among themselves in the same way. So whatever orders jobs by
their places, in PostgreSQL and in Redis, has a batch job claimed only when no other one waits.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

STEP = timedelta(minutes=1)
"""Between the places of two jobs of one owner."""
OVERTAKEN_FOR = timedelta(hours=1)
"""No job is overtaken by those that enter the queue more than this after its place: many new owners can't starve it."""
BATCH_DISTANCE = timedelta(days=36_500)
"""How far behind the others a batch job is placed."""
FIRST_BATCH_PLACE = datetime(2100, 1, 1, tzinfo=UTC)
"""The places from here on are those of batch jobs."""


def is_batch(place: datetime) -> bool:
    """Whether the job at this place is a batch job."""
    return place >= FIRST_BATCH_PLACE


def next_place(now: datetime, head: datetime | None, last: datetime | None, *, batch: bool = False) -> datetime:
    """The place of a job that enters the queue at `now`.

    `head`: the first place of all jobs that wait; `last`: the last one of those of the same owner. None if none waits. For
    a batch job, only batch jobs count, and for any other one, only the others.
    """
    entered = now + BATCH_DISTANCE if batch else now
    turn = entered if head is None else max(head, entered - OVERTAKEN_FOR)
    return turn if last is None else max(turn, last + STEP)
