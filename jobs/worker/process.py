"""The worker as a process of its own."""

from __future__ import annotations

import asyncio
import os
import signal
import threading

import structlog
import uvloop

from jobs.settings import Settings
from jobs.settling import settle
from jobs.worker.worker import run_worker

log = structlog.get_logger()

GOODBYES = 4.0
"""Seconds after `DRAIN_TIMEOUT` for giving jobs back and closing connections; whatever still hangs then is cut off."""


def work(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT, and then as long as `run_worker` says; `GOODBYES` longer at the very most."""
    settle()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_signalled(settings))


async def _until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def signalled() -> None:
        if not stop.is_set():
            _leave_after(settings.drain_timeout + GOODBYES)
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    await run_worker(settings, stop)


def _leave_after(seconds: float) -> None:
    """Ends the process by then. The interpreter waits for every thread, and one may be in a call to a store that hangs."""
    timer = threading.Timer(seconds, _leave)
    timer.daemon = True
    timer.start()


def _leave() -> None:
    log.error("worker_overdue", reason="It did not end in time after it was told to stop.")
    os._exit(1)
