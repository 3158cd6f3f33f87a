"""One deadline for all requests, with one timer for all of them.

A timer each cost as much as all the rest of the envelope: nearly every request ends long before.
"""

from __future__ import annotations

import asyncio


class Deadlines:
    """Ends with `TimeoutError` what takes longer than so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._running: dict[asyncio.Timeout, float] = {}
        """When each has to end, the first one first: all are given the same time."""
        self._timer: asyncio.TimerHandle | None = None

    def start(self, clock: asyncio.Timeout) -> None:
        """From now on: `clock`, which was entered without a deadline, expires in time."""
        loop = asyncio.get_running_loop()
        self._running[clock] = loop.time() + self.seconds
        if self._timer is None:
            self._timer = loop.call_later(self.seconds, self._expire)

    def end(self, clock: asyncio.Timeout) -> None:
        """It has ended by itself."""
        self._running.pop(clock, None)

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        for clock, deadline in list(self._running.items()):
            if deadline > loop.time():
                self._timer = loop.call_at(deadline, self._expire)
                return
            del self._running[clock]
            clock.reschedule(deadline)
