"""The rate limit and its bursts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.rate_limit import RateLimiter


@given(st.lists(st.floats(0, 0.5), max_size=100))
def test_never_more_than_the_sum_in_any_second(gaps: list[float]) -> None:
    limiter, now, allowed = RateLimiter(rate=7, burst=3), 0.0, []
    for gap in gaps:
        now += gap
        now += limiter.reserve(now)
        allowed.append(now)
    assert all(sum(start <= one < start + 1 - 1e-6 for one in allowed) <= 10 for start in allowed)


def test_a_burst_is_immediate_and_the_rest_is_spaced() -> None:
    limiter = RateLimiter(rate=10, burst=2)
    assert [limiter.reserve(5.0) for _ in range(4)] == pytest.approx([0, 0, 0.1, 0.2])
    assert limiter.reserve(60.0) == 0
