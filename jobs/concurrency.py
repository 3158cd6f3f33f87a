"""Running coroutines concurrently, where the first error is raised and the others are cancelled."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
R = TypeVar("R")

CANCEL_INTERVAL = 0.2
"""Seconds before a cancelled task that still runs is cancelled again."""


@asynccontextmanager
async def first_error_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises the first error itself instead of an exception group; the other tasks are cancelled."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors


def _first(errors: BaseExceptionGroup[Any]) -> BaseException:
    error: BaseException = errors
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


class DynamicSemaphore:
    """A semaphore whose limit changes over time, and of which one or several slots are acquired. It is fair (FIFO)."""

    def __init__(self, limit: Callable[[], float]) -> None:
        """`limit` returns the current number of slots. A single holder may exceed it, so that no request waits for ever."""
        self.in_use = 0
        self._limit = limit
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()

    async def acquire(self, slots: int = 1) -> None:
        """Wait for `slots` free slots and acquire them."""
        if not self._waiting and self._has(slots):
            self.in_use += slots
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, slots))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(slots)
            raise

    def release(self, slots: int = 1) -> None:
        """Release `slots` slots, and let in the waiters for which the current limit has room."""
        self.in_use -= slots
        while self._waiting and (self._waiting[0][0].done() or self._has(self._waiting[0][1])):
            turn, wanted = self._waiting.popleft()
            if not turn.done():
                self.in_use += wanted
                turn.set_result(None)

    def _has(self, slots: int) -> bool:
        return not self.in_use or self.in_use + slots <= int(self._limit())


async def map_limited(function: Callable[[T], Awaitable[R]], items: Iterable[T], limit: int) -> list[R]:
    """Return the results of `function` for all items, in their order, running `limit` at once. Raises the first error."""
    slots = asyncio.Semaphore(limit)

    async def run(item: T) -> R:
        async with slots:
            return await function(item)

    return await gather(run(item) for item in items)


async def gather(coroutines: Iterable[Coroutine[Any, Any, R]]) -> list[R]:
    """Return all results, in their order. Raises the first error after the others were cancelled, unlike asyncio's."""
    async with first_error_group() as group:
        tasks = [group.create_task(coroutine) for coroutine in coroutines]
    return [task.result() for task in tasks]


async def run_forever(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Run coroutines that never end by themselves, until this is cancelled or one of them fails; then end them all.

    anyio's task group cancels its tasks until they have ended, so a lost cancellation does no harm (see
    `cancel_and_wait`); asyncio's cancels them once. It also cancels what a task awaits in a `finally` block: cleanup that
    must be completed needs `anyio.CancelScope(shield=True)`.
    """
    try:
        async with anyio.create_task_group() as group:
            for coroutine in coroutines:
                group.start_soon(lambda coroutine: coroutine, coroutine)
    except BaseExceptionGroup as errors:
        raise _first(errors) from errors


async def cancel_and_wait(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks and wait until they have ended, whatever they raise, even if this is cancelled in the meantime.

    Below Python 3.12, `asyncio.wait_for` loses a cancellation that arrives just when the awaited future is done. Our code
    may not call it (`banned-api` in pyproject.toml), but libraries do (redis, arq), so a task is cancelled again. Unlike an
    anyio cancel scope, this leaves tasks `CANCEL_INTERVAL` for their cleanup: attempts and transactions do not shield it.
    """
    cancelled: asyncio.CancelledError | None = None
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=CANCEL_INTERVAL)
        except asyncio.CancelledError as error:
            cancelled = error
    await asyncio.gather(*tasks, return_exceptions=True)
    if cancelled is not None:
        raise cancelled


async def complete(coroutine: Coroutine[Any, Any, None]) -> None:
    """Wait until the coroutine has ended, even if this is cancelled in the meantime, however often; then raise that.

    For cleanup in a task that `cancel_and_wait` cancels: an anyio cancel scope does not shield from `Task.cancel`.
    """
    task = asyncio.create_task(coroutine)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    task.result()
