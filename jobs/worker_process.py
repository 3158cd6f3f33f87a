"""The worker as a process of its own."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import structlog
import uvloop

from jobs.engine.live.feed import UNAVAILABLE
from jobs.memory import freeze_startup_objects, limit_malloc_arenas
from jobs.settings import Settings
from jobs.shutdown import CLOSE_TIMEOUT, exit_after
from jobs.worker import run_worker

log = structlog.get_logger()


def work(settings: Settings) -> None:
    """Works until SIGTERM or SIGINT, and then as long as `run_worker` says; `CLOSE_TIMEOUT` longer at the very most."""
    limit_malloc_arenas()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_until_signalled(settings))


async def _until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def signalled() -> None:
        if not stop.is_set():
            exit_after(settings.drain_timeout + CLOSE_TIMEOUT)
            stop.set()

    loop.set_exception_handler(_unseen)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, signalled)
    await run_worker(settings, stop, ready=freeze_startup_objects)


def _unseen(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Logs errors of tasks that were not awaited. arq abandons its last calls to Redis: these are no bugs."""
    if isinstance(context.get("exception"), UNAVAILABLE):
        log.info("redis_call_failed", reason=type(context["exception"]).__name__)
    else:
        loop.default_exception_handler(context)
