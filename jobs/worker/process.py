"""The worker as a process of its own."""

from __future__ import annotations

import asyncio
import signal

import uvloop

from jobs.leaving import GOODBYES, leave_after
from jobs.settings import Settings
from jobs.settling import settle
from jobs.worker.worker import run_worker


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
            leave_after(settings.drain_timeout + GOODBYES)
            stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    await run_worker(settings, stop)
