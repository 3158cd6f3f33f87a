"""Places in the queue that share the workers between owners. Pure.

A job's place is a time, at first when it enters the queue. The jobs of one owner that wait at the same time are placed a
step apart, and the first one of another owner stands beside the head of the queue (start-time fair queueing: the place of
the head is the virtual time). So owners take turns, each in the order of its own jobs, and who starts a single job waits
for one of everybody else's at most.
"""

from __future__ import annotations

from datetime import datetime, timedelta

STEP = timedelta(minutes=1)
"""Between the places of two jobs of one owner."""
OVERTAKEN_FOR = timedelta(hours=1)
"""No job is overtaken by those that enter the queue more than this after its place: many new owners can't starve it."""


def next_place(now: datetime, head: datetime | None, last: datetime | None) -> datetime:
    """The place of a job that enters the queue at `now`.

    `head`: the first place of all jobs that wait; `last`: the last one of those of the same owner. None if none waits.
    """
    turn = now if head is None else max(head, now - OVERTAKEN_FOR)
    return turn if last is None else max(turn, last + STEP)
