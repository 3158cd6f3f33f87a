"""A folder in memory, for the files of servers that need not outlive the tests."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

MEMORY = Path("/dev/shm")
ROOM = 4 << 30
"""Bytes that must be free: all test processes together take less than two, and containers often have only 64 MB there."""
PREFIX = "haulage-tests-"


@contextmanager
def memory_folder(instead: Path) -> Iterator[Path]:
    """An empty folder in memory that every user may enter. It is deleted at the end.

    Yields `instead` where there is no such file system, or too little room. Each folder is locked as long as its process
    lives, so that those of killed processes are found and deleted.
    """
    if not MEMORY.is_dir() or shutil.disk_usage(MEMORY).free < ROOM:
        yield instead
        return
    for left in MEMORY.glob(f"{PREFIX}*"):
        with suppress(OSError), _locked(left):
            shutil.rmtree(left)
    new = Path(mkdtemp(prefix="new-", dir=MEMORY))
    new.chmod(0o711)
    with _locked(new):
        folder = new.rename(MEMORY / f"{PREFIX}{new.name}")  # only now do others see it
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Holds the lock of a folder. Raises `BlockingIOError` if another process has it."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)
