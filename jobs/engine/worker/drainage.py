"""What a worker does on an operator's order: it drains, and goes on when it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from jobs.concurrency import cancel_and_wait
from jobs.engine.sql.workers import Orders
from jobs.engine.worker.runner import Runner

log = structlog.get_logger()


class Drainage:
    """Drains the runners of one worker while operators want it.

    It is as at a shutdown: nothing more is claimed, what runs may finish for `patience` seconds, and the rest is released,
    which may take `handback` seconds. But the worker stays, idle: whoever has started it would only start another one. Its
    sweeper goes on, too.
    """

    def __init__(self, runners: Sequence[Runner], patience: float, handback: float) -> None:
        self._runners = runners
        self._patience = patience
        self._handback = handback
        self._task: asyncio.Task[None] | None = None

    def obey(self, orders: Orders) -> None:
        """Follows the latest orders."""
        for runner in self._runners:
            runner.obey(orders)
        if orders.draining and self._task is None:
            log.info("drain_started")
            self._task = asyncio.create_task(self._drain())
        elif not orders.draining and self._task is not None:
            log.info("drain_stopped")
            self._task.cancel()
            self._task = None

    async def close(self) -> None:
        """Ends a drain, which a shutdown continues."""
        if self._task is not None:
            await cancel_and_wait(self._task)

    async def _drain(self) -> None:
        await asyncio.gather(*(runner.drain(self._patience, self._handback) for runner in self._runners))
        log.info("drain_completed")
