"""Moves streams to other gateways while this one is nearly full.

Streams stay where they are when gateways are added, so those that were there would stay full. A proxy that prefers the
gateway with the fewest connections sends a stream that reconnects to a new one.
"""

from __future__ import annotations

import structlog

log = structlog.get_logger()

SHED_ABOVE = 0.9
"""The share of `MAX_FOLLOWERS` that may be open without moving any."""
SHED_RATE = 0.01
"""The share of the followers that is moved in a second."""


class Shedding:
    """Decides how many connections are to be closed now, so that their clients reconnect to another gateway."""

    def __init__(self, limit: int) -> None:
        """`limit` is the maximum of followers in this process."""
        self._threshold = int(SHED_ABOVE * limit)
        self._checked_at: float | None = None
        self._allowance = 0.0
        self._moved = 0
        self._is_active = False

    def due(self, followers: int, now: float) -> int:
        """How many of the open followers to move; called about once a second. `now`: monotonic seconds."""
        elapsed = 0.0 if self._checked_at is None else min(now - self._checked_at, 1.0)
        self._checked_at = now
        excess = followers - self._threshold
        if (excess > 0) is not self._is_active:
            self._is_active = excess > 0
            if self._is_active:
                log.warning("shedding_started", followers=followers, threshold=self._threshold)
            else:
                log.info("shedding_stopped", followers=followers, moved=self._moved)
            self._allowance, self._moved = 0.0, 0
        if excess <= 0:
            return 0
        self._allowance += SHED_RATE * followers * elapsed
        count = min(int(self._allowance), excess)
        self._allowance -= int(self._allowance)
        self._moved += count
        return count
