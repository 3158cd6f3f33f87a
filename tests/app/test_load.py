"""The load of a gateway."""

from __future__ import annotations

import pytest

from app.load import SAMPLE_INTERVAL, SAMPLES, Load


def sampled(load: Load, *, start: float = 0.0, lag: float = 0.0, queue: float = 0.0, pool: float = 0.0) -> float:
    """As many samples as count, each late by `lag` seconds; returns the time of the last one."""
    now = start
    for _ in range(SAMPLES + 1):
        load.sample(now, queue=queue, database_pool=pool)
        now += SAMPLE_INTERVAL + lag
    return now


@pytest.mark.parametrize("reason", [{"lag": 0.08}, {"queue": 0.8}, {"pool": 0.8}])
def test_each_reason_makes_the_load_high(reason: dict[str, float]) -> None:
    load = Load()
    sampled(load, **{name: amount * 0.95 for name, amount in reason.items()})
    assert not load.is_high
    load = Load()
    sampled(load, **{name: amount * 1.01 for name, amount in reason.items()})
    assert load.is_high
    assert 0.8 <= load.value <= 0.81


def test_a_high_load_stays_so_until_it_is_below_the_lower_limit() -> None:
    load = Load()
    now = sampled(load, queue=0.85)
    now = sampled(load, start=now, queue=0.61)
    assert load.is_high
    now = sampled(load, start=now, queue=0.59)
    assert not load.is_high
    sampled(load, start=now, queue=0.79)
    assert not load.is_high


def test_one_pause_of_the_event_loop_is_no_load() -> None:
    load = Load()
    now = sampled(load)
    load.sample(now + 0.3, queue=0, database_pool=0)
    assert 0 < load.value < 0.8
    assert not load.is_high


def test_a_clock_that_is_early_is_no_load() -> None:
    load = Load()
    load.sample(0, queue=0, database_pool=0)
    load.sample(SAMPLE_INTERVAL / 2, queue=0, database_pool=0)
    assert load.value == 0
