"""The order of messages, in one place: what a follower does with one that comes in (docs/protocol.md).

Servers and clients use the same rule, so a message may be lost, doubled or late on any way, and the follower still ends
with the truth.
"""

from __future__ import annotations

from enum import Enum

Order = tuple[int, int]
"""`(seq, tick)`: `seq` is durable, `tick` counts what happened live since."""

QUEUE_TICKS = 1_000_000
"""The tick of a job at place n of the queue is this less n: it grows as the job moves on, the same on every gateway."""


class Verdict(Enum):
    OLD = "old"
    """It says nothing new: drop it."""
    NEXT = "next"
    """It goes on from what the follower has: take it."""
    GAP = "gap"
    """Something in between was missed: ask for a snapshot from the `seq` that the follower has."""


def judge(have: Order, since: int, order: Order) -> Verdict:
    """What a follower that has `have` does with a message that tells of all changes after `since` up to `order`."""
    if order <= have:
        return Verdict.OLD
    return Verdict.GAP if since > have[0] else Verdict.NEXT


def asking(since: int) -> Order:
    """What a follower has that asked for everything after `since`: all that is durable up to there, and no tick."""
    return (since, -1)


def queue_tick(position: int | None) -> int:
    """The tick of a queued job at this place (from 1); 0 for one whose place is not known."""
    return 0 if position is None else max(0, QUEUE_TICKS - position)
