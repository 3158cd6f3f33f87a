"""The worker as a process of its own."""

from __future__ import annotations

import asyncio
import signal

import uvloop

from jobs.settings import Settings
from jobs.settling import settle
from jobs.worker.worker import run_worker


def work(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT, and then as long as `run_worker` says."""
    settle()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_signalled(settings))


async def _until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await run_worker(settings, stop)
