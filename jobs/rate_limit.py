"""A rate limit that allows short bursts."""

from __future__ import annotations


class RateLimiter:
    """Allows `burst` events at once and `rate` per second over time, so at most their sum in any second."""

    __slots__ = ("_burst", "_free_at", "_interval")

    def __init__(self, rate: float, burst: int) -> None:
        self._interval = 1 / rate
        self._burst = burst * self._interval
        self._free_at = float("-inf")
        """The theoretical arrival time of the generic cell rate algorithm (ITU-T I.371)."""

    def reserve(self, now: float) -> float:
        """Reserve one event; return the seconds from `now`, on a monotonic clock, until it may happen."""
        self._free_at = max(self._free_at, now) + self._interval
        return max(0.0, self._free_at - now - self._burst)
