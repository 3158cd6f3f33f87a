"""How long a run is to take."""

from __future__ import annotations

import os
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
    small_jobs: int
    """Jobs of a few files of 1 KiB that run one after the other."""
    logs: int
    """Size of the logs that are deflated."""
    memory: tuple[int, int]
    """Sizes of the two bundles whose memory is compared."""
    followers: int
    """Live followers, where their number is not the point."""
    held: tuple[int, int]
    """Followers of one process that are held at once, the fewer and the more."""
    remembered: int
    """Followers whose memory is measured."""
    steps: tuple[int, ...]
    """Deliveries a second that are tried."""
    finished: int
    """Files of each job whose way from the worker to the follower is timed."""
    every: int
    """Of the files of the bundles that are compared with others', so many in one."""
    giant: tuple[int, int]
    """Sizes of the two bundles during which a worker's memory must not pass the same bound."""
    grown: tuple[int, int]
    """Jobs and files of the catalogue that have piled up."""
    operated: int
    """Jobs of all owners that operators look through."""
    uploaded: int
    """Size of the file that is uploaded in different ways."""
    returned: int
    """Size of what is uploaded and then bundled."""
    streams: tuple[int, int]
    """Number and size of the files that the intake receives at once."""
    forms: int
    """Files that are sent by form, one after the other, by each of a few clients."""
    paced: float
    """Seconds for which requests come at a steady pace."""
    photos: int
    """Photos that are processed."""
    mixed: int
    """Files of all sorts that are processed."""
    is_far: bool = True
    """Whether uploads are also measured over a link."""
    builds: bool = True
    """Whether programs that are compared are built, if they are not yet: that takes minutes."""


MIB = 1 << 20
FULL = Effort(
    rounds=3,
    seconds=5,
    starts=200,
    jobs=1000,
    large=(8, 128 * MIB),
    small=(1000, 64 * 1024),
    small_jobs=1000,
    logs=512 * MIB,
    memory=(1024 * MIB, 4096 * MIB),
    followers=1000,
    held=(4000, 10_000),
    remembered=4000,
    steps=(25_000, 50_000, 60_000, 75_000, 90_000, 100_000, 125_000),
    finished=16,
    every=1,
    giant=(1024 * MIB, 10 * 1024 * MIB),
    grown=(300_000, 1_000_000),
    operated=1_000_000,
    uploaded=1024 * MIB,
    returned=int(os.environ.get("HAULAGE_BENCH_RETURNED", 10 * 1024 * MIB)),
    streams=(50, 40 * MIB),
    forms=50,
    paced=60,
    photos=1000,
    mixed=1000,
)
QUICK = Effort(
    rounds=1,
    seconds=2,
    starts=40,
    jobs=1000,
    large=(4, 32 * MIB),
    small=(200, 64 * 1024),
    small_jobs=100,
    logs=64 * MIB,
    memory=(256 * MIB, 512 * MIB),
    followers=200,
    held=(200, 400),
    remembered=200,
    steps=(25_000,),
    finished=5,
    every=8,
    giant=(128 * MIB, 256 * MIB),
    grown=(20_000, 50_000),
    operated=20_000,
    uploaded=40 * MIB,
    returned=80 * MIB,
    streams=(8, 8 * MIB),
    forms=4,
    paced=3,
    photos=8,
    mixed=50,
    builds=False,
)


def percentile(values: Iterable[float], share: float) -> float:
    """The value that this share of them do not pass."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def middle(rounds: Iterable[T], value: Callable[[T], float]) -> float:
    """The median of a value over the rounds."""
    return median(value(one) for one in rounds)
