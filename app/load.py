"""How loaded this gateway is: by its event loop, its database connections and the queue, not by others on its machine."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

SAMPLE_INTERVAL = 0.25
"""Seconds between two samples."""
SAMPLES = 8
"""Samples whose mean counts, so that a pause of the garbage collector is no load."""
LAG = 0.1
"""Delay of the event loop, in seconds, that counts as full load."""
HIGH, LOW = 0.8, 0.6
"""The load is high from the former on, until it is below the latter (seed 004, "Adaptive Rate Limiting")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """What the load consists of, each as a share of what counts as full."""

    event_loop: float = 0.0
    queue: float = 0.0
    database_pool: float = 0.0


class Load:
    """The load of the last two seconds, with hysteresis."""

    def __init__(self) -> None:
        self._samples: deque[Shares] = deque(maxlen=SAMPLES)
        self._sampled_at: float | None = None
        self.shares = Shares()
        self.is_high = False

    @property
    def value(self) -> float:
        """The highest of the shares."""
        return max(self.shares.event_loop, self.shares.queue, self.shares.database_pool)

    def sample(self, now: float, *, queue: float, database_pool: float) -> None:
        """Adds a sample; to be called every `SAMPLE_INTERVAL` on the event loop's clock: what it is late by is its lag.

        `queue`: queued jobs as a share of `MAX_QUEUED`. `database_pool`: the share of connections that are in use.
        """
        due = now if self._sampled_at is None else self._sampled_at + SAMPLE_INTERVAL
        self._sampled_at = now
        self._samples.append(Shares(event_loop=max(0.0, now - due) / LAG, queue=queue, database_pool=database_pool))
        count = len(self._samples)
        self.shares = Shares(
            event_loop=sum(one.event_loop for one in self._samples) / count,
            queue=queue,
            database_pool=sum(one.database_pool for one in self._samples) / count,
        )
        self.is_high = self.value >= (LOW if self.is_high else HIGH)
