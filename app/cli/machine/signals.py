"""The one request to stop that a supervisor takes, whichever of three signals brings it."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(SystemExit):
    """Raised in the main thread by the first signal. An event loop lets a `SystemExit` through and keeps all else."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


class Signals:
    """From `listen` on, the first SIGINT, SIGTERM or SIGHUP raises `Stopped`; those after it change nothing.

    That stays so until the process has ended: a late signal must not break what is done at the very end.
    """

    def __init__(self) -> None:
        self._armed = True

    def listen(self) -> None:
        """Take the signals; in the main thread."""
        for number in _STOPPING:
            # Who starts us with `nohup` wants us to outlive the terminal. SIGINT is ignored for what a shell's `&`
            # starts, which nobody has asked for.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._take)

    def disarm(self) -> None:
        """From now on no signal interrupts: the stopping itself has begun."""
        self._armed = False

    def ignore(self) -> None:
        """The process ends now. The interpreter puts the defaults back before that, unless they are ignored."""
        for number in _STOPPING:
            signal.signal(number, signal.SIG_IGN)

    def _take(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGHUP:
            _leave_terminal()
        if self._armed:
            self._armed = False
            raise Stopped(number)


def _leave_terminal() -> None:
    """Writing to a terminal that has gone raises: what we still say goes nowhere instead."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
