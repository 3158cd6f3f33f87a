"""How long a job waits before its next attempt."""

from __future__ import annotations

from random import Random

_MOST_DOUBLINGS = 64  # enough for any sane maximum, and a float never overflows


def delay(attempt: int, base: float, maximum: float, random: Random) -> float:
    """Seconds to wait after attempt number `attempt` (from 1) has failed.

    Exponential with equal jitter: of `min(maximum, base · 2^(attempt-1))` seconds one half is fixed, so that nobody
    returns at once, and the other random, so that those who failed together don't return together.
    Raises `ValueError` for an attempt below 1.
    """
    if attempt < 1:
        msg = f"attempts count from 1, not {attempt}"
        raise ValueError(msg)
    longest = min(maximum, base * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS))
    return longest / 2 + random.uniform(0, longest / 2)
