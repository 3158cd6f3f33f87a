"""The command line. What a command needs is imported when it runs, so that `haulage --help` answers at once."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Run the command of `sys.argv` and exit with its code (see the end of `haulage --help`)."""
    _prepare()
    try:
        from app.cli.commands import app

        app(prog_name="haulage")
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        from app.cli.errors import explain

        code = explain(error)
        if code is None:
            raise
        sys.exit(code)
    finally:
        _flush()


def _prepare() -> None:
    # A polite end cleans up: a file half saved is removed. With `nohup`, SIGHUP is to be ignored, and stays so.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _leave)
    # A file's name may not exist in the terminal's encoding.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)


def _flush() -> None:
    """Let the flush at exit not meet a pipe whose reader has seen enough."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
