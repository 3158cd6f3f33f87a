"""Remembers the uploads of a command until it has uploaded all its files, so that none is sent twice when it is run again.

The server knows what has become of them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock
from typing import Any
from uuid import UUID

from app.cli.local_files import LocalFile


class Journal:
    """A file of one command, which is the server, the paths and its options, in the user's folder for states
    (XDG base directories).

    Without a folder that can be written to, nothing is remembered.
    """

    def __init__(self, server: str, paths: Sequence[Path], options: Mapping[str, Any]) -> None:
        """`options`: as `POST /v1/upload` has them; nothing if none was chosen."""
        command = "\n".join([server, json.dumps(options), *sorted(str(path.absolute()) for path in paths)])
        state = os.environ.get("XDG_STATE_HOME") or Path("~/.local/state").expanduser()
        name = hashlib.sha256(os.fsencode(command)).hexdigest()[:32]
        self._path = Path(state, "haulage", "uploads", f"{name}.jsonl")
        self._lock = Lock()

    def read(self) -> dict[str, UUID]:
        """Return the newest upload of each file, by its identity. A line that was not written completely is ignored."""
        found: dict[str, UUID] = {}
        with suppress(OSError):
            for line in self._path.read_text("utf-8").splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    entry = json.loads(line)
                    found[str(entry["file"])] = UUID(entry["jobId"])
        return found

    def add(self, created: Mapping[LocalFile, UUID]) -> None:
        """Remember the uploads of files."""
        lines = [json.dumps({"file": identity(file), "jobId": str(job_id)}) + "\n" for file, job_id in created.items()]
        with self._lock, suppress(OSError):
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as journal:
                journal.writelines(lines)

    def remove(self) -> None:
        """Forget everything: all files of the command are in the catalogue."""
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


def identity(file: LocalFile) -> str:
    """Return what tells a file from another one, and from an earlier version of itself."""
    text = f"{file.path.absolute()}\n{file.size}\n{file.modified_at}"
    return hashlib.sha256(os.fsencode(text)).hexdigest()
