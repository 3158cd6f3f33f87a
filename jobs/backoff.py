"""The delay before a job's next attempt."""

from __future__ import annotations

from random import Random

_MAX_DOUBLINGS = 64  # enough for any sensible maximum, and a float never overflows


def delay(attempt: int, base: float, maximum: float, random: Random) -> float:
    """Return the seconds to wait after attempt number `attempt` (from 1) has failed.

    Exponential backoff with equal jitter: one half of `min(maximum, base · 2^(attempt-1))` seconds is fixed, so that no
    retry is immediate, and the other half is random, so that attempts which failed together are not retried together.
    Raises `ValueError` for an attempt below 1.
    """
    if attempt < 1:
        msg = f"attempts count from 1, not {attempt}"
        raise ValueError(msg)
    longest = min(maximum, base * 2.0 ** min(attempt - 1, _MAX_DOUBLINGS))
    return longest / 2 + random.uniform(0, longest / 2)
