"""The byte budget of a worker process: what bounds its memory, whatever the size of a bundle."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    amount: int
    pinned: bool
    turn: asyncio.Future[None]


class Budget:
    """So many bytes, lent to whoever asks, first come, first served, so that no job starves another.

    Some bytes are pinned: whoever has them takes more before it gives them back. So a request for more than there is
    beside the pinned bytes must not hold up others, which they may be pinned for. It is passed over, and nothing more is
    pinned, until those who have pinned bytes have given them back.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._pinned = 0
        self._waiting: list[_Request] = []

    async def take(self, amount: int, *, pinned: bool = False) -> None:
        """Waits until `amount` bytes are free, and takes them. Raises `ValueError` when there can never be so many."""
        if amount > self.size:
            raise ValueError(f"{amount} bytes are more than the whole budget of {self.size}")
        request = _Request(amount, pinned, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        self._serve()
        try:
            await request.turn
        except asyncio.CancelledError:
            if not request.turn.cancelled():
                self.give(amount, pinned=pinned)
            elif request in self._waiting:
                self._waiting.remove(request)
                self._serve()
            raise

    def give(self, amount: int, *, pinned: bool = False) -> None:
        """Gives back what `take` took."""
        self._free += amount
        self._pinned -= amount if pinned else 0
        self._serve()

    @asynccontextmanager
    async def lend(self, amount: int, *, pinned: bool = False) -> AsyncIterator[None]:
        await self.take(amount, pinned=pinned)
        try:
            yield
        finally:
            self.give(amount, pinned=pinned)

    def _serve(self) -> None:
        passed_over: list[_Request] = []
        while self._waiting:
            request = self._waiting[0]
            if request.turn.cancelled():
                self._waiting.pop(0)
                continue
            if request.amount > self.size - self._pinned or (request.pinned and passed_over):
                passed_over.append(self._waiting.pop(0))
                continue
            if request.amount > self._free:
                break
            self._free -= request.amount
            self._pinned += request.amount if request.pinned else 0
            request.turn.set_result(None)
            self._waiting.pop(0)
        self._waiting[:0] = passed_over
