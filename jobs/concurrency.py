"""Running several things at once, where the first failure is the failure."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")

AGAIN = 0.2
"""Seconds before a task that was cancelled, and goes on, is cancelled again."""


@asynccontextmanager
async def first_error_group() -> AsyncIterator[asyncio.TaskGroup]:
    """A task group that raises the first error itself rather than a group that holds it; the others are cancelled."""
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


class Slots:
    """A semaphore whose size changes, for takers of one slot or of several. First come, first served."""

    def __init__(self, limit: Callable[[], float]) -> None:
        """As many may be taken as `limit` says at the moment; one taker alone may always take what it wants."""
        self.taken = 0
        self._limit = limit
        self._waiting: deque[tuple[asyncio.Future[None], int]] = deque()

    async def take(self, slots: int = 1) -> None:
        """Waits for so many."""
        if not self._waiting and self._has(slots):
            self.taken += slots
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((turn, slots))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give(slots)
            raise

    def give(self, slots: int = 1) -> None:
        """Gives so many back, and lets in whom the limit of now has room for."""
        self.taken -= slots
        while self._waiting and (self._waiting[0][0].done() or self._has(self._waiting[0][1])):
            turn, wanted = self._waiting.popleft()
            if not turn.done():
                self.taken += wanted
                turn.set_result(None)

    def _has(self, slots: int) -> bool:
        return not self.taken or self.taken + slots <= int(self._limit())


async def map_limited(function: Callable[[T], Awaitable[R]], items: Iterable[T], limit: int) -> list[R]:
    """The results of `function` for all items, in their order, `limit` at once. Raises the first error."""
    slots = asyncio.Semaphore(limit)

    async def run(item: T) -> R:
        async with slots:
            return await function(item)

    return await all_of(run(item) for item in items)


async def all_of(coroutines: Iterable[Coroutine[Any, Any, R]]) -> list[R]:
    """The results of all, in their order. Raises the first error, after the others were cancelled."""
    async with first_error_group() as group:
        tasks = [group.create_task(coroutine) for coroutine in coroutines]
    return [task.result() for task in tasks]


async def keep_running(*coroutines: Coroutine[Any, Any, None]) -> None:
    """Runs what never ends by itself side by side, until this is cancelled or one of them fails; then ends them all.

    Not a task group: that cancels its tasks once, and would wait for ever for one that lost it (see `end`).
    """
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
    finally:
        await end(*tasks)


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancels the tasks and waits until they have ended, whatever they raise, even when it is cancelled meanwhile.

    Once is not enough: below Python 3.12, `asyncio.wait_for` and libraries built like it (redis, arq) now and then lose a
    cancellation that comes just when the awaited thing is done.
    """
    cancelled: asyncio.CancelledError | None = None
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=AGAIN)
        except asyncio.CancelledError as error:
            cancelled = error
    await asyncio.gather(*tasks, return_exceptions=True)
    if cancelled is not None:
        raise cancelled
