"""Reads that wait at the same time are answered by one query."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

PAUSE = 0.002
"""Seconds after a query before the next one: a few more askers come together, and a lone one never waits for it."""


class Batcher(Generic[K, V]):
    """Collects keys while a query is under way, and asks for all of them with the next one.

    So no answer is older than its question, and the number of queries does not grow with the number of askers.
    """

    def __init__(self, query: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]]) -> None:
        self._query = query
        self._waiting: dict[K, list[asyncio.Future[V | None]]] = {}
        self._serving: asyncio.Task[None] | None = None

    async def read(self, key: K) -> V | None:
        """What the query has for the key, None when it has nothing. Raises what the query raises."""
        answer: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, []).append(answer)
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        return await answer

    async def _serve(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, {}
                try:
                    found = await self._query(list(batch))
                except Exception as error:  # noqa: BLE001 - every asker of the batch gets it
                    for _, answer in _unanswered(batch):
                        answer.set_exception(error)
                else:
                    for key, answer in _unanswered(batch):
                        answer.set_result(found.get(key))
                await asyncio.sleep(PAUSE)
        finally:
            self._serving = None


def _unanswered(batch: Mapping[K, list[asyncio.Future[V | None]]]) -> Iterator[tuple[K, asyncio.Future[V | None]]]:
    """Each asker that still waits, with its key; one that was cancelled does not."""
    return ((key, answer) for key, answers in batch.items() for answer in answers if not answer.done())
