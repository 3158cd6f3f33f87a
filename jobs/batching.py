"""Batching of concurrent reads into one query."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

INTERVAL = 0.002
"""Seconds between a query and the next, so that more reads share it. A single read is never delayed by it."""


class Batcher(Generic[K, V]):
    """Collects keys while a query is running, and fetches all of them with the next one.

    So no result is older than its request, and the number of queries does not grow with the number of readers.
    """

    def __init__(self, query: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._query = query
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._running: asyncio.Task[None] | None = None

    async def read(self, key: K) -> V | None:
        """Return the query's result for the key, None if it has none. Raises what the query raises."""
        result: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(result)
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await result

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, {}
                try:
                    found = await self._query(list(batch))
                except Exception as error:  # noqa: BLE001 - every reader of the batch gets it
                    for _, result in _pending(batch):
                        result.set_exception(error)
                else:
                    for key, result in _pending(batch):
                        result.set_result(found.get(key))
                await asyncio.sleep(INTERVAL)
        finally:
            self._running = None


def _pending(batch: Mapping[K, list[asyncio.Future[V | None]]]) -> Iterator[tuple[K, asyncio.Future[V | None]]]:
    """Yield the future of each reader that still waits, with its key; a cancelled one does not."""
    return ((key, result) for key, results in batch.items() for result in results if not result.done())
