"""Limits on open connections: for this process, for each client address, and none at all before a shutdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.problems import ServerStops, TooManyFollowers


class ConnectionLimits:
    """Counts what clients keep open in this process: streams, WebSockets and long-polls."""

    def __init__(self, limit: int, limit_per_client: int) -> None:
        self._limit = limit
        self._limit_per_client = limit_per_client
        self._clients: Counter[str] = Counter()
        self._total = 0
        self.draining = False
        """The process is about to stop: nothing new may be opened, and long-polls return at once."""

    def acquire(self, client: str) -> None:
        """Counts one more connection of this address, until `release`. Raises `ServerStops`, `TooManyFollowers`."""
        if self.draining:
            raise ServerStops("The server is shutting down. Reconnect to reach another one.")
        if self._total >= self._limit or self._clients[client] >= self._limit_per_client:
            raise TooManyFollowers("Too many streams and long-polls are open, in total or from your address.")
        self._clients[client] += 1
        self._total += 1

    def release(self, client: str) -> None:
        """A connection of this address was closed."""
        self._total -= 1
        self._clients[client] -= 1
        if not self._clients[client]:
            del self._clients[client]

    @contextmanager
    def acquired(self, client: str) -> Iterator[None]:
        """Counts one more connection while the block runs. Raises as `acquire`."""
        self.acquire(client)
        try:
            yield
        finally:
            self.release(client)
