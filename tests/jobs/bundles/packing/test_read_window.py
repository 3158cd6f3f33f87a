"""The number of reads in flight, on connections of all kinds. The clock is simulated."""

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


def connection(latency: float, rate: float, spans: int = 1) -> tuple[BandwidthDelayEstimator, Clock]:
    """An estimator that has measured this latency and rate for some intervals, and its clock."""
    clock = Clock()
    bandwidth = BandwidthDelayEstimator(clock)
    for _ in range(spans):
        bandwidth.record_latency(latency)
        clock.now += RATE_INTERVAL
        bandwidth.record_bytes(round(rate * RATE_INTERVAL))
    return bandwidth, clock


async def at_once(bandwidth: BandwidthDelayEstimator, *sizes: int) -> int:
    """The number of reads of these sizes, in turn, that the window admits at once."""
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
async def test_before_any_measurement_the_window_is_24_mib(size: int, reads: int) -> None:
    assert await at_once(BandwidthDelayEstimator(Clock()), size) == reads


@pytest.mark.parametrize(
    ("latency", "rate", "reads"),
    [(0.001, 500, 8), (0.02, 125, 10), (0.1, 125, 20), (0.25, 125, 39), (1.0, 1000, MAX_READS), (0.001, 1, 8)],
)
async def test_the_window_is_the_bandwidth_delay_product_and_a_part(latency: float, rate: float, reads: int) -> None:
    bandwidth, _ = connection(latency, rate * MIB)
    assert await at_once(bandwidth, MIB) == reads


async def test_the_number_of_reads_has_bounds() -> None:
    bandwidth, _ = connection(0.02, 125 * MIB)
    assert await at_once(bandwidth, 64 * 1024) == MAX_READS
    assert await at_once(bandwidth, PART) == MIN_READS


async def test_the_ends_of_files_do_not_displace_large_ranges() -> None:
    bandwidth, _ = connection(0.02, 125 * MIB)
    assert await at_once(bandwidth, PART, 1000) == 2 * MIN_READS


async def test_a_read_that_ends_admits_the_next() -> None:
    window = ReadWindow(BandwidthDelayEstimator(Clock()), PART)
    for _ in range(3 * MAX_READS):
        async with window.admit(PART):
            pass


def test_time_spent_in_queues_does_not_count() -> None:
    bandwidth, _ = connection(0.02, 125 * MIB)
    held = bandwidth.bandwidth_delay_product()
    bandwidth.record_latency(0.5)
    assert bandwidth.bandwidth_delay_product() == held


def test_pauses_do_not_count_and_changes_are_noticed() -> None:
    bandwidth, clock = connection(0.02, 100 * MIB, spans=3)
    clock.now += 60
    bandwidth.record_bytes(MIB)
    assert bandwidth.bandwidth_delay_product() == pytest.approx(2 * MIB, rel=0.01)
    for _ in range(max(LATENCY_SAMPLES, RATE_SAMPLES)):
        bandwidth.record_latency(0.1)
        clock.now += RATE_INTERVAL
        bandwidth.record_bytes(round(10 * MIB * RATE_INTERVAL))
    assert bandwidth.bandwidth_delay_product() == pytest.approx(MIB, rel=0.01)
