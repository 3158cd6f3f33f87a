"""How many cores a process may use."""

from __future__ import annotations

import os
from math import ceil
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""The CPU time that a container may use in a period, in microseconds (Linux, cgroup-v2.rst, "CPU Interface Files")."""


def usable_cores(quota: Path = QUOTA) -> int:
    """The cores that this process may run on, but no more than the CPU quota of its container allows; at least one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        most, period = quota.read_text().split()
        return max(1, min(cores, ceil(int(most) / int(period))))
    except (OSError, ValueError):  # no such file, or `max`, or the container is of another kind
        return cores
