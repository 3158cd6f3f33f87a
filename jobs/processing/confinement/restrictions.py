"""What a child does to itself before it runs a decoder. None of it can be undone."""

from __future__ import annotations

import os
import resource
import signal
from dataclasses import dataclass

from jobs.processing.confinement.kernel import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    process_control,
)

OPEN_FILES = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a child is to be restricted: an argument of the launcher, as JSON.

    `control` is the file descriptor of the socket to the worker, `scratch` the folder to work in. `memory` and
    `file_size` are bytes.
    """

    control: int
    scratch: str
    memory: int
    cpu_seconds: int
    file_size: int


def set_subreaper() -> None:
    """Let descendants whose parents have ended become children of this process."""
    process_control(PR_SET_CHILD_SUBREAPER, 1)


def restrict(plan: Plan) -> None:
    """Apply all limits to this process. Raises `OSError`."""
    process_control(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.chdir(plan.scratch)
    for limit, value in (
        (resource.RLIMIT_AS, plan.memory),
        (resource.RLIMIT_CPU, plan.cpu_seconds),
        (resource.RLIMIT_FSIZE, plan.file_size),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, most = resource.getrlimit(limit)
        allowed = value if most == resource.RLIM_INFINITY else min(value, most)
        resource.setrlimit(limit, (allowed, allowed))
    process_control(PR_SET_NO_NEW_PRIVS, 1)
