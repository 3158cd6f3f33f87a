"""What a child does to itself before it runs a decoder. None of it can be undone."""

from __future__ import annotations

import os
import resource
import struct

from jobs.processing.confinement import landlock, seccomp
from jobs.processing.confinement.kernel import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    SIGKILL,
    process_control,
    system_call,
)
from jobs.processing.confinement.plan import Plan

OPEN_FILES = 64
MAX_TASKS = 128
"""Processes and threads that a child may have. The kernel holds every user but root to it; the worker looks for itself."""
_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
"""Of programs with shared libraries (glibc)."""
_CAPSET = {"x86_64": 126, "aarch64": 91}
_CAPABILITY_VERSION = 0x20080522


def set_subreaper() -> None:
    """Let descendants whose parents have ended become children of this process."""
    process_control(PR_SET_CHILD_SUBREAPER, 1)


def restrict(plan: Plan) -> None:
    """Apply everything in the plan to this process. Raises `OSError`."""
    process_control(PR_SET_PDEATHSIG, SIGKILL)
    os.chdir(plan.scratch)
    _limit(resource.RLIMIT_AS, plan.memory)
    _limit(resource.RLIMIT_CPU, plan.cpu_seconds, plan.cpu_seconds + 1)  # SIGXCPU, then SIGKILL
    _limit(resource.RLIMIT_FSIZE, plan.file_size)
    _limit(resource.RLIMIT_NOFILE, OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    if plan.sandbox == "off":
        return
    process_control(PR_SET_NO_NEW_PRIVS, 1)
    own_signals_only = not plan.programs
    _limit(resource.RLIMIT_NPROC, plan.tasks or _count_tasks_of_user() + MAX_TASKS)
    if plan.landlock:
        own_signals_only |= landlock.abi() < landlock.SIGNALS_ABI
        landlock.restrict_self(_rights(plan))
    _give_up_capabilities()
    instructions = seccomp.filter_calls(
        os.uname().machine,
        os.getpid(),
        os.getppid(),
        programs=bool(plan.programs),
        own_signals_only=own_signals_only,
    )
    seccomp.install(instructions)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Set a limit, but none above that of the worker."""
    _, most = resource.getrlimit(kind)
    limits = [value if most == resource.RLIM_INFINITY else min(value, most) for value in (soft, hard or soft)]
    resource.setrlimit(kind, (limits[0], limits[1]))


def _count_tasks_of_user() -> int:
    """All threads of this user: what the kernel compares RLIMIT_NPROC with, outside a namespace."""
    if os.getuid() == 0:
        return 0  # root has no such limit
    count = 0
    for entry in os.scandir("/proc"):
        try:
            if entry.name.isdigit() and entry.stat().st_uid == os.getuid():
                count += sum(1 for _ in os.scandir(f"/proc/{entry.name}/task"))
        except OSError:
            continue  # it has just ended
    return count


def _rights(plan: Plan) -> dict[str, int]:
    rights = dict.fromkeys(plan.readable, landlock.READ)
    if plan.programs:
        loaders = [path for path in _LOADERS if os.path.exists(path)]
        rights |= dict.fromkeys([*plan.programs, *loaders], landlock.READ | landlock.EXECUTE)
    rights |= {"/dev/null": landlock.READ_FILE | landlock.WRITE_FILE, "/dev/urandom": landlock.READ_FILE}
    return rights | {plan.scratch: landlock.WORK}


def _give_up_capabilities() -> None:
    """Give up what root may do beyond others. The files of root stay its own, within the limits of Landlock."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    system_call(_CAPSET[os.uname().machine], header, struct.pack("=6I", 0, 0, 0, 0, 0, 0))
