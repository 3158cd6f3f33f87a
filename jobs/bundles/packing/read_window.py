"""The way to the store, as reads show it, and how many of them it takes to fill it."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from jobs.concurrency import DynamicSemaphore

ANSWERS = 64
"""Reads whose latency is looked back at."""
SPAN = 0.2
"""Seconds over which a rate is taken."""
SPANS = 10
"""Rates that are looked back at."""
UNKNOWN = 24 << 20
"""Bytes to ask for at once before anything is known of the line."""
FEWEST, MOST = 4, 64
"""Reads that one bundle has under way: large ranges fill the line with few, small files wait for one answer each."""

LARGEST = 7 / 8 / FEWEST
"""Share of what is under way that a large range has: the ends of files find room beside the fewest."""
ALL = 64_000
"""What a share is counted in."""


class Line:
    """Latency and rate of the reads of a worker process. All that is looked at is recent: a line may change."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` is seconds that never go back."""
        self.clock = clock
        self._latencies: deque[float] = deque(maxlen=ANSWERS)
        self._rates: deque[float] = deque(maxlen=SPANS)
        self._since = clock()
        self._came = 0

    def answered(self, seconds: float) -> None:
        """The first bytes of a read came so many seconds after they were asked for."""
        self._latencies.append(seconds)

    def came(self, amount: int) -> None:
        """So many bytes came in."""
        self._came += amount
        now = self.clock()
        if now - self._since >= SPAN:
            self._rates.append(self._came / (now - self._since))
            self._since, self._came = now, 0

    def holds(self) -> float | None:
        """Bytes that are on their way when the line is full: its rate times its latency (RFC 6349, section 1.1).

        The least latency counts: what is above it was spent in queues. While reads are too few to fill the line, their rate
        is too low, but then this is about what they ask for, and who asks for more than that finds out.
        """
        if not self._rates:
            return None
        return max(self._rates) * min(self._latencies)


class Reads:
    """The reads that one bundle has under way: they ask for what fills the line, and for some bytes more.

    These are about a part of the bundle. With more, its parts come in side by side, and are then sent side by side:
    nothing comes in while they go out.
    """

    def __init__(self, line: Line, ahead: int) -> None:
        self._line = line
        self._ahead = ahead
        self._shares = DynamicSemaphore(lambda: ALL)

    @asynccontextmanager
    async def one(self, size: int) -> AsyncIterator[None]:
        """Waits until a read of `size` bytes has room, which it has while this is open."""
        held = self._line.holds()
        wanted = UNKNOWN if held is None else held + self._ahead
        share = int(min(max(size / wanted, 1 / MOST), LARGEST) * ALL)
        await self._shares.acquire(share)
        try:
            yield
        finally:
            self._shares.release(share)
