"""So many a second, and a few at once."""

from __future__ import annotations


class Pacer:
    """Lets `burst` through at once, and `rate` a second over time: in any second at most their sum."""

    __slots__ = ("_burst", "_free_at", "_interval")

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1 / rate
        self._burst = burst * self._interval
        self._free_at = float("-inf")
        """When all that was let through has been paid for (the generic cell rate algorithm of ITU-T I.371)."""

    def take(self, now: float) -> float:
        """Counts one more; the seconds from `now`, of a monotonic clock, until it may go."""
        self._free_at = max(self._free_at, now) + self._interval
        return max(0.0, self._free_at - now - self._burst)
