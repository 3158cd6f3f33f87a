"""Reads that wait at the same time are answered by one query."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Batcher(Generic[K, V]):
    """Collects keys while a query is under way, and asks for all of them with the next one.

    So no answer is older than its question, and the number of queries does not grow with the number of askers.
    """

    def __init__(self, query: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._query = query
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._serving: asyncio.Task[None] | None = None

    async def read(self, key: K) -> V | None:
        """What the query has for the key, None when it has nothing. Raises what the query raises."""
        answer = self._waiting.get(key)
        if answer is None:
            answer = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        return await asyncio.shield(answer)

    async def _serve(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, {}
            try:
                found = await self._query(list(batch))
            except Exception as error:  # noqa: BLE001 - every asker of the batch gets it
                for answer in batch.values():
                    answer.set_exception(error)
                    answer.exception()  # an asker that has gone away leaves it unread
            else:
                for key, answer in batch.items():
                    answer.set_result(found.get(key))
        self._serving = None
