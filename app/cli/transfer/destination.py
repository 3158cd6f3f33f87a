"""Where a result is saved: under a free name, through a `.part` file, never over an existing file without `--force`."""

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
class Destination:
    """`output`: a file, a folder to save into, or None for the working folder."""

    output: Path | None = None
    force: bool = False

    def check(self) -> None:
        """Raise `CommandFailed` if nothing could be saved there, before a job is started for it."""
        output = self.output
        if output is None or output.is_dir():
            return
        if not output.parent.is_dir():
            raise CommandFailed(f"The folder {output.parent} does not exist.")
        if output.exists() and not self.force:
            raise CommandFailed(f"{output} exists; use --force to overwrite it.")

    def path(self, filename: str) -> Path:
        """Return the path for a result to which the server gave this name."""
        if self.output is not None and not self.output.is_dir():
            return self.output
        return (self.output or Path()) / PurePosixPath(safe_name(filename)).name

    def move_into_place(self, partial: Path, path: Path) -> Path:
        """Rename the complete file to `path`, or to a free name like `a (2).zip`; returns the new path."""
        if self.force:
            return partial.replace(path)
        for candidate in _candidates(path):
            with suppress(FileExistsError):
                _rename_without_overwriting(partial, candidate)
                return candidate
        raise AssertionError


def open_partial_file(path: Path) -> BinaryIO:
    """Create the file to write to: `a.zip.part`, or `a.zip.2.part` while another download uses that."""
    for number in itertools.count(1):
        middle = "" if number == 1 else f".{number}"
        with suppress(FileExistsError):
            return path.with_name(f"{path.name}{middle}.part").open("x+b")
    raise AssertionError


def _candidates(path: Path) -> Iterator[Path]:
    yield path
    for number in itertools.count(2):
        yield path.with_name(f"{path.stem} ({number}){path.suffix}")


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
