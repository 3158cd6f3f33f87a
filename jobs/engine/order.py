"""The order of events, in one place: what a follower does with one that it receives (docs/protocol.md).

Servers and clients use the same rule. So an event may be lost, delivered twice or late on any transport, and the follower
still ends with the truth.
"""

from __future__ import annotations

from enum import Enum

Order = tuple[int, int]
"""`(seq, tick)`: `seq` is durable, `tick` counts the live events since."""

QUEUE_TICKS = 1_000_000
"""The tick of a job at place n of the queue is this minus n: it grows as the job moves up, equally on every gateway."""


class Verdict(Enum):
    OLD = "old"
    """It is not newer than what the follower has: ignore it."""
    NEXT = "next"
    """It continues what the follower has: apply it."""
    GAP = "gap"
    """Events in between were missed: request a snapshot since the `seq` that the follower has."""


def judge(have: Order, since: int, order: Order) -> Verdict:
    """Judges an event with all changes after `since` up to `order`, for a follower that has `have`."""
    if order <= have:
        return Verdict.OLD
    return Verdict.GAP if since > have[0] else Verdict.NEXT


def requested_since(since: int) -> Order:
    """What a follower has that requests everything after `since`: all durable changes up to it, and no tick."""
    return (since, -1)


def queue_tick(position: int | None) -> int:
    """The tick of a queued job at this place (from 1); 0 if its place is unknown."""
    return 0 if position is None else max(0, QUEUE_TICKS - position)
