"""Backpressure: while too many jobs are queued, new ones are refused instead of accepted to wait for hours."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import ceil
from random import Random
from time import monotonic

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.engine.sql.jobs import count_queued
from jobs.errors import QueueFull
from jobs.kinds import Kind

COUNT_MAX_AGE = 0.5
"""Seconds for which a count of the queue is used again."""
UNKNOWN_RATE_WAIT = (5.0, 30.0)
"""Seconds, at least and at most, after which to retry while the rate of the queue is unknown."""
MAX_WAIT = 300.0
"""Most seconds after which to retry, whatever the rate of the queue."""

Wait = Callable[[int], float | None]


class Backpressure:
    """Limits the queued jobs of one kind, or its batch jobs, by the last count plus what this process has added since.

    The limit is soft: each of several gateways may admit what another one has not counted yet.
    """

    def __init__(
        self,
        kind: Kind,
        max_queued: int,
        wait: Wait,
        random: Random,
        clock: Callable[[], float] = monotonic,
        *,
        batch: bool = False,
    ) -> None:
        """`wait(n)` returns the seconds until n jobs will have left the queue, None if unknown."""
        self._kind = kind
        self._max_queued = max_queued
        self._wait = wait
        self._random = random
        self._clock = clock
        self._batch = batch
        self._counting = asyncio.Lock()
        self._counted_at = float("-inf")
        self._depth = 0

    async def admit(self, connection: AsyncConnection) -> None:
        """Admits one more job to the queue. Raises `QueueFull`.

        It counts on the caller's connection: waiting for a second one while holding the first could deadlock the pool.
        """
        await self.check_room(connection)
        self._depth += 1

    async def check_room(self, connection: AsyncConnection) -> None:
        """Checks that the queue has room, for jobs that enter it later. Raises `QueueFull`; counts as `admit` does."""
        await self._count(connection)
        if self._depth >= self._max_queued:
            raise self._full()

    async def fill(self, connection: AsyncConnection) -> float:
        """The queued jobs as a share of the limit: 1 if the queue is full."""
        await self._count(connection)
        return self._depth / self._max_queued

    async def _count(self, connection: AsyncConnection) -> None:
        async with self._counting:
            if self._clock() - self._counted_at > COUNT_MAX_AGE:
                self._depth = await count_queued(connection, self._kind, 2 * self._max_queued, batch=self._batch)
                self._counted_at = self._clock()

    def _full(self) -> QueueFull:
        position, seconds = self._depth + 1, self._retry_after()
        return QueueFull(
            f"The queue is full: {self._depth} of at most {self._max_queued} jobs are queued, and this one would be"
            f" number {position}. No job was created. Try again in {seconds} s.",
            position,
            seconds,
        )

    def _retry_after(self) -> int:
        """Seconds until there should be room, with jitter so that refused clients do not all come back at once."""
        wait = self._wait(self._depth + 1 - self._max_queued)
        if wait is None:
            return round(self._random.uniform(*UNKNOWN_RATE_WAIT))
        return ceil(min(max(wait, 1) * self._random.uniform(1, 2), MAX_WAIT))
