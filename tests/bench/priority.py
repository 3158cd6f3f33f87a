"""Keeps other programs of the machine out of the figures."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HIGHEST = -20
"""Of the nice values (sched(7))."""
AUTOGROUP = Path("/proc/self/autogroup")
"""The nice value of the session as a whole, which the kernel compares with that of other sessions (sched(7))."""


@contextmanager
def before_other_programs() -> Iterator[bool]:
    """Give this process, and all that it starts meanwhile, the highest priority; yields whether that was allowed.

    Without it, a program that takes a core for 14 ms once a second decides what the p99 of a delivery is, and the more so
    the more processes a message passes. All that is compared gets the same priority. The servers of the stack have sessions
    of their own and keep the usual one.
    """
    nice, session = os.getpriority(os.PRIO_PROCESS, 0), _session()
    try:
        _set(HIGHEST, HIGHEST)
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        _set(nice, session)


@contextmanager
def usual_priority() -> Iterator[None]:
    """Give this process, and all that it starts meanwhile, the priority that programs have by default.

    For what workers run at the same time as a gateway: their decoders have sessions of their own, hence that priority.
    """
    nice, session = os.getpriority(os.PRIO_PROCESS, 0), _session()
    _set(max(nice, 0), max(session, 0))
    try:
        yield
    finally:
        _set(nice, session)


def _session() -> int:
    return int(AUTOGROUP.read_text().split()[-1]) if AUTOGROUP.exists() else 0


def _set(nice: int, session: int) -> None:
    """Raises `PermissionError` for the process; what the kernel refuses for the session stays as it is."""
    if nice != os.getpriority(os.PRIO_PROCESS, 0):
        os.setpriority(os.PRIO_PROCESS, 0, nice)
    if AUTOGROUP.exists() and session != _session():
        with suppress(OSError):
            AUTOGROUP.write_text(f"{session}")
