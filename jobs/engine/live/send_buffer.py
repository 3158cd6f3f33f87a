"""Messages to other processes: bounded, lossy, and sent by one task, so that no caller waits.

Any of them may be lost: followers compare with PostgreSQL, and the sweeper enqueues wake-ups again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from contextvars import Context
from typing import Generic, TypeVar

import structlog

from jobs.breakers import Breaker
from jobs.concurrency import cancel_and_wait
from jobs.engine.live.refusals import reason_of
from jobs.errors import HaulageError

log = structlog.get_logger()

T = TypeVar("T")

PATIENCE = 1.0
"""Seconds for sending one batch, and for sending the rest on close."""
MESSAGES, BYTES = 20_000, 16 << 20
"""The most that may wait. Beyond it, the oldest message is lost."""
BATCH, BATCH_BYTES = 200, 4 << 20
"""The most that is sent at once: it must take much less than `PATIENCE`."""


class SendBuffer(Generic[T]):
    """Sends messages in their order, in batches. A batch for which `send` raises is lost."""

    def __init__(self, name: str, send: Callable[[Sequence[T]], Awaitable[None]], breaker: Breaker | None) -> None:
        """`name` is for the log and for metrics. While the circuit of `breaker` is open, messages are lost at once.

        It is None if `send` has a breaker of its own.
        """
        self._name = name
        self._send = send
        self._breaker = breaker
        self._waiting: deque[tuple[T, int]] = deque()
        self._bytes = 0
        self._lost = 0
        """Messages lost since the last batch that was sent."""
        self._sender: asyncio.Task[None] | None = None

    def put(self, message: T, size: int) -> None:
        """Sends the message of `size` bytes soon."""
        self._waiting.append((message, size))
        self._bytes += size
        while len(self._waiting) > MESSAGES or self._bytes > BYTES:
            self._pop()
            self._lost += 1
        if self._sender is None:
            # In a context of its own, so that the log context of the first message is not that of all others.
            self._sender = asyncio.create_task(self._run(), context=Context())

    async def flush(self) -> None:
        """Waits until all messages have been sent or lost, at most `PATIENCE` seconds."""
        if self._sender is not None:
            await asyncio.wait([self._sender], timeout=PATIENCE)

    async def close(self) -> None:
        """Flushes, and discards what could not be sent."""
        await self.flush()
        if self._sender is not None:
            await cancel_and_wait(self._sender)

    def _pop(self) -> T:
        message, size = self._waiting.popleft()
        self._bytes -= size
        return message

    def _batch(self) -> list[T]:
        batch, floor = [self._pop()], self._bytes - BATCH_BYTES
        while self._waiting and len(batch) < BATCH and self._bytes > floor:
            batch.append(self._pop())
        return batch

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._deliver(self._batch())
        finally:
            self._sender = None

    async def _deliver(self, batch: Sequence[T]) -> None:
        try:
            if self._breaker is not None:
                self._breaker.check()
            with nullcontext() if self._breaker is None else self._breaker.record(self._name):
                async with asyncio.timeout(PATIENCE):
                    await self._send(batch)
        except Exception as error:  # noqa: BLE001 - the event loop raises errors of its own
            if not self._lost:
                reason = (
                    getattr(error, "reason", "") or error.message
                    if isinstance(error, HaulageError)
                    else reason_of(error)
                )
                log.warning("send_lost", buffer=self._name, reason=reason)
            self._lost += len(batch)
        else:
            if self._lost:
                log.warning("send_recovered", buffer=self._name, lost=self._lost)
                self._lost = 0
