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
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    session = AUTOGROUP.read_text().split()[-1] if AUTOGROUP.exists() else None
    try:
        os.setpriority(os.PRIO_PROCESS, 0, HIGHEST)
    except PermissionError:
        yield False
        return
    with suppress(OSError):
        AUTOGROUP.write_text(f"{HIGHEST}")
    try:
        yield True
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        if session is not None:
            with suppress(OSError):
                AUTOGROUP.write_text(session)
