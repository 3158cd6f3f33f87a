"""The command line. Each command imports what it needs when it runs, so that `haulage --help` is fast."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from app.exit_codes import ExitCode


def main() -> None:
    """Run the command in `sys.argv` and exit with its code (see the end of `haulage --help`)."""
    # Exiting normally on a signal removes partial files. `nohup` ignores SIGHUP, and it stays ignored.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _exit_on_signal)
    if sys.stdout is None:  # as by `>&-`: another file would get its descriptor
        sys.exit("haulage: standard output is closed")
    # File names may contain characters that the terminal's encoding lacks.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        from app.cli.commands import app

        app(prog_name="haulage")
    except KeyboardInterrupt:
        print("haulage: interrupted", file=sys.stderr)
        sys.exit(ExitCode.INTERRUPTED)
    except SystemExit as stop:
        # Typer turns Ctrl-C into exit code 130 without a message.
        if isinstance(getattr(stop.__context__, "__cause__", None), KeyboardInterrupt):
            print("haulage: interrupted", file=sys.stderr)
        raise
    except Exception as error:
        from app.cli.errors import report_error

        code = report_error(error)
        if code is None:
            raise
        sys.exit(code)
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:  # as in `haulage jobs list | head`: the flush at exit would print a traceback
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _exit_on_signal(number: int, frame: FrameType | None) -> None:
    del frame
    sys.exit(128 + number)
