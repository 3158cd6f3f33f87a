"""Scratch space of a worker process: private folders for files that are being processed, bounded in bytes.

A process has a folder of its own in `SCRATCH_DIR`, with a lock on it for as long as it lives, however it ends. Whoever
starts removes the folders of those that have died.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import structlog

from jobs.errors import ScratchFull

log = structlog.get_logger()

PREFIX = "haulage-scratch-"
LOCK = "lock"


class Scratch:
    """The scratch space of this process: `size` bytes at most, in a folder `parent` that is shared with others."""

    def __init__(self, parent: Path, size: int) -> None:
        self.size = size
        self._parent = parent
        self._free = size
        self._root: Path | None = None
        self._lock: int | None = None
        """The descriptor of the lock, which stays open until the process ends."""

    @asynccontextmanager
    async def folder(self, amount: int) -> AsyncIterator[Path]:
        """An empty folder for up to `amount` bytes, which nobody else can read, for as long as the block lasts.

        Raises `ScratchFull` while others use so much, or the disk is so full, that there is no room.
        """
        if amount > self._free:
            raise ScratchFull(f"{amount:,} bytes of scratch space are needed, and {self._free:,} are free. Waiting.")
        self._free -= amount
        try:
            path = await asyncio.to_thread(self._create, amount)
            try:
                yield path
            finally:
                await asyncio.shield(asyncio.to_thread(shutil.rmtree, path, ignore_errors=True))
        finally:
            self._free += amount

    def _create(self, amount: int) -> Path:
        try:
            if self._root is None:
                self._root = self._open()
            free = shutil.disk_usage(self._root).free
            if free < amount:
                raise ScratchFull(f"{amount:,} bytes of scratch space are needed, and the disk has {free:,}. Waiting.")
            return Path(tempfile.mkdtemp(dir=self._root))
        except OSError as error:
            raise ScratchFull(f"SCRATCH_DIR cannot be used: {error.strerror or error}.") from error

    def _open(self) -> Path:
        """Creates the folder of this process, and removes those of processes that have died."""
        self._parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for other in self._parent.glob(f"{PREFIX}*"):
            _remove_if_abandoned(other)
        while True:
            root = Path(tempfile.mkdtemp(prefix=PREFIX, dir=self._parent))
            lock = os.open(root / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if (root / LOCK).exists():  # no other process has taken it for abandoned before it was locked
                self._lock = lock
                return root
            os.close(lock)

    def close(self) -> None:
        """Removes the folder of this process."""
        if self._root is not None and self._lock is not None:
            shutil.rmtree(self._root, ignore_errors=True)
            os.close(self._lock)
            self._root = self._lock = None


def _remove_if_abandoned(folder: Path) -> None:
    try:
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:  # it is being created, or is somebody else's
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return
    else:
        shutil.rmtree(folder, ignore_errors=True)
        log.info("scratch_removed", folder=folder.name)
    finally:
        os.close(lock)
