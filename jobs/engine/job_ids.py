"""Job ids: UUIDs of version 7 (RFC 9562, section 5.7), which begin with the time at which they were made.

So the jobs of one day have ids of one range, and the rows about them are in one partition (`jobs.engine.sql.partitions`).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from secrets import randbits
from time import time_ns
from uuid import UUID

RANDOM_BITS = 74
"""The bits of an id that are not its time, version and variant: `rand_a` and `rand_b` of the RFC."""


class JobIds:
    """Makes ids. Each is greater than the one before, also within a millisecond and when the clock goes back."""

    def __init__(self, milliseconds: Callable[[], int] = lambda: time_ns() // 1_000_000) -> None:
        """`milliseconds` is the Unix time."""
        self._milliseconds = milliseconds
        self._last = 0
        """Time and random bits of the last id, as one number."""

    def next(self) -> UUID:
        """A new id."""
        number = self._milliseconds() << RANDOM_BITS | randbits(RANDOM_BITS)
        if number >> RANDOM_BITS <= self._last >> RANDOM_BITS:
            number = self._last + 1 + randbits(32)  # RFC 9562, section 6.2, method 2
        self._last = number
        return _uuid(number)


def first_id(at: datetime) -> UUID:
    """The lowest id that can be made at this time or later."""
    return _uuid(round(at.timestamp() * 1000) << RANDOM_BITS)


def _uuid(number: int) -> UUID:
    time, rand_a, rand_b = number >> RANDOM_BITS, number >> 62 & 0xFFF, number & (1 << 62) - 1
    return UUID(int=time << 80 | 7 << 76 | rand_a << 64 | 2 << 62 | rand_b)


new_job_id = JobIds().next
