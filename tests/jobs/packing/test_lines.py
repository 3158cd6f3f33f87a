"""How many reads fill the line, on lines of all kinds. The clock is the test's own."""

from __future__ import annotations

import pytest

from jobs.packing.lines import ANSWERS, FEWEST, MOST, SPAN, SPANS, Line, reads_at_once

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


@pytest.mark.parametrize(("mean", "reads"), [(64 * 1024, MOST), (MIB, 24), (3 * MIB, 8), (PART, FEWEST), (0, MOST)])
def test_a_line_of_which_nothing_is_known_is_asked_for_24_mib(mean: float, reads: int) -> None:
    assert reads_at_once(Line(Clock()), mean, PART) == reads


@pytest.mark.parametrize(
    ("latency", "rate", "reads"),
    [(0.001, 500, 8), (0.02, 125, 10), (0.1, 125, 20), (0.25, 125, 39), (1.0, 1000, MOST), (0.001, 1, 8)],
)
def test_reads_fill_the_line_and_a_part(latency: float, rate: float, reads: int) -> None:
    line, _ = a_line(latency, rate * MIB)
    assert reads_at_once(line, MIB, PART) == reads


def test_small_files_are_never_too_few_and_large_ranges_never_too_many() -> None:
    line, _ = a_line(0.02, 125 * MIB)
    assert reads_at_once(line, 64 * 1024, PART) == MOST
    assert reads_at_once(line, PART, PART) == FEWEST


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
