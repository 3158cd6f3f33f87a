"""A hard deadline for the end of a process."""

from __future__ import annotations

import os
import threading

import structlog

log = structlog.get_logger()

CLOSE_TIMEOUT = 4.0
"""Seconds for closing connections after all work has ended; whatever still hangs then is killed."""


def exit_after(seconds: float) -> None:
    """Kill the process if it still runs after `seconds`: the interpreter waits for threads, which a store may block."""
    timer = threading.Timer(seconds, _exit)
    timer.daemon = True
    timer.start()


def _exit() -> None:
    log.error("shutdown_deadline_expired", reason="The process did not end in time after it was asked to stop.")
    os._exit(1)
