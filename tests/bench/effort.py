"""How long a run is to take."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """Sizes are bytes, times are seconds. Every figure is the median of `rounds`, whose contenders take turns."""

    rounds: int
    seconds: float
    starts: int
    jobs: int
    large: tuple[int, int]
    """Number and size of the files of the bundle of large ones."""
    small: tuple[int, int]
    memory: tuple[int, int]
    """Sizes of the two bundles whose memory is compared."""


MIB = 1 << 20
FULL = Effort(
    rounds=3,
    seconds=5,
    starts=200,
    jobs=1000,
    large=(8, 128 * MIB),
    small=(1000, 64 * 1024),
    memory=(1024 * MIB, 4096 * MIB),
)
QUICK = Effort(
    rounds=1,
    seconds=2,
    starts=40,
    jobs=1000,
    large=(4, 32 * MIB),
    small=(200, 64 * 1024),
    memory=(256 * MIB, 512 * MIB),
)


def middle(rounds: Iterable[T], value: Callable[[T], float]) -> float:
    """The median of a value over the rounds."""
    return median(value(one) for one in rounds)
