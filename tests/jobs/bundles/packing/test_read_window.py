"""How many reads fill the line, on lines of all kinds. The clock is the test's own."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import count

import pytest

from jobs.bundles.packing.read_window import ANSWERS, FEWEST, MOST, SPAN, SPANS, Line, Reads
from jobs.concurrency import cancel_and_wait

MIB = 1 << 20
PART = 8 * MIB


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def a_line(latency: float, rate: float, spans: int = 1) -> tuple[Line, Clock]:
    """Over which so many bytes a second have come for so many spans."""
    clock = Clock()
    line = Line(clock)
    for _ in range(spans):
        line.answered(latency)
        clock.now += SPAN
        line.came(round(rate * SPAN))
    return line, clock


async def at_once(line: Line, *sizes: int) -> int:
    """How many reads of such sizes, one after the other, have room beside each other; a part is asked for ahead."""
    reads = Reads(line, PART)
    async with AsyncExitStack() as stack:
        for number in count():
            entering = asyncio.create_task(stack.enter_async_context(reads.one(sizes[number % len(sizes)])))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if not entering.done():
                await cancel_and_wait(entering)
                return number
    raise AssertionError


@pytest.mark.parametrize(("size", "reads"), [(64 * 1024, MOST), (MIB, 24), (3 * MIB, 8), (PART, FEWEST), (0, MOST)])
async def test_a_line_of_which_nothing_is_known_is_asked_for_24_mib(size: int, reads: int) -> None:
    assert await at_once(Line(Clock()), size) == reads


@pytest.mark.parametrize(
    ("latency", "rate", "reads"),
    [(0.001, 500, 8), (0.02, 125, 10), (0.1, 125, 20), (0.25, 125, 39), (1.0, 1000, MOST), (0.001, 1, 8)],
)
async def test_reads_fill_the_line_and_a_part(latency: float, rate: float, reads: int) -> None:
    line, _ = a_line(latency, rate * MIB)
    assert await at_once(line, MIB) == reads


async def test_small_files_are_never_too_few_and_large_ranges_never_too_many() -> None:
    line, _ = a_line(0.02, 125 * MIB)
    assert await at_once(line, 64 * 1024) == MOST
    assert await at_once(line, PART) == FEWEST


async def test_the_ends_of_files_take_no_large_ranges_place() -> None:
    line, _ = a_line(0.02, 125 * MIB)
    assert await at_once(line, PART, 1000) == 2 * FEWEST


async def test_a_read_that_ends_makes_room() -> None:
    reads = Reads(Line(Clock()), PART)
    for _ in range(3 * MOST):
        async with reads.one(PART):
            pass


def test_time_spent_in_queues_does_not_count() -> None:
    line, _ = a_line(0.02, 125 * MIB)
    held = line.holds()
    line.answered(0.5)
    assert line.holds() == held


def test_a_pause_does_not_count_and_a_line_that_has_changed_is_seen_to_have() -> None:
    line, clock = a_line(0.02, 100 * MIB, spans=3)
    clock.now += 60
    line.came(MIB)
    assert line.holds() == pytest.approx(2 * MIB, rel=0.01)
    for _ in range(max(ANSWERS, SPANS)):
        line.answered(0.1)
        clock.now += SPAN
        line.came(round(10 * MIB * SPAN))
    assert line.holds() == pytest.approx(MIB, rel=0.01)
