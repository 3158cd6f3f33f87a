"""Local files that are added to the store."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.cli.errors import CommandFailed

_CHUNK = 1 << 20


class UnreadableFile(CommandFailed):
    """A file at `path` that can't be read completely; the message names it."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path


@dataclass(frozen=True, slots=True)
class LocalFile:
    """A file, the name it gets in the catalogue, its size in bytes, and when it was last changed, if that is a date."""

    path: Path
    name: str
    size: int
    modified_at: datetime | None

    def require_unchanged(self, found: os.stat_result) -> None:
        """Raises `UnreadableFile` unless this is still the file that was found."""
        if (found.st_size, _moment(found.st_mtime_ns)) != (self.size, self.modified_at):
            raise UnreadableFile(self.path, "changed while it was being read")


def scan(paths: Iterable[Path]) -> Iterator[LocalFile | UnreadableFile]:
    """Yield the files, and all files below the folders, which are named from their folder on (`photos/a.jpg`).

    Links to files are followed; links to folders inside a folder are not.
    """
    for path in paths:
        if path.is_dir():
            yield from _walk(path)
        else:
            yield _inspect(path, path.name)


def _walk(folder: Path) -> Iterator[LocalFile | UnreadableFile]:
    failed: list[OSError] = []
    prefix = Path(folder.name if folder.name != ".." else "")
    for parent, folders, files in os.walk(folder, onerror=failed.append):
        folders.sort()
        for name in sorted(files):
            path = Path(parent, name)
            yield _inspect(path, (prefix / path.relative_to(folder)).as_posix())
    yield from (unreadable(Path(error.filename), error) for error in failed)


def _inspect(path: Path, name: str) -> LocalFile | UnreadableFile:
    try:
        found = path.stat()
    except OSError as error:
        return unreadable(path, error)
    if not stat.S_ISREG(found.st_mode):
        return UnreadableFile(path, "is not a file")
    return LocalFile(path, name, found.st_size, _moment(found.st_mtime_ns))


async def read(local_file: LocalFile) -> AsyncIterator[bytes]:
    """Yield the content, 1 MiB at a time. Raises `UnreadableFile`, also when the file changes while it is read."""
    try:
        with await asyncio.to_thread(local_file.path.open, "rb", buffering=0) as file:
            before, count = os.fstat(file.fileno()), 0
            while chunk := await asyncio.to_thread(file.read, _CHUNK):
                count += len(chunk)
                yield chunk
            after = os.fstat(file.fileno())
    except OSError as error:
        raise unreadable(local_file.path, error) from error
    if not count == before.st_size == after.st_size or before.st_mtime_ns != after.st_mtime_ns:
        raise UnreadableFile(local_file.path, "changed while it was being read")


def _moment(nanoseconds: int) -> datetime | None:
    """The time so long after 1970 in UTC. None for one beyond the year 9999, which some file systems can store."""
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return None


def unreadable(path: Path, error: OSError) -> UnreadableFile:
    """Return the error for a file that the operating system does not let this process read."""
    return UnreadableFile(path, f"can't be read: {error.strerror or error}")
