"""A filter of system calls (seccomp(2)), in the instructions of classic BPF.

It lists what is refused, and not what is allowed, since the libraries that decode use whatever they like of the rest. A
call that is newer than the list does not exist for the child.
"""

from __future__ import annotations

import ctypes
import errno
import struct
from itertools import chain

from jobs.processing.confinement.kernel import PR_SET_PDEATHSIG, PR_SET_SECCOMP, process_control
from jobs.processing.confinement.system_calls import CHECKED, NEWEST, REFUSED, STARTING_PROGRAMS

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
"""For each machine, its column in `system_calls`, and its AUDIT_ARCH."""

_LOAD, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_SET, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER, _ARCHITECTURE, _ARGUMENTS = 0, 4, 16
"""Offsets in `struct seccomp_data`."""
_MODE_FILTER = 2
_CLONE_THREAD = 0x10000
NAMESPACES = 0x7E020000
"""The flags of `clone` for all of them."""
_SET_ID = 0o6000
_F_SETOWN, _F_SETSIG, _F_SETOWN_EX = 8, 10, 15
_FIOSETOWN, _SIOCSPGRP = 0x8901, 0x8902

Instruction = tuple[int, int, int, int]
"""Code, instructions to skip if true and if false, and operand: a `struct sock_filter`."""

_PERMIT: Instruction = (_RETURN, 0, 0, _ALLOW)
REFUSE: Instruction = (_RETURN, 0, 0, _ERRNO | errno.EPERM)
UNKNOWN: Instruction = (_RETURN, 0, 0, _ERRNO | errno.ENOSYS)


def filter_calls(
    machine: str, process: int, launcher: int, *, programs: bool, own_signals_only: bool
) -> list[Instruction]:
    """Return the filter for `process`, which was started by `launcher`.

    `programs`: it may start processes and programs. `own_signals_only`: it may signal nobody but itself; otherwise
    something else has to limit whom it reaches besides the launcher. Raises `OSError` on machines without a filter.
    """
    if machine not in ARCHITECTURES:
        raise OSError(f"there is no filter of system calls for {machine}")
    column, architecture = ARCHITECTURES[machine]
    signals = _if_equal(0, process) if own_signals_only else _unless_group_or(launcher)
    checks = {
        # No file gets the rights of its owner, whoever starts it.
        "open": unless_set(2, _SET_ID),
        "creat": unless_set(1, _SET_ID),
        "openat": unless_set(3, _SET_ID),
        # What these want is in memory, where no filter can read it. Libraries then use `openat` and `clone`.
        "openat2": [UNKNOWN],
        "clone3": [UNKNOWN],
        "clone": unless_set(0, NAMESPACES) if programs else _if_set(0, _CLONE_THREAD),
        # Who owns a file descriptor gets signals, of any kind.
        "fcntl": _unless_equal(1, _F_SETOWN, _F_SETSIG, _F_SETOWN_EX),
        "ioctl": _unless_equal(1, _FIOSETOWN, _SIOCSPGRP),
        "kill": signals,
        "tgkill": signals,
        "prctl": _unless_equal(0, PR_SET_PDEATHSIG),
        # 0 is the process itself.
        "prlimit64": _if_equal(0, 0),
        "sched_setparam": _if_equal(0, 0),
        "sched_setscheduler": _if_equal(0, 0),
        "sched_setattr": _if_equal(0, 0),
        "sched_setaffinity": _if_equal(0, 0),
    }
    refused = REFUSED if programs else REFUSED | STARTING_PROGRAMS
    rules = [(CHECKED[name][column], check) for name, check in checks.items()]
    rules += [(numbers[column], [REFUSE]) for numbers in refused.values()]
    return assemble(rules, architecture)


def assemble(rules: list[tuple[int | None, list[Instruction]]], architecture: int) -> list[Instruction]:
    """Return a filter of rules: the number of a call, if there is such a call, and the instructions for it."""
    return [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_JUMP_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _KILL_PROCESS),
        (_LOAD, 0, 0, _NUMBER),
        (_JUMP_GREATER, 0, 1, NEWEST),  # also the numbers of x32
        UNKNOWN,
        *chain.from_iterable(
            [(_JUMP_EQUAL, 0, len(check), number), *check] for number, check in rules if number is not None
        ),
        _PERMIT,
    ]


def _argument(position: int) -> Instruction:
    """Load the lower half of an argument: no call that is checked uses the other."""
    return (_LOAD, 0, 0, _ARGUMENTS + 8 * position)


def _if_equal(position: int, value: int) -> list[Instruction]:
    return [_argument(position), (_JUMP_EQUAL, 0, 1, value), _PERMIT, REFUSE]


def _unless_equal(position: int, *values: int) -> list[Instruction]:
    jumps = [(_JUMP_EQUAL, len(values) - index, 0, value) for index, value in enumerate(values)]
    return [_argument(position), *jumps, _PERMIT, REFUSE]


def _if_set(position: int, bits: int) -> list[Instruction]:
    return [_argument(position), (_JUMP_SET, 0, 1, bits), _PERMIT, REFUSE]


def unless_set(position: int, bits: int) -> list[Instruction]:
    return [_argument(position), (_JUMP_SET, 1, 0, bits), _PERMIT, REFUSE]


def _unless_group_or(process: int) -> list[Instruction]:
    """A negative number is a group, or everybody."""
    return [_argument(0), (_JUMP_SET, 2, 0, 1 << 31), (_JUMP_EQUAL, 1, 0, process), _PERMIT, REFUSE]


def install(instructions: list[Instruction]) -> None:
    """Filter the calls of this process and of all that it starts, for ever. Needs `no_new_privs`. Raises `OSError`."""
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *each) for each in instructions))
    header = struct.pack("@HP", len(instructions), ctypes.addressof(program))  # `struct sock_fprog`
    process_control(PR_SET_SECCOMP, _MODE_FILTER, ctypes.create_string_buffer(header))
