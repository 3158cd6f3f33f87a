"""Speed and time left, smoothed: the numbers that people watch should not jump."""

from __future__ import annotations

from math import expm1, log

_STALLED = 1.0  # bytes per second: below this, a time left says nothing


class Speed:
    """Bytes per second, an average in which a moment counts half as much every `half_life` seconds.

    Samples may come at any distance: each counts for the time that it covers.
    """

    __slots__ = ("_at", "_half_life", "_total", "_weight", "_weighted")

    def __init__(self, half_life: float = 2.0) -> None:
        self._half_life = half_life
        self._total: int | None = None
        self._at = 0.0
        self._weighted = 0.0
        self._weight = 0.0

    def feed(self, total_bytes: int, at: float) -> None:
        """`total_bytes` were done at `at` seconds of a monotonic clock. A total that falls starts the average anew."""
        if self._total is None or total_bytes < self._total:
            self._restart(total_bytes, at)
            return
        elapsed = at - self._at
        if elapsed <= 0:
            return
        fresh = -expm1(-log(2) * elapsed / self._half_life)
        rate = (total_bytes - self._total) / elapsed
        self._weighted += fresh * (rate - self._weighted)
        self._weight += fresh * (1 - self._weight)
        self._total, self._at = total_bytes, at

    @property
    def bytes_per_second(self) -> float | None:
        """None until two moments are known."""
        return self._weighted / self._weight if self._weight else None

    def eta(self, remaining: int) -> float | None:
        """Seconds until `remaining` bytes are done; None when that can't be told: too early, or stalled."""
        if remaining <= 0:
            return 0.0
        speed = self.bytes_per_second
        return remaining / speed if speed is not None and speed >= _STALLED else None

    def _restart(self, total_bytes: int, at: float) -> None:
        self._total = total_bytes
        self._at = at
        self._weighted = 0.0
        self._weight = 0.0
