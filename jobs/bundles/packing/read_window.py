"""How many reads one bundle has in flight: as many as fill the connection to the store."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from jobs.concurrency import DynamicSemaphore

LATENCY_SAMPLES = 64
"""Reads whose latency is remembered."""
RATE_INTERVAL = 0.2
"""Seconds over which a rate is measured."""
RATE_SAMPLES = 10
"""Rates that are remembered."""
DEFAULT_WINDOW = 24 << 20
"""Bytes in flight before anything has been measured."""
MIN_READS, MAX_READS = 4, 64
"""Reads that one bundle has in flight: a few large ranges fill the connection, small files each wait for a response."""

MAX_SHARE = 7 / 8 / MIN_READS
"""The share of the window that a large range has: the ends of files still fit beside `MIN_READS` of them."""
WINDOW_SLOTS = 64_000
"""The whole window, in the unit in which shares of it are counted."""


class BandwidthDelayEstimator:
    """Measures latency and rate of the reads of a worker process. Only recent samples count, since both may change."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` returns monotonic seconds."""
        self.clock = clock
        self._latencies: deque[float] = deque(maxlen=LATENCY_SAMPLES)
        self._rates: deque[float] = deque(maxlen=RATE_SAMPLES)
        self._interval_start = clock()
        self._interval_bytes = 0

    def record_latency(self, seconds: float) -> None:
        """Records the time from a request to its first bytes."""
        self._latencies.append(seconds)

    def record_bytes(self, amount: int) -> None:
        """Records bytes that have arrived."""
        self._interval_bytes += amount
        now = self.clock()
        if now - self._interval_start >= RATE_INTERVAL:
            self._rates.append(self._interval_bytes / (now - self._interval_start))
            self._interval_start, self._interval_bytes = now, 0

    def bandwidth_delay_product(self) -> float | None:
        """Bytes in flight on a full connection (RFC 6349, section 1.1); None when nothing has been measured.

        The lowest latency counts, since the rest was spent in queues. While there are too few reads to fill the
        connection, their rate is too low; the product is then about what they request, and requesting more corrects it.
        """
        if not self._rates:
            return None
        return max(self._rates) * min(self._latencies)


class ReadWindow:
    """Limits the reads that one bundle has in flight to the bandwidth-delay product and some bytes ahead.

    Ahead is about one part of the bundle. With more, its parts would be read side by side and then uploaded side by side,
    and nothing would be read during the uploads.
    """

    def __init__(self, bandwidth: BandwidthDelayEstimator, ahead: int) -> None:
        """`ahead` is bytes."""
        self._bandwidth = bandwidth
        self._ahead = ahead
        self._slots = DynamicSemaphore(lambda: WINDOW_SLOTS)

    @asynccontextmanager
    async def admit(self, size: int) -> AsyncIterator[None]:
        """Waits until a read of `size` bytes fits into the window, and counts it for the duration of the block."""
        product = self._bandwidth.bandwidth_delay_product()
        window = DEFAULT_WINDOW if product is None else product + self._ahead
        share = int(min(max(size / window, 1 / MAX_READS), MAX_SHARE) * WINDOW_SLOTS)
        await self._slots.acquire(share)
        try:
            yield
        finally:
            self._slots.release(share)
