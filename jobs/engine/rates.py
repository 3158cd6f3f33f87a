"""Speed and time left, smoothed: the numbers that people watch should not jump."""

from __future__ import annotations

from collections.abc import Mapping
from math import expm1, log
from typing import Any

PACE_HALF_LIFE = 30.0
"""Seconds in which a look at a queue loses half of its weight."""
PACE_INTERVAL = 1.0
"""Seconds between two looks at a queue."""
PACE_STALLED = 1 / 3600
"""Jobs per second below which a queue stands still."""


class Speed:
    """Units per second, bytes or jobs, an average in which a moment counts half as much every `half_life` seconds.

    Samples may come at any distance: each counts for the time that it covers.
    """

    __slots__ = ("_at", "_half_life", "_stalled", "_total", "_weight", "_weighted")

    def __init__(self, half_life: float = 2.0, stalled: float = 1.0) -> None:
        """`stalled`: units per second below which a time left says nothing."""
        self._half_life = half_life
        self._stalled = stalled
        self._total: int | None = None
        self._at = 0.0
        self._weighted = 0.0
        self._weight = 0.0

    def feed(self, total: int, at: float) -> None:
        """`total` units were done at `at` seconds of a monotonic clock. A total that falls starts the average anew."""
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
        """None until two moments are known."""
        return self._weighted / self._weight if self._weight else None

    def eta(self, remaining: int) -> float | None:
        """Seconds until `remaining` units are done; None when that can't be told: too early, or stalled."""
        if remaining <= 0:
            return 0.0
        speed = self.per_second
        return remaining / speed if speed is not None and speed >= self._stalled else None

    def _restart(self, total: int, at: float) -> None:
        self._total = total
        self._at = at
        self._weighted = 0.0
        self._weight = 0.0


class Pace:
    """How fast a queue moves on, from looks at the places of those in it."""

    def __init__(self) -> None:
        self._speed = Speed(PACE_HALF_LIFE, PACE_STALLED)
        self._places: Mapping[Any, int] | None = None
        self._started = 0
        self._at = 0.0

    def feed(self, places: Mapping[Any, int], at: float) -> None:
        """The places, from 1, at so many seconds of a monotonic clock. Looks that follow too closely are left out."""
        if self._places is None:
            self._speed.feed(0, at)
        elif at - self._at < PACE_INTERVAL:
            return
        else:
            self._started += _gone(self._places, places)
            self._speed.feed(self._started, at)
        self._places, self._at = places, at

    def wait(self, place: int) -> float | None:
        """Seconds until the one at this place will have left; None when that can't be told."""
        return self._speed.eta(place)


def _gone(before: Mapping[Any, int], after: Mapping[Any, int]) -> int:
    """How many have left the queue ahead of the last one that was in it then and is still: the end may be new."""
    stayed = [(place, after[one]) for one, place in before.items() if one in after]
    if not stayed:
        return len(before)
    then, now = max(stayed)
    return max(0, then - now)
