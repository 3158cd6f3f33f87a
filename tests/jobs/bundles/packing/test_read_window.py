"""How many reads fill the bandwidth, on lines of all kinds. The clock is the test's own."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import count

import pytest

from jobs.bundles.packing.read_window import (
    LATENCY_SAMPLES,
    MAX_READS,
    MIN_READS,
    RATE_INTERVAL,
    RATE_SAMPLES,
    BandwidthDelayEstimator,
    ReadWindow,
)
from jobs.concurrency import cancel_and_wait

MIB = 1 << 20
PART = 8 * MIB


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def measured(latency: float, rate: float, spans: int = 1) -> tuple[BandwidthDelayEstimator, Clock]:
    """Over which so many bytes a second have come for so many spans."""
    clock = Clock()
    bandwidth = BandwidthDelayEstimator(clock)
    for _ in range(spans):
        bandwidth.record_latency(latency)
        clock.now += RATE_INTERVAL
        bandwidth.record_bytes(round(rate * RATE_INTERVAL))
    return bandwidth, clock


async def at_once(bandwidth: BandwidthDelayEstimator, *sizes: int) -> int:
    """How many reads of such sizes, one after the other, have room beside each other; a part is asked for ahead."""
    window = ReadWindow(bandwidth, PART)
    async with AsyncExitStack() as stack:
        for number in count():
            entering = asyncio.create_task(stack.enter_async_context(window.admit(sizes[number % len(sizes)])))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if not entering.done():
                await cancel_and_wait(entering)
                return number
    raise AssertionError


@pytest.mark.parametrize(
    ("size", "reads"), [(64 * 1024, MAX_READS), (MIB, 24), (3 * MIB, 8), (PART, MIN_READS), (0, MAX_READS)]
)
async def test_a_line_of_which_nothing_is_known_is_asked_for_24_mib(size: int, reads: int) -> None:
    assert await at_once(BandwidthDelayEstimator(Clock()), size) == reads


@pytest.mark.parametrize(
    ("latency", "rate", "reads"),
    [(0.001, 500, 8), (0.02, 125, 10), (0.1, 125, 20), (0.25, 125, 39), (1.0, 1000, MAX_READS), (0.001, 1, 8)],
)
async def test_reads_fill_the_line_and_a_part(latency: float, rate: float, reads: int) -> None:
    bandwidth, _ = measured(latency, rate * MIB)
    assert await at_once(bandwidth, MIB) == reads


async def test_small_files_are_never_too_few_and_large_ranges_never_too_many() -> None:
    bandwidth, _ = measured(0.02, 125 * MIB)
    assert await at_once(bandwidth, 64 * 1024) == MAX_READS
    assert await at_once(bandwidth, PART) == MIN_READS


async def test_the_ends_of_files_take_no_large_ranges_place() -> None:
    bandwidth, _ = measured(0.02, 125 * MIB)
    assert await at_once(bandwidth, PART, 1000) == 2 * MIN_READS


async def test_a_read_that_ends_makes_room() -> None:
    window = ReadWindow(BandwidthDelayEstimator(Clock()), PART)
    for _ in range(3 * MAX_READS):
        async with window.admit(PART):
            pass


def test_time_spent_in_queues_does_not_count() -> None:
    bandwidth, _ = measured(0.02, 125 * MIB)
    held = bandwidth.bandwidth_delay_product()
    bandwidth.record_latency(0.5)
    assert bandwidth.bandwidth_delay_product() == held


def test_a_pause_does_not_count_and_a_line_that_has_changed_is_seen_to_have() -> None:
    bandwidth, clock = measured(0.02, 100 * MIB, spans=3)
    clock.now += 60
    bandwidth.record_bytes(MIB)
    assert bandwidth.bandwidth_delay_product() == pytest.approx(2 * MIB, rel=0.01)
    for _ in range(max(LATENCY_SAMPLES, RATE_SAMPLES)):
        bandwidth.record_latency(0.1)
        clock.now += RATE_INTERVAL
        bandwidth.record_bytes(round(10 * MIB * RATE_INTERVAL))
    assert bandwidth.bandwidth_delay_product() == pytest.approx(MIB, rel=0.01)
