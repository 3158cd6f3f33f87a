"""System calls for which the standard library has no function."""

from __future__ import annotations

import ctypes
import os

_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long

SIGKILL = 9
"""As in `signal`, whose import takes some milliseconds."""
PR_SET_PDEATHSIG = 1
PR_SET_SECCOMP = 22
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
_CLONE_THREAD = 0x10000

Argument = int | bytes | ctypes.Array[ctypes.c_char] | None
"""A number, or what a pointer points to."""


def system_call(number: int, *arguments: Argument) -> int:
    """Return what the call returns. Raises `OSError`."""
    return _checked(_libc.syscall(ctypes.c_long(number), *map(_word, arguments)))


def process_control(option: int, *arguments: Argument) -> None:
    """Call prctl(2). Raises `OSError`."""
    padded = (*arguments, 0, 0, 0, 0)[:4]
    _checked(_libc.prctl(ctypes.c_int(option), *map(_word, padded)))


def require_single_thread() -> None:
    """Raises `OSError` (EINVAL) if this process has other threads, which a fork would not have.

    The kernel checks it, without `/proc`: where there is a single thread, there is none to leave, and it does nothing.
    """
    _checked(_libc.unshare(_CLONE_THREAD))


def _word(argument: Argument) -> object:
    return ctypes.c_ulong(argument) if isinstance(argument, int) else argument


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result
