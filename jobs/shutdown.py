"""The end of a process, whatever hangs in it."""

from __future__ import annotations

import os
import threading

import structlog

log = structlog.get_logger()

GOODBYES = 4.0
"""Seconds for closing connections after all else has ended; whatever still hangs then is cut off."""


def leave_after(seconds: float) -> None:
    """Ends the process by then. The interpreter waits for every thread, and one may be in a call to a store that hangs."""
    timer = threading.Timer(seconds, _leave)
    timer.daemon = True
    timer.start()


def _leave() -> None:
    log.error("process_overdue", reason="It did not end in time after it was told to stop.")
    os._exit(1)
