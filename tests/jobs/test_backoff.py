"""Backoff: exponential, capped, half of it random."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.backoff import delay


@given(st.integers(1, 10_000), st.floats(0.01, 100), st.floats(0.01, 1000), st.integers())
def test_a_delay_is_between_half_and_all_of_the_doubled_base(
    attempt: int, base: float, maximum: float, seed: int
) -> None:
    longest = min(maximum, base * 2 ** min(attempt - 1, 100))
    assert longest / 2 <= delay(attempt, base, maximum, Random(seed)) <= longest


def test_simultaneous_delays_differ() -> None:
    random = Random(7)
    delays = {delay(3, 1, 60, random) for _ in range(100)}
    assert len(delays) == 100
    assert min(delays) < 2.2
    assert max(delays) > 3.8


def test_attempts_count_from_one() -> None:
    assert delay(1, 1, 60, Random(1)) <= 1
    with pytest.raises(ValueError, match="from 1"):
        delay(0, 1, 60, Random(1))
