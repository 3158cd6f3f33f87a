"""Signals that stop `haulage up`: the first one counts, whichever of three it is."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopRequested(SystemExit):
    """Raised in the main thread by the first signal. Unlike other exceptions, a `SystemExit` leaves an event loop."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.number = number


class StopSignals:
    """After `install`, the first SIGINT, SIGTERM or SIGHUP raises `StopRequested`; later ones have no effect.

    This lasts until the process ends, so that a late signal does not interrupt the clean-up.
    """

    def __init__(self) -> None:
        self._armed = True

    def install(self) -> None:
        """Install the handlers. Must be called in the main thread."""
        for number in _STOP_SIGNALS:
            # SIGHUP stays ignored under `nohup`. SIGINT does not, although shells ignore it for background commands.
            if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, self._handle)

    def disarm(self) -> None:
        """Let signals have no effect from now on, since stopping has begun."""
        self._armed = False

    def ignore(self) -> None:
        """Ignore signals until the process ends: the interpreter would restore the default handlers before that."""
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if number == signal.SIGHUP:
            # The terminal is gone, and writing to it would raise.
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (sys.stdout, sys.stderr):
                os.dup2(null, stream.fileno())
            os.close(null)
        if self._armed:
            self._armed = False
            raise StopRequested(number)
