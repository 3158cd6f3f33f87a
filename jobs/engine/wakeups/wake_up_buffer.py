"""Wake-ups that are not due yet, or wait to be sent in a batch."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from jobs.breakers import Breaker
from jobs.engine.live.send_buffer import SendBuffer
from jobs.kinds import Kind

_WAKE_UP_BYTES = 60
"""Approximate size of a wake-up."""


@dataclass(frozen=True, slots=True)
class WakeUp:
    """A job is due, at this fence. `place`: its place in the queue, as a time in milliseconds since 1970."""

    kind: Kind
    job_id: UUID
    fence: int
    place: int


def to_place(queued_at: datetime) -> int:
    """A job's place in the queue as its wake-up has it: in milliseconds since 1970, arq's unit."""
    return int(queued_at.timestamp() * 1000)


class WakeUpBuffer:
    """Sends wake-ups once they are due. All of them are lost if the process ends before."""

    def __init__(self, send: Callable[[Sequence[WakeUp]], Awaitable[None]], breaker: Breaker | None) -> None:
        """See `SendBuffer`."""
        self._send_buffer: SendBuffer[WakeUp] = SendBuffer("queue", send, breaker)
        self._timers: dict[WakeUp, asyncio.TimerHandle] = {}
        """Wake-ups that are not due yet."""

    def put(self, wake_up: WakeUp, delay: float) -> None:
        """Sends the wake-up in `delay` seconds, and an equal one that comes meanwhile not again."""
        if delay <= 0:
            self._due(wake_up)
        elif wake_up not in self._timers:
            self._timers[wake_up] = asyncio.get_running_loop().call_later(delay, self._due, wake_up)

    def _due(self, wake_up: WakeUp) -> None:
        self._timers.pop(wake_up, None)
        self._send_buffer.put(wake_up, _WAKE_UP_BYTES)

    async def flush(self) -> None:
        """Waits until all wake-ups that are due have been sent or lost: a second at most."""
        await self._send_buffer.flush()

    async def close(self) -> None:
        """Sends the wake-ups that are due, for a second at most, and discards the others."""
        for timer in self._timers.values():
            timer.cancel()
        await self._send_buffer.close()
