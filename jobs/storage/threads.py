"""Threads for the clients that block. They are the store's own, so that a slow store starves nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """A pool of `size` threads, each started when it is first needed."""

    def __init__(self, size: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=size, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call it in a thread. When cancelled, the call goes on to its end unseen, unless it has not begun."""
        return await asyncio.wrap_future(self._executor.submit(call, *args, **kwargs))

    async def run_until_stopped(self, call: Callable[[], T], stop: Callable[[], None]) -> T:
        """Call it in a thread. When cancelled, call `stop`, which must make it end soon, and leave only after it has."""
        future: Future[T] = self._executor.submit(call)
        waiter = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(waiter)
        except asyncio.CancelledError:
            if not future.cancel():
                stop()
            await asyncio.wait([waiter])
            waiter.cancelled() or waiter.exception()  # looked at, so asyncio does not complain that nobody did
            raise

    async def close(self) -> None:
        """End the threads, after the calls that run in them have ended; those keep their own time-outs."""
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)
