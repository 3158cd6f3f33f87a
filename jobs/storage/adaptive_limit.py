"""How many calls the store is asked at once, and what becomes of those for which it asks for fewer (SlowDown)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from random import Random
from typing import TypeVar

from jobs.backoff import delay
from jobs.concurrency import Slots
from jobs.errors import HaulageError, StorageBusy

T = TypeVar("T")

FIRST, LONGEST = 0.1, 1.5
"""Seconds before a call is made again, the first time and at most."""
PATIENCE = 30.0
"""Seconds after which a call that the store is always too busy for has failed."""
BUSY: tuple[type[HaulageError], ...] = (StorageBusy,)


class Pace:
    """Additive increase, multiplicative decrease: each success allows a little more, a SlowDown half as many.

    A SlowDown that answers a call from before the last decrease changes nothing: a burst of them counts once.
    """

    def __init__(self, most: int, fewest: int = 2, random: Random | None = None) -> None:
        self.limit = float(most)
        """Calls that may be under way now."""
        self._most = most
        self._fewest = fewest
        self._slots = Slots(lambda: self.limit)
        self._cuts = 0
        self._random = random or Random()  # noqa: S311 - jitter, not a secret

    async def run(
        self,
        call: Callable[[], Awaitable[T]],
        busy: tuple[type[HaulageError], ...] = BUSY,
        patience: float | None = None,
    ) -> T:
        """What the call comes to; while it raises `busy`, in which case it has done nothing, it is made again.

        Raises what the call does, and `busy` after `patience` seconds, which are `PATIENCE` unless told otherwise.
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + (PATIENCE if patience is None else patience)
        refusal: HaulageError | None = None
        for tries in count(1):
            await self._slots.take()
            try:
                with self._judged(busy):
                    return await call()
            except busy as error:
                refusal = error
            pause = delay(tries, FIRST, LONGEST, self._random)
            if clock() + pause > deadline:
                raise refusal
            await asyncio.sleep(pause)
        raise AssertionError

    @contextmanager
    def _judged(self, busy: tuple[type[HaulageError], ...]) -> Iterator[None]:
        cuts = self._cuts
        try:
            yield
            self.limit = min(self._most, self.limit + 1 / self.limit)
        except busy:
            if cuts == self._cuts:
                self._cuts += 1
                self.limit = max(self._fewest, min(self.limit, self._slots.taken) / 2)
            raise
        finally:
            self._slots.give()
