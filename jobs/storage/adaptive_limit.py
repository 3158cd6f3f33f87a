"""An adaptive limit on concurrent calls to the store, and the retries of calls that it rejected as too many (SlowDown)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import TypeVar

from jobs.backoff import delay
from jobs.concurrency import DynamicSemaphore
from jobs.errors import HaulageError, StorageBusy

T = TypeVar("T")

FIRST_DELAY, MAX_DELAY = 0.1, 1.5
"""Seconds before the first retry, and at most before any."""
RETRY_TIMEOUT = 30.0
"""Seconds after which a call fails if the store is still too busy for it."""
BUSY_ERRORS: tuple[type[HaulageError], ...] = (StorageBusy,)


class AdaptiveLimit:
    """Additive increase, multiplicative decrease: each success raises the limit a little, a SlowDown halves it.

    A SlowDown in response to a call that started before the last decrease changes nothing, so a burst counts once.
    """

    def __init__(self, maximum: int, minimum: int = 2, random: Random | None = None) -> None:
        self.limit = float(maximum)
        """Calls that may run concurrently at the moment."""
        self._maximum = maximum
        self._minimum = minimum
        self._semaphore = DynamicSemaphore(lambda: self.limit)
        self._decreases = 0
        self._random = random or Random()  # noqa: S311 - jitter, not a secret

    async def run(
        self,
        call: Callable[[], Awaitable[T]],
        retry_on: tuple[type[HaulageError], ...] = BUSY_ERRORS,
        timeout: float | None = None,  # noqa: ASYNC109 - it limits the retries and cancels nothing
    ) -> T:
        """Return the result of `call`, retrying it while it raises `retry_on`, which must mean that it had no effect.

        Raises what the call raises, and the last `retry_on` error after `timeout` seconds (default `RETRY_TIMEOUT`).
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + (RETRY_TIMEOUT if timeout is None else timeout)
        last: HaulageError | None = None
        for tries in count(1):
            await self._semaphore.acquire()
            try:
                with self._adjusting(retry_on):
                    return await call()
            except retry_on as error:
                last = error
            pause = delay(tries, FIRST_DELAY, MAX_DELAY, self._random)
            if clock() + pause > deadline:
                raise last
            await asyncio.sleep(pause)
        raise AssertionError

    @contextmanager
    def _adjusting(self, busy: tuple[type[HaulageError], ...]) -> Iterator[None]:
        decreases = self._decreases
        try:
            yield
            self.limit = min(self._maximum, self.limit + 1 / self.limit)
        except busy:
            if decreases == self._decreases:
                self._decreases += 1
                self.limit = max(self._minimum, min(self.limit, self._semaphore.in_use) / 2)
            raise
        finally:
            self._semaphore.release()
