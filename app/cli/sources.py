"""Files of this machine that are to be put into the store."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.cli.errors import CommandFailed

_CHUNK = 1 << 20


class Unreadable(CommandFailed):
    """A file that can't be read as a whole; the message names it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was there when it was looked for. `name` is what it is to be called; size in bytes."""

    path: Path
    name: str
    size: int


def find(paths: Iterable[Path]) -> Iterator[Source | Unreadable]:
    """The files, and those of the folders and below, named by their place from the folder on (`photos/a.jpg`).

    Links to files are followed, links to folders inside a folder are not.
    """
    for path in paths:
        if path.is_dir():
            yield from _walk(path)
        else:
            yield _look(path, path.name)


def _walk(folder: Path) -> Iterator[Source | Unreadable]:
    failed: list[OSError] = []
    prefix = Path(folder.name if folder.name != ".." else "")
    for parent, folders, files in os.walk(folder, onerror=failed.append):
        folders.sort()
        for name in sorted(files):
            path = Path(parent, name)
            yield _look(path, (prefix / path.relative_to(folder)).as_posix())
    yield from (_unreadable(error.filename, error) for error in failed)


def _look(path: Path, name: str) -> Source | Unreadable:
    try:
        found = path.stat()
    except OSError as error:
        return _unreadable(path, error)
    if not stat.S_ISREG(found.st_mode):
        return Unreadable(f"{path} is not a file")
    return Source(path, name, found.st_size)


async def read(source: Source) -> AsyncIterator[bytes]:
    """The content, a MiB at a time. Raises `Unreadable`, also when the file is changed meanwhile."""
    try:
        with await asyncio.to_thread(source.path.open, "rb", buffering=0) as file:
            before, count = os.fstat(file.fileno()), 0
            while chunk := await asyncio.to_thread(file.read, _CHUNK):
                count += len(chunk)
                yield chunk
            after = os.fstat(file.fileno())
    except OSError as error:
        raise _unreadable(source.path, error) from error
    if not count == before.st_size == after.st_size or before.st_mtime_ns != after.st_mtime_ns:
        raise Unreadable(f"{source.path} has changed while it was read")


def _unreadable(path: object, error: OSError) -> Unreadable:
    return Unreadable(f"{path} can't be read: {error.strerror or error}")
