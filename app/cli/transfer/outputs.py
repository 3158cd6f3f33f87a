"""What a result is written to: a file that appears when it is complete, or a stream that takes each byte as it comes."""

from __future__ import annotations

import itertools
import os
import select
import shutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from app.cli.errors import CommandFailed
from jobs.files.names import MAX_COMPONENT, add_to_stem, shorten


class Output(ABC):
    """Use it as a context manager. Its methods raise `CommandFailed`, which names the output and says why."""

    path: Path | None
    """Where the result is. None for standard output."""

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Append the next bytes."""

    @abstractmethod
    def restart(self) -> None:
        """Discard what was written, because the result is sent again from its first byte."""

    @abstractmethod
    def complete(self) -> None:
        """Finish after the last byte."""


class Stream(Output):
    """A FIFO, a device, or standard output. It is written through and never replaced; what was written stays."""

    def __init__(self, path: Path | None) -> None:
        """Open what is at `path`, or standard output for None. A FIFO waits for its reader. Raises `OSError`."""
        self.path = path
        self._name = "Standard output" if path is None else str(path)
        self._written = False
        # A terminal must not become the one that controls this process.
        self._file = sys.stdout.fileno() if path is None else os.open(path, os.O_WRONLY | os.O_NOCTTY)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.path is not None:
            os.close(self._file)

    def write(self, data: bytes) -> None:
        self._written = True
        left = memoryview(data)
        with naming_errors(self._name):
            while left:
                try:
                    left = left[os.write(self._file, left) :]
                except BlockingIOError:  # another program has made the pipe or terminal that it shares non-blocking
                    select.select([], [self._file], [])

    def restart(self) -> None:
        """Raises `CommandFailed` unless nothing was written yet."""
        if self._written:
            raise CommandFailed(
                f"{self._name} has received the start of a result that the store then replaced. Run the command again."
            )

    def complete(self) -> None:
        """Do nothing: every byte was written at once."""


class PartialFile(Output):
    """`a.zip.part` beside `a.zip` until it is complete. Without `replace` a file that exists is kept: `a (2).zip`."""

    path: Path

    def __init__(self, path: Path, *, replace: bool) -> None:
        """Raises `OSError`."""
        self.path = path
        self._replace = replace
        self._file = _create_partial(path)
        self._partial = Path(self._file.name)
        self._completed = False

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # what can't be written is not kept anyway
            self._file.close()
        if not self._completed:
            # A later run may be of another job, so it can't resume this file.
            self._partial.unlink(missing_ok=True)

    def write(self, data: bytes) -> None:
        with naming_errors(self.path):
            self._file.write(data)

    def restart(self) -> None:
        with naming_errors(self.path):
            self._file.seek(0)
            self._file.truncate()

    def complete(self) -> None:
        """Rename the file to `path`, or to a free name, which becomes `path`."""
        with naming_errors(self.path):
            self._file.close()
            if self._replace:
                with suppress(FileNotFoundError):
                    shutil.copymode(self.path, self._partial)
                self._partial.replace(self.path)
            else:
                self.path = _rename_to_free_name(self._partial, self.path)
        self._completed = True


def max_name_bytes(folder: Path) -> int:
    """Return the bytes that the name of a file in `folder` can have. Raises `OSError`."""
    return min(MAX_COMPONENT, os.pathconf(folder, "PC_NAME_MAX"))


@contextmanager
def naming_errors(name: object) -> Iterator[None]:
    """Raise `CommandFailed` with this name for an `OSError`."""
    try:
        yield
    except OSError as error:
        raise CommandFailed(f"{name} can't be written: {error.strerror or error}") from error


def _create_partial(path: Path) -> BinaryIO:
    """Create `a.zip.part`, or `a.zip.2.part` while another download uses that. A name that is too long is shortened."""
    size = max_name_bytes(path.parent)
    for number in itertools.count(1):
        suffix = ".part" if number == 1 else f".{number}.part"
        name = path.name
        if len(os.fsencode(name + suffix)) > size:
            name = shorten(_text(name), size - len(suffix))
        with suppress(FileExistsError):
            return path.with_name(name + suffix).open("x+b")
    raise AssertionError


def _text(name: str) -> str:
    """Return a name that may be no UTF-8 as one that is."""
    return os.fsencode(name).decode(errors="replace")


def _rename_to_free_name(partial: Path, path: Path) -> Path:
    """Return the first of `a.zip`, `a (2).zip`, … that was free."""
    size = max_name_bytes(path.parent)
    for number in itertools.count(1):
        candidate = path if number == 1 else path.with_name(add_to_stem(_text(path.name), f" ({number})", size))
        with suppress(FileExistsError):
            _rename_without_overwriting(partial, candidate)
            return candidate
    raise AssertionError


def _rename_without_overwriting(partial: Path, path: Path) -> None:
    """Raises `FileExistsError` when the name is taken."""
    try:
        os.link(partial, path)  # unlike a rename it never replaces a file
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if path.exists():
            raise FileExistsError(path) from None
        partial.rename(path)
    else:
        partial.unlink()
