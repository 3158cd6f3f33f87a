"""The memory budget of a process: it bounds the memory, whatever the size and the number of the files that it moves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    amount: int
    pinned: bool
    granted: asyncio.Future[None]


class MemoryBudget:
    """A semaphore of bytes. Requests are granted first come, first served, so that no job starves another.

    Bytes can be pinned: their holder acquires more before it releases them. A request for more than the budget without the
    pinned bytes must therefore not block the requests that these are pinned for. It is passed over, and no more bytes
    are pinned, until enough pinned bytes have been released.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._free = size
        self._pinned = 0
        self._waiting: list[_Request] = []

    @property
    def is_contended(self) -> bool:
        """Whether a request waits for bytes that others hold."""
        return bool(self._waiting)

    async def acquire(self, amount: int, *, pinned: bool = False) -> None:
        """Waits until `amount` bytes are free, and acquires them. Raises `ValueError` if they exceed the whole budget."""
        if amount > self.size:
            raise ValueError(f"{amount} bytes are more than the whole budget of {self.size}")
        request = _Request(amount, pinned, asyncio.get_running_loop().create_future())
        self._waiting.append(request)
        self._grant()
        try:
            await request.granted
        except asyncio.CancelledError:
            if not request.granted.cancelled():
                self.release(amount, pinned=pinned)
            elif request in self._waiting:
                self._waiting.remove(request)
                self._grant()
            raise

    def release(self, amount: int, *, pinned: bool = False) -> None:
        """Returns acquired bytes. They may be returned in several calls."""
        self._free += amount
        self._pinned -= amount if pinned else 0
        self._grant()

    @asynccontextmanager
    async def reserve(self, amount: int, *, pinned: bool = False) -> AsyncIterator[None]:
        """Holds the bytes for the duration of the block."""
        await self.acquire(amount, pinned=pinned)
        try:
            yield
        finally:
            self.release(amount, pinned=pinned)

    def release_after(self, task: asyncio.Task[None], amount: int) -> None:
        """Returns acquired bytes when the task ends, even if it is cancelled before its first step."""
        task.add_done_callback(lambda _: self.release(amount))

    def _grant(self) -> None:
        passed_over: list[_Request] = []
        while self._waiting:
            request = self._waiting[0]
            if request.granted.cancelled():
                self._waiting.pop(0)
                continue
            if request.amount > self.size - self._pinned or (request.pinned and passed_over):
                passed_over.append(self._waiting.pop(0))
                continue
            if request.amount > self._free:
                break
            self._free -= request.amount
            self._pinned += request.amount if request.pinned else 0
            request.granted.set_result(None)
            self._waiting.pop(0)
        self._waiting[:0] = passed_over
