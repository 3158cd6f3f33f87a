"""Backpressure: when too many jobs are queued, new ones are refused, rather than taken in to wait for hours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import ceil
from random import Random
from time import monotonic

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.engine.sql.jobs import count_queued
from jobs.errors import QueueFull

FRESH = 0.5
"""Seconds that a count is used for."""
BLIND_WAIT = (5.0, 30.0)
"""Seconds, at least and at most, after which to try again while the queue's pace is not known."""
LONGEST_WAIT = 300.0
"""Seconds after which to try again, whatever the queue's pace says."""

Wait = Callable[[int], float | None]


class Backpressure:
    """How many jobs are queued: as counted last, and what this process has added since.

    So the limit is a soft one: each of several gateways may let in what another has not counted yet.
    """

    def __init__(self, most: int, wait: Wait, random: Random, clock: Callable[[], float] = monotonic) -> None:
        """`wait`: seconds until so many jobs will have left the queue, None when that can't be told."""
        self._most = most
        self._wait = wait
        self._random = random
        self._clock = clock
        self._counting = asyncio.Lock()
        self._counted_at = float("-inf")
        self._depth = 0

    async def admit(self, connection: AsyncConnection) -> None:
        """Lets one more job into the queue. Raises `QueueFull`.

        It counts on the caller's connection: one that waited for a second could wait for itself.
        """
        async with self._counting:
            if self._clock() - self._counted_at > FRESH:
                self._depth = await count_queued(connection, 2 * self._most)
                self._counted_at = self._clock()
        if self._depth >= self._most:
            raise self._full()
        self._depth += 1

    def _full(self) -> QueueFull:
        position, seconds = self._depth + 1, self._retry_after()
        return QueueFull(
            f"{self._depth} jobs are queued, and {self._most} may be: this one would be number {position}."
            f" Nothing was written; try again in {seconds} s.",
            position,
            seconds,
        )

    def _retry_after(self) -> int:
        """Seconds until there should be room again; spread, so that those who were refused do not all come at once."""
        wait = self._wait(self._depth + 1 - self._most)
        if wait is None:
            return round(self._random.uniform(*BLIND_WAIT))
        return ceil(min(max(wait, 1) * self._random.uniform(1, 2), LONGEST_WAIT))
