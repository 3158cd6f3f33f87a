"""Where a result is saved: under a name that is free, by way of a `.part` file, never over another file unasked."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from app.cli.errors import CommandFailed
from jobs.files.names import safe_name


@dataclass(frozen=True, slots=True)
class Target:
    """What was asked for. `output`: a file, a folder to save into, or nothing for the working folder."""

    output: Path | None = None
    force: bool = False

    def check(self) -> None:
        """Raise `CommandFailed` when nothing could be saved there: before a job is started for it."""
        output = self.output
        if output is None or output.is_dir():
            return
        if not output.parent.is_dir():
            raise CommandFailed(f"There is no folder {output.parent}.")
        if output.exists() and not self.force:
            raise CommandFailed(f"{output} exists; --force overwrites it.")

    def path(self, filename: str) -> Path:
        """Where a result with this name of the server's goes."""
        if self.output is not None and not self.output.is_dir():
            return self.output
        return (self.output or Path()) / PurePosixPath(safe_name(filename)).name

    def place(self, part: Path, wanted: Path) -> Path:
        """Give the finished file its name, and return that: `a (2).zip` where `a.zip` is taken by then."""
        if self.force:
            return part.replace(wanted)
        for path in _candidates(wanted):
            with suppress(FileExistsError):
                _move(part, path)
                return path
        raise AssertionError


def open_part(path: Path) -> BinaryIO:
    """The file that it is written to first, new: `a.zip.part`, or `a.zip.2.part` while another download has that."""
    for number in itertools.count(1):
        middle = "" if number == 1 else f".{number}"
        with suppress(FileExistsError):
            return path.with_name(f"{path.name}{middle}.part").open("x+b")
    raise AssertionError


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    for number in itertools.count(2):
        yield path.with_name(f"{path.stem} ({number}){path.suffix}")


def _move(part: Path, path: Path) -> None:
    """Raises `FileExistsError` when the name is taken."""
    try:
        os.link(part, path)  # unlike a rename it never takes another file's place
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError(path) from None
        part.rename(path)
    else:
        part.unlink()
