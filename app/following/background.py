"""What goes on beside the requests: tasks of which nobody waits for the end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

from jobs.concurrency import cancel_and_wait

log = structlog.get_logger()


class Background:
    """Holds the tasks while they run, and tells of those that break."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs it."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.broke(task.exception())

    def broke(self, error: BaseException | None) -> None:
        """A task raised what it should not."""
        log.error("following_task_broke", exc_info=error)

    async def room(self, limit: int) -> None:
        """Waits until fewer than so many run."""
        while len(self._tasks) >= limit:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)

    async def settled(self, patience: float) -> None:
        """Waits for those that run now, so many seconds at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience)

    async def end(self) -> None:
        """Cancels them, and waits for that."""
        await cancel_and_wait(*self._tasks)
