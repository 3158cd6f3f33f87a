"""What is to be said to Redis: bounded, lossy, and sent by one task, so that nobody ever waits for Redis.

All of it may be lost: followers compare with PostgreSQL, and the sweeper rings again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

import structlog

from jobs.breakers import Breaker
from jobs.concurrency import end

log = structlog.get_logger()

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds that a Redis that hangs may take for one batch, and that closing waits for what was not sent yet."""
MESSAGES, BYTES = 20_000, 16 << 20
"""What waits at most; the oldest of more is lost."""
BATCH, BATCH_BYTES = 200, 4 << 20
"""What is sent at once at most: it must fit well into `PATIENCE`."""


class SendBuffer(Generic[T]):
    """Messages in their order. `send` takes a batch of them; what it raises loses the batch and nothing else."""

    def __init__(self, name: str, send: Callable[[Sequence[T]], Awaitable[None]], breaker: Breaker) -> None:
        """`name` is for the log. While the circuit of `breaker` is open, messages are lost at once."""
        self._name = name
        self._send = send
        self._breaker = breaker
        self._waiting: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._lost = 0
        """Messages since the last that were sent."""
        self._sender: asyncio.Task[None] | None = None

    def put(self, message: T, size: int) -> None:
        """Sends the message of `size` bytes soon, in a task of its own."""
        self._waiting.append((message, size))
        self._bytes += size
        while len(self._waiting) > MESSAGES or self._bytes > BYTES:
            self._take()
            self._lost += 1
        if self._sender is None:
            # With a context of its own: what the first message is about is not what all the others are about.
            self._sender = asyncio.create_task(self._run(), context=Context())

    async def flush(self) -> None:
        """Waits until all has been sent or lost, at most `PATIENCE` seconds."""
        if self._sender is not None:
            await asyncio.wait([self._sender], timeout=PATIENCE)

    async def close(self) -> None:
        """The same, and then loses what is left."""
        await self.flush()
        if self._sender is not None:
            await end(self._sender)

    def _take(self) -> T:
        message, size = self._waiting.popleft()
        self._bytes -= size
        return message

    def _batch(self) -> list[T]:
        batch, floor = [self._take()], self._bytes - BATCH_BYTES
        while self._waiting and len(batch) < BATCH and self._bytes > floor:
            batch.append(self._take())
        return batch

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._deliver(self._batch())
        finally:
            self._sender = None

    async def _deliver(self, batch: Sequence[T]) -> None:
        try:
            self._breaker.check()
            with self._breaker.watch():
                async with asyncio.timeout(PATIENCE):
                    await self._send(batch)
        except Exception as error:  # noqa: BLE001 - beside what redis raises, there is what the event loop does
            if not self._lost:
                log.warning("redis_unheard", of=self._name, reason=type(error).__name__)
            self._lost += len(batch)
        else:
            if self._lost:
                log.warning("redis_heard", of=self._name, lost=self._lost)
                self._lost = 0
