"""Buckets of one process."""

from __future__ import annotations

import pytest

from app.access import buckets
from app.access.buckets import Buckets


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def taken(bucket: Buckets, name: str, times: int) -> int:
    """How many of these events there was room for."""
    return sum(not bucket.take(name) for _ in range(times))


def test_a_burst_then_a_rate() -> None:
    clock = Clock()
    bucket = Buckets(rate=20, burst=100, clock=clock)
    assert taken(bucket, "anna", 500) == 100
    assert bucket.take("anna") == pytest.approx(0.05, abs=1e-4)
    clock.now += 1
    assert taken(bucket, "anna", 500) == 20
    clock.now += 60
    assert taken(bucket, "anna", 500) == 100
    assert taken(bucket, "otto", 500) == 100


def test_the_wait_that_is_said_is_enough() -> None:
    clock = Clock()
    bucket = Buckets(rate=1 / 3, burst=7, clock=clock)
    assert taken(bucket, "anna", 10) == 7
    clock.now += bucket.wait("anna") + 1e-5
    assert bucket.wait("anna") == 0
    assert taken(bucket, "anna", 10) == 1


def test_what_is_added_without_room_has_to_be_waited_for() -> None:
    clock = Clock()
    bucket = Buckets(rate=1, burst=2, clock=clock)
    for _ in range(5):
        bucket.add("anna")
    assert bucket.wait("anna") == pytest.approx(4, abs=1e-4)


def test_memory_is_bounded_and_full_buckets_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buckets, "MAX_NAMES", 100)
    clock = Clock()
    bucket = Buckets(rate=1, burst=10, clock=clock)
    assert taken(bucket, "anna", 20) == 10
    for number in range(10_000):
        bucket.take(str(number))
        assert len(bucket._empty_at) <= 100  # noqa: SLF001
    assert bucket.take("anna") > 0
