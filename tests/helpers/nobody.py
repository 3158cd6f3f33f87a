"""Runs a Python program as nobody, who may read this interpreter and this project, wherever they are.

This is also that program's first half: in a mount namespace of its own it makes folders that only root can enter, such as
`/root`, enterable, with nothing in them but what is needed. Then it becomes nobody.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

NOBODY = 65534
_NEW_MOUNTS, _BIND, _RECURSIVE, _PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000


def as_nobody(*arguments: str) -> list[str]:
    """Return the command that runs Python with these arguments as nobody. Needs root."""
    return [sys.executable, __file__, *arguments]


def _hidden(path: Path) -> Path | None:
    """The topmost folder above the path that others cannot enter."""
    return next((folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001), None)


def _expose(paths: list[Path]) -> None:
    libc = ctypes.CDLL(None, use_errno=True)

    def checked(result: int) -> None:
        if result < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    checked(libc.unshare(_NEW_MOUNTS))
    checked(libc.mount(b"none", b"/", None, _RECURSIVE | _PRIVATE, None))
    below: dict[Path, list[tuple[Path, int]]] = {}
    for path in paths:
        hidden = _hidden(path)
        if hidden is not None:
            below.setdefault(hidden, []).append((path, os.open(path, os.O_PATH)))
    for hidden, needed in below.items():
        checked(libc.mount(b"tmpfs", bytes(hidden), b"tmpfs", 0, b"mode=755"))
        for path, opened in needed:
            path.mkdir(parents=True, exist_ok=True)
            checked(libc.mount(f"/proc/self/fd/{opened}".encode(), bytes(path), None, _BIND, None))


def main() -> None:
    project = Path(__file__).parents[2]
    _expose([Path(sys.base_prefix), Path(sys.prefix), project])
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])


if __name__ == "__main__":
    main()
