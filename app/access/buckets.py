"""Buckets: how often something may happen for each of many names, with bursts. Pure, but for the clock.

It is the generic cell rate algorithm (ITU-T I.371, annex A): all that is kept of a name is when its bucket is empty again.
"""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

MAX_NAMES = 50_000
"""Names that are remembered by one set of buckets, about 150 bytes each."""


class Buckets:
    """A bucket for each name: it holds `burst` events, and leaks `rate` of them a second."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        self._interval = 1 / rate
        self._capacity = burst / rate
        self._clock = clock
        self._empty_at: dict[str, float] = {}

    def take(self, name: str) -> float:
        """Counts an event, and returns 0, if there is room for it. Else returns the seconds until there is.

        Performance: it is part of every poll, so it does at once what `wait` and `add` do one after the other.
        """
        now = self._clock()
        empty_at = self._empty_at.get(name, now)
        if empty_at < now:  # noqa: PLR1730 - `max` takes longer
            empty_at = now
        empty_at += self._interval
        wait = empty_at - now - self._capacity
        if wait > _ROUNDING:
            return wait
        self._empty_at[name] = empty_at
        if len(self._empty_at) > MAX_NAMES:
            discard_empty(self._empty_at, now)
        return 0.0

    def wait(self, name: str) -> float:
        """Seconds until there is room for one more event; 0 if there is now. Counts nothing."""
        now = self._clock()
        wait = max(self._empty_at.get(name, now), now) + self._interval - self._capacity - now
        return wait if wait > _ROUNDING else 0.0

    def add(self, name: str) -> None:
        """Counts an event, whether there is room for it or not."""
        now = self._clock()
        self._empty_at[name] = max(self._empty_at.get(name, now), now) + self._interval
        if len(self._empty_at) > MAX_NAMES:
            discard_empty(self._empty_at, now)


_ROUNDING = 1e-6
"""Seconds by which sums of intervals may be off."""


def discard_empty(empty_at: dict[str, float], now: float) -> None:
    """Forgets all names whose bucket is empty. If most are not, also those who are the first to be: half of all."""
    kept = sorted(((at, name) for name, at in empty_at.items() if at > now), reverse=True)[: MAX_NAMES // 2]
    empty_at.clear()
    empty_at.update((name, at) for at, name in kept)
