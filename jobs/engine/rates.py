"""Smoothed rates and remaining times: the numbers that people watch should not jump."""

from __future__ import annotations

from collections.abc import Mapping
from math import expm1, log
from typing import Any

QUEUE_HALF_LIFE = 30.0
"""Seconds in which a sample of a queue loses half of its weight."""
QUEUE_INTERVAL = 1.0
"""Least seconds between two samples of a queue."""
QUEUE_STALLED = 1 / 3600
"""Jobs per second below which a queue counts as stalled."""


class Rate:
    """Units per second, as an average in which the weight of a sample halves every `half_life` seconds.

    Samples may come at any interval: each counts for the time that it covers.
    """

    __slots__ = ("_at", "_half_life", "_stalled", "_total", "_weight", "_weighted")

    def __init__(self, half_life: float = 2.0, stalled: float = 1.0) -> None:
        """`stalled`: units per second below which the remaining time is unknown."""
        self._half_life = half_life
        self._stalled = stalled
        self._total: int | None = None
        self._at = 0.0
        self._weighted = 0.0
        self._weight = 0.0

    def feed(self, total: int, at: float) -> None:
        """Samples that `total` units were done at `at` seconds of a monotonic clock. A total that falls restarts it."""
        if self._total is None or total < self._total:
            self._restart(total, at)
            return
        elapsed = at - self._at
        if elapsed <= 0:
            return
        fresh = -expm1(-log(2) * elapsed / self._half_life)
        rate = (total - self._total) / elapsed
        self._weighted += fresh * (rate - self._weighted)
        self._weight += fresh * (1 - self._weight)
        self._total, self._at = total, at

    @property
    def per_second(self) -> float | None:
        """None until there are two samples."""
        return self._weighted / self._weight if self._weight else None

    def eta(self, remaining: int) -> float | None:
        """Seconds until `remaining` units are done; None if unknown: too early, or stalled."""
        if remaining <= 0:
            return 0.0
        rate = self.per_second
        return remaining / rate if rate is not None and rate >= self._stalled else None

    def _restart(self, total: int, at: float) -> None:
        self._total = total
        self._at = at
        self._weighted = 0.0
        self._weight = 0.0


class QueueRate:
    """How fast a queue moves up, from samples of the places in it."""

    def __init__(self) -> None:
        self._rate = Rate(QUEUE_HALF_LIFE, QUEUE_STALLED)
        self._places: Mapping[Any, int] | None = None
        self._started = 0
        self._at = 0.0

    def feed(self, places: Mapping[Any, int], at: float) -> None:
        """Samples the places, from 1, at `at` seconds of a monotonic clock. A sample too soon after the last is ignored."""
        if self._places is None:
            self._rate.feed(0, at)
        elif at - self._at < QUEUE_INTERVAL:
            return
        else:
            self._started += _gone(self._places, places)
            self._rate.feed(self._started, at)
        self._places, self._at = places, at

    def wait(self, place: int) -> float | None:
        """Seconds until the job at this place will have left; None if unknown."""
        return self._rate.eta(place)


def _gone(before: Mapping[Any, int], after: Mapping[Any, int]) -> int:
    """How many have left the queue ahead of the last job that is in both samples."""
    stayed = [(place, after[one]) for one, place in before.items() if one in after]
    if not stayed:
        return len(before)
    then, now = max(stayed)
    return max(0, then - now)
