"""`haulage` as a person or a script starts it: a process of its own, with its exit code and what it prints."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import sys
import termios
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from jobs.settings import Settings

_KEPT = ("PATH", "LANG", "TMPDIR", "PYTHONPATH")


@dataclass(frozen=True, kw_only=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    error: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.error
        return json.loads(self.out)


class Cli:
    """Starts `haulage` in `folder`, with no more in its environment than a test gives it."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if name in _KEPT}
        self.environment = {**kept, **environment}

    async def __call__(self, *arguments: object) -> Done:
        """Run a command to its end."""
        process = await self.start(*arguments)
        out, error = await process.communicate()
        return Done(code=process.returncode or 0, out=out.decode(), error=error.decode())

    async def start(
        self, *arguments: object, terminal: int | None = None, out: int | IO[bytes] | None = None
    ) -> Process:
        """Start a command, to read what it prints while it runs; or in a `terminal`, a descriptor, of its own.

        `out` is a file or descriptor for its standard output.
        """
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app.cli",
            *map(str, arguments),
            cwd=self.folder,
            env=self.environment,
            stdin=DEVNULL if terminal is None else terminal,
            stdout=(PIPE if out is None else out) if terminal is None else terminal,
            stderr=PIPE if terminal is None else terminal,
            start_new_session=terminal is not None,
            preexec_fn=_heed_signals if terminal is None else _take_terminal,
        )


def _heed_signals() -> None:
    """Whoever runs the tests with `nohup`, or in a script's background, does not mean the processes that they start."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _take_terminal() -> None:
    """Make standard input the terminal that controls the process: its end sends SIGHUP."""
    _heed_signals()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def variables(settings: Settings) -> dict[str, str]:
    """The settings that say where the servers are, as an environment."""
    return {
        "DATABASE_URL": str(settings.database_url),
        "REDIS_URL": str(settings.redis_url),
        "S3_ENDPOINT": settings.s3_endpoint,
        "S3_ACCESS_KEY_ID": settings.s3_access_key_id,
        "S3_SECRET_ACCESS_KEY": settings.s3_secret_access_key.get_secret_value(),
        "S3_BUCKET_NAME": settings.s3_bucket_name,
    }


def unpadded(done: Done) -> list[str]:
    """The lines that a command printed. Fails if one ends with a space, which is of no use in a pipe."""
    lines = done.out.splitlines()
    assert [line for line in lines if line != line.rstrip()] == []
    return lines


async def line_with(process: Process, text: str, *, of_errors: bool = True) -> str:
    """The next line that the process prints with `text` in it. Fails when it ends without one."""
    stream = process.stderr if of_errors else process.stdout
    assert stream is not None
    async for line in stream:
        if text in line.decode():
            return line.decode()
    raise AssertionError(f"the process has ended and never said {text!r}")
