"""Reads a file that a child has written. The child may be hostile: it may have put anything in its place."""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from types import TracebackType
from typing import Self

from jobs.processing.decoders.protocol import OUT, BrokenEvent
from jobs.storage.crc32 import crc32

CHUNK = 1 << 20
"""Bytes that are read at once."""


class OutputFile:
    """A regular file in the folder of outputs, for as long as a block lasts. No link is followed.

    Entering it raises `BrokenEvent` if there is no such file.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / OUT
        self._name = name
        self._sha256 = hashlib.sha256()
        self._folder = self._file = -1
        self.crc32 = 0
        """Of what was read."""

    @property
    def sha256(self) -> str:
        """Of what was read."""
        return self._sha256.hexdigest()

    def __enter__(self) -> Self:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._folder = os.open(self._path, flags | os.O_DIRECTORY)
            self._file = os.open(self._name, flags | os.O_NONBLOCK, dir_fd=self._folder)
            is_file = stat.S_ISREG(os.fstat(self._file).st_mode)
        except OSError as error:
            self._close()
            raise BrokenEvent("An output was reported that cannot be read.") from error
        if not is_file:
            self._close()
            raise BrokenEvent("An output was reported that is no file.")
        return self

    def start(self, size: int) -> bytes:
        """The first bytes of the content, at most `size`."""
        return os.pread(self._file, size, 0)

    async def first(self) -> bytes:
        """The first `CHUNK` bytes, which are all if they are fewer. The checksums are computed on the way."""
        return await asyncio.to_thread(self._read)

    async def chunks(self, first: bytes) -> AsyncIterator[bytes]:
        """The whole content, of which the first bytes were read."""
        chunk = first
        while chunk:
            yield chunk
            chunk = await asyncio.to_thread(self._read)

    def _read(self) -> bytes:
        chunk = os.read(self._file, CHUNK)
        self.crc32 = crc32(chunk, self.crc32)
        self._sha256.update(chunk)
        return chunk

    def remove(self) -> None:
        """Removes the file, so that its space is free for others."""
        os.unlink(self._name, dir_fd=self._folder)

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._close()

    def _close(self) -> None:
        for descriptor in (self._file, self._folder):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._folder = -1
