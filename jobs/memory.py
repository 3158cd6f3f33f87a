"""Tuning of the garbage collector and of malloc for a long-running process."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress

GC_THRESHOLD = 20_000
"""New objects between two collections of the young generation. With Python's default, 60 concurrent requests look old."""

_M_ARENA_MAX = -8
_M_MMAP_THRESHOLD = -3
"""mallopt(3), of glibc."""
MMAP_THRESHOLD = 256 * 1024
MAX_ARENAS = 2
"""Arenas of malloc. By default there are eight a core, and each thread that sends or reads keeps freed parts in its own."""


def limit_malloc_arenas() -> None:
    """Limit the arenas of glibc's malloc; call it before threads are started. Does nothing on other C libraries."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, MAX_ARENAS)


def return_large_blocks() -> None:
    """Give freed blocks of `MMAP_THRESHOLD` bytes or more back to the system at once. Does nothing on other C libraries.

    By default glibc raises the threshold to the largest block that was freed, and keeps later ones of that size.
    """
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, MMAP_THRESHOLD)


def freeze_startup_objects() -> None:
    """Exclude all objects that exist now from garbage collection. Call it once, when a process is ready to work.

    Performance: without this every full collection scans some 170,000 objects of libraries, which blocks requests for
    0.1 s, and the p99 of status reads is five times as high (docs/benchmarks.md).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 10, 10)
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)  # glibc: returns memory that only startup needed to the system
