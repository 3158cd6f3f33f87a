"""The byte budget of a worker process: what bounds its memory, whatever the size of a bundle."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Budget:
    """So many bytes, lent to whoever asks, first come, first served, so that no job starves another."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def take(self, amount: int) -> None:
        """Waits until `amount` bytes are free, and takes them. Raises `ValueError` when there can never be so many."""
        if amount > self.size:
            raise ValueError(f"{amount} bytes are more than the whole budget of {self.size}")
        if not self._waiting and amount <= self._free:
            self._free -= amount
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((amount, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._free += amount
            else:
                with suppress(ValueError):  # `_serve` has passed over it already
                    self._waiting.remove((amount, turn))
            self._serve()
            raise

    def give(self, amount: int) -> None:
        """Gives back what `take` took."""
        self._free += amount
        self._serve()

    @asynccontextmanager
    async def lend(self, amount: int) -> AsyncIterator[None]:
        await self.take(amount)
        try:
            yield
        finally:
            self.give(amount)

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free:
            amount, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._free -= amount
                turn.set_result(None)
