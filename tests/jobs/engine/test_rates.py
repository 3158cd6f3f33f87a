"""Rates and remaining times, smoothed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.engine.rates import QueueRate, Rate

steps = st.lists(st.floats(0.001, 30), min_size=1, max_size=30)


def fed(*samples: tuple[int, float]) -> Rate:
    speed = Rate(half_life=2.0)
    for total, at in samples:
        speed.feed(total, at)
    return speed


@given(steps, st.integers(1, 1000))
def test_an_even_pace_is_met_exactly_however_samples_come(durations: list[float], rate: int) -> None:
    speed, at = fed((0, 100.0)), 100.0
    for duration in durations:
        at += duration
        speed.feed(round((at - 100) * rate * 1_000_000), at)
    assert speed.per_second == pytest.approx(rate * 1_000_000, rel=1e-3)


def test_nothing_is_said_before_two_moments_are_known() -> None:
    assert fed().per_second is None
    assert fed((5, 1.0)).per_second is None
    assert fed((5, 1.0)).eta(10) is None
    assert fed((5, 1.0), (9, 1.0)).per_second is None


def test_half_of_a_change_is_seen_after_a_half_life() -> None:
    speed = fed((0, 0.0), (100_000, 100.0), (100_000, 102.0))
    assert speed.per_second == pytest.approx(500)


def test_a_short_burst_counts_for_the_time_it_took() -> None:
    speed = fed((0, 0.0), (1_000_000, 0.001), (1_000_000, 2.001))
    assert speed.per_second is not None
    assert speed.per_second < 1_000_000


def test_samples_of_the_same_instant_are_not_lost() -> None:
    assert fed((0, 0.0), (50, 0.0), (100, 1.0)).per_second == pytest.approx(100)


def test_a_total_that_falls_starts_anew() -> None:
    speed = fed((0, 0.0), (100, 1.0), (10, 2.0))
    assert speed.per_second is None
    speed.feed(30, 3.0)
    assert speed.per_second == pytest.approx(20)


def test_the_time_left_follows_the_speed() -> None:
    speed = fed((0, 0.0), (100, 1.0))
    assert speed.eta(1000) == pytest.approx(10)
    assert speed.eta(0) == 0
    assert fed().eta(0) == 0


def test_no_time_is_left_to_tell_when_stalled() -> None:
    assert fed((0, 0.0), (100, 1.0), (100, 1000.0)).eta(10) is None


def paced(*looks: tuple[str, float]) -> QueueRate:
    pace = QueueRate()
    for queue, at in looks:
        pace.feed({job: place for place, job in enumerate(queue, 1)}, at)
    return pace


def test_a_place_is_reached_as_fast_as_the_queue_moves() -> None:
    pace = paced(("abcdef", 0.0), ("cdefghijk", 4.0))
    assert pace.wait(9) == pytest.approx(18)


def test_jobs_that_join_behind_or_leave_behind_say_nothing_of_the_pace() -> None:
    assert paced(("abcd", 0.0), ("bcxyz", 10.0)).wait(5) == pytest.approx(50)


def test_a_queue_that_was_all_worked_off_moved_by_its_length() -> None:
    assert paced(("abcd", 0.0), ("xy", 8.0)).wait(2) == pytest.approx(4)


def test_a_queue_that_stands_still_or_was_seen_once_promises_nothing() -> None:
    assert paced(("abcd", 0.0)).wait(1) is None
    assert paced(("abcd", 0.0), ("abcd", 100.0)).wait(1) is None


def test_looks_that_follow_at_once_are_one() -> None:
    assert paced(("abcd", 0.0), ("bcd", 0.001), ("cd", 4.0)).wait(1) == pytest.approx(2)
