"""Limits on open connections: for this process, for each client address, and none at all before a shutdown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from app.client_counts import ClientCounts
from app.problems import ServerStops, TooManyFollowers


class ConnectionLimits:
    """Counts what clients keep open in this process: streams, WebSockets and long-polls."""

    def __init__(self, limit: int, limit_per_client: int) -> None:
        self._limit = limit
        self._counts = ClientCounts(limit_per_client)
        self.draining = False
        """The process is about to stop: nothing new may be opened, and long-polls return at once."""

    @property
    def total(self) -> int:
        """What is open now."""
        return self._counts.total

    def acquire(self, client: str) -> None:
        """Counts one more connection of this address, until `release`. Raises `ServerStops`, `TooManyFollowers`."""
        self._check(client)
        self._counts.acquire(client)

    def release(self, client: str) -> None:
        """A connection of this address was closed."""
        self._counts.release(client)

    @contextmanager
    def acquired(self, client: str) -> Iterator[None]:
        """Counts one more connection while the block runs. Raises as `acquire`."""
        self._check(client)
        with self._counts.acquired(client):
            yield

    def _check(self, client: str) -> None:
        if self.draining:
            raise ServerStops("The server is shutting down. Reconnect to reach another one.")
        if self._counts.total >= self._limit or self._counts.is_full(client):
            raise TooManyFollowers("Too many streams and long-polls are open, in total or from your address.")
