"""Slow consumers: clients that have not read what they were sent, and get the newest state when they have."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from app.following.connections import FLUSH_CHECK_INTERVAL, Connection

log = structlog.get_logger()

STALL_TIMEOUT = 30.0
"""Seconds within which a slow client has to read something, before its connection is closed."""


class SlowConsumers:
    """Watches the write buffers of slow connections.

    `on_caught_up` is called when one has been flushed, `on_stalled` when one has not shrunk for `STALL_TIMEOUT` seconds.
    """

    def __init__(self, on_caught_up: Callable[[Connection], None], on_stalled: Callable[[Connection], None]) -> None:
        self._on_caught_up = on_caught_up
        self._on_stalled = on_stalled
        self._slow: dict[Connection, tuple[int, float]] = {}
        """The bytes that were buffered at the last check, and since when there have not been fewer."""
        self._any = asyncio.Event()

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._slow

    def __len__(self) -> int:
        return len(self._slow)

    def add(self, connection: Connection) -> None:
        """Starts to watch a connection whose buffer is full."""
        if connection not in self._slow:
            self._slow[connection] = connection.buffered(), asyncio.get_running_loop().time()
            self._any.set()

    def discard(self, connection: Connection) -> None:
        """Stops watching a connection that was closed."""
        self._slow.pop(connection, None)

    async def run(self) -> None:
        """Checks the slow connections while there are any, until it is cancelled."""
        while True:
            if not self._slow:
                self._any.clear()
            await self._any.wait()
            await asyncio.sleep(FLUSH_CHECK_INTERVAL)
            try:
                self.check(asyncio.get_running_loop().time())
            except Exception:
                log.exception("slow_consumer_check_failed")

    def check(self, now: float) -> None:
        """Compares each buffer with the last check."""
        for connection, (before, since) in list(self._slow.items()):
            buffered = connection.buffered()
            if not buffered:
                del self._slow[connection]
                self._on_caught_up(connection)
            elif buffered < before:
                self._slow[connection] = buffered, now
            elif now - since > STALL_TIMEOUT:
                del self._slow[connection]
                self._on_stalled(connection)
