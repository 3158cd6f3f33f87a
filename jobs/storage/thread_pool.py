"""Thread pools for the blocking S3 clients. They belong to the store alone, so that a slow store blocks nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class ThreadPool:
    """A pool of at most `size` threads, each started when it is first needed."""

    def __init__(self, size: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(max_workers=size, thread_name_prefix=name)

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the call in a thread. When cancelled, a call that has started runs to its end and its result is discarded."""
        return await asyncio.wrap_future(self._executor.submit(call, *args, **kwargs))

    async def run_abortable(self, call: Callable[[], T], abort: Callable[[], None]) -> T:
        """Run the call in a thread. When cancelled, call `abort`, which must end it soon, and return only after its end."""
        future: Future[T] = self._executor.submit(call)
        waiter = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(waiter)
        except asyncio.CancelledError:
            if not future.cancel():
                abort()
            await asyncio.wait([waiter])
            waiter.cancelled() or waiter.exception()  # retrieved, or asyncio would log it as never retrieved
            raise

    async def close(self) -> None:
        """End the threads, after the calls that run in them have ended; those have time-outs of their own."""
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)
