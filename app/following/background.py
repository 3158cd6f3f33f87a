"""Tasks that run beside the requests, and whose results nobody awaits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from jobs.concurrency import cancel_and_wait

log = structlog.get_logger()


class BackgroundTasks:
    """Keeps a reference to each running task, and logs those that fail."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Runs the coroutine as a task."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.failed(error)

    def failed(self, error: BaseException) -> None:
        """Logs an unexpected error of a task."""
        log.error("background_task_failed", exc_info=error)

    async def wait_until_below(self, limit: int) -> None:
        """Waits until fewer than `limit` tasks run."""
        while len(self._tasks) >= limit:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - the tasks go on running after it
        """Waits up to `timeout` seconds for the tasks that run now."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)

    async def cancel(self) -> None:
        """Cancels all tasks, and waits until they have ended."""
        await cancel_and_wait(*self._tasks)
