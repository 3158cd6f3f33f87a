"""System calls for which the standard library has no function."""

from __future__ import annotations

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38


def system_call(number: int, *arguments: object) -> int:
    """Return what the call returns. Raises `OSError`."""
    result: int = _libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def process_control(option: int, argument: object = 0, further: object = 0) -> None:
    """prctl(2). Raises `OSError`."""
    arguments = [value if not isinstance(value, int) else ctypes.c_ulong(value) for value in (argument, further, 0, 0)]
    if _libc.prctl(ctypes.c_int(option), *arguments) < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
