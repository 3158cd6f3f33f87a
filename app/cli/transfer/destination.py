"""Where a result goes: into a folder, to a file, through a FIFO or device, or to standard output."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from app.cli.errors import CommandFailed
from app.cli.transfer.outputs import Output, PartialFile, Stream, max_name_bytes, naming_errors
from jobs.errors import InvalidRequest
from jobs.files.names import safe_name, shorten

STANDARD_OUTPUT = "-"


@dataclass(frozen=True, slots=True)
class Destination:
    """`output`: a file, a folder, `-` for standard output, or None for the working folder.

    A FIFO, a device or a symbolic link stays what it is: the first two are written through, the target of a link is
    written instead of the link. `force` allows overwriting what exists.
    """

    output: str | None = None
    force: bool = False

    def check(self) -> None:
        """Raise `CommandFailed` if nothing could be written there, before a job is started for it.

        Raises `InvalidRequest` for an empty `output`.
        """
        if self.output == STANDARD_OUTPUT:
            return
        if self.output == "":
            raise InvalidRequest("The name of the output is empty. Use . for the working folder.")
        with naming_errors(self.output or "."):
            folder, name = self._folder_and_name()
            if not folder.is_dir():
                raise CommandFailed(f"The folder {folder} does not exist.")
            path = folder / (name or "download")
            if name and _is_stream(path):
                if stat.S_ISBLK(path.stat().st_mode) and not self.force:
                    raise CommandFailed(f"{path} is a block device; use --force to overwrite it.")
                if not os.access(path, os.W_OK):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
                return
            if name and path.exists() and not self.force:
                raise CommandFailed(f"{path} exists; use --force to overwrite it.")
            with PartialFile(_target(path), replace=False):
                pass  # only a file that was created proves that one can be

    def open(self, filename: str) -> Output:
        """Open the output for a result to which the server gave this name. Raises `CommandFailed`.

        In a folder, the name is shortened to what the file system allows; its extension is kept.
        """
        if self.output == STANDARD_OUTPUT:
            return Stream(None)
        with naming_errors(self.output or "."):
            folder, name = self._folder_and_name()
            if not name:
                name = shorten(PurePosixPath(safe_name(filename)).name, max_name_bytes(folder))
                if not self.force:
                    return PartialFile(folder / name, replace=False)
            path = folder / name
            return Stream(path) if _is_stream(path) else PartialFile(_target(path), replace=self.force)

    def _folder_and_name(self) -> tuple[Path, str]:
        """The name is empty for a folder: one that exists, or that is meant by the slash at the end."""
        path = Path(self.output or ".")
        last = (self.output or ".").rpartition("/")[2]
        return (path, "") if last in {"", ".", ".."} or path.is_dir() else (path.parent, path.name)


def _is_stream(path: Path) -> bool:
    """Raises `CommandFailed` for what can't be written at all, such as a socket, and `OSError`."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode) or stat.S_ISSOCK(mode):
        raise CommandFailed(f"{path} is a {'folder' if stat.S_ISDIR(mode) else 'socket'}.")
    return not stat.S_ISREG(mode)


def _target(path: Path) -> Path:
    """Return the target of a symbolic link, which may not exist yet; any other path as it is."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path
