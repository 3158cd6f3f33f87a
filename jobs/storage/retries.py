"""How calls to the store are retried within an attempt: one rule for reading, uploading, copying and completing.

A transient error is retried after an exponential pause with jitter, and progress resets the pause. `StorageOut` is not
transient: the circuit breaker is open, and the job is parked. SlowDown is retried in `jobs.storage`, which also lowers the
concurrency.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

from jobs.backoff import delay
from jobs.errors import HaulageError, StorageDown, StorageOut, StorageTimeout, StorageUnreachable
from jobs.storage.part_buffer import BodyStalled

MAX_PAUSE = 5.0
"""Seconds."""
MAX_RETRIES = 3
"""Of one call."""
FIRST_PAUSE = 0.8
"""Seconds before the first retry: all retries together outlast a restart of the store that takes a few seconds."""
T = TypeVar("T")
_TRANSIENT = (StorageDown, StorageUnreachable, StorageTimeout, BodyStalled)


def is_transient(error: Exception) -> bool:
    """True if the same call may succeed when it is retried soon."""
    return isinstance(error, _TRANSIENT) and not isinstance(error, StorageOut)


class Retries:
    """The retries of one operation. It gives up after `limit` retries or `patience` seconds without progress."""

    def __init__(
        self, first_pause: float, random: Random, *, limit: float = math.inf, patience: float = math.inf
    ) -> None:
        """`first_pause` and `patience` are seconds; the first try starts now."""
        self._first_pause = first_pause
        self._random = random
        self._limit = limit
        self._patience = patience
        self._failures = 0
        self._progress_at = asyncio.get_running_loop().time()

    async def pause(self, error: Exception, *, progress: bool = False) -> bool:
        """Sleeps before the next try and returns True; returns False at once when it is time to give up.

        `progress`: the failed try has made some. Raises the error itself unless it is transient.
        """
        if not is_transient(error):
            raise error
        now = asyncio.get_running_loop().time()
        if progress:
            self._failures, self._progress_at = 0, now
        self._failures += 1
        seconds = delay(self._failures, self._first_pause, MAX_PAUSE, self._random)
        if self._failures > self._limit or now + seconds - self._progress_at > self._patience:
            return False
        await asyncio.sleep(seconds)
        return True


async def retried(call: Callable[[], Awaitable[T]], random: Random) -> T:
    """The result of the call, which is retried `MAX_RETRIES` times. Raises its error unless that is transient."""
    retries = Retries(FIRST_PAUSE, random, limit=MAX_RETRIES)
    while True:
        try:
            return await call()
        except HaulageError as error:
            if not await retries.pause(error):
                raise
