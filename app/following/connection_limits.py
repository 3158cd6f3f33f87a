"""Limits on open connections: for this process, each client address and each user, and none at all before a shutdown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.client_counts import ClientCounts, OpenCounts
from app.problems import ServerStops, TooManyFollowers


@dataclass(frozen=True, slots=True)
class Holder:
    """Who keeps a connection open: a client address, and the user who may have `limit` of them in this process; 0: any."""

    client: str
    owner: str = ""
    limit: int = 0


class ConnectionLimits:
    """Counts what clients keep open in this process: streams, WebSockets and long-polls."""

    def __init__(self, limit: int, limit_per_client: int) -> None:
        self._limit = limit
        self._counts = ClientCounts(limit_per_client)
        self._owners = OpenCounts()
        self.draining = False
        """The process is about to stop: nothing new may be opened, and long-polls return at once."""

    @property
    def total(self) -> int:
        """What is open now."""
        return self._counts.total

    def acquire(self, holder: Holder) -> None:
        """Counts one more connection, until `release`. Raises `ServerStops`, `TooManyFollowers`."""
        if self.draining:
            raise ServerStops("The server is shutting down. Reconnect to reach another one.")
        if self._counts.total >= self._limit or self._counts.is_full(holder.client):
            raise TooManyFollowers("Too many streams and long-polls are open, in total or from your address.")
        if 0 < holder.limit <= self._owners.count(holder.owner):
            raise TooManyFollowers(
                f"You have {holder.limit} streams and long-polls open, as many as your plan allows. Close some first."
            )
        self._counts.acquire(holder.client)
        self._owners.acquire(holder.owner)

    def release(self, holder: Holder) -> None:
        """One of these connections was closed."""
        self._counts.release(holder.client)
        self._owners.release(holder.owner)

    @contextmanager
    def acquired(self, holder: Holder) -> Iterator[None]:
        """Counts one more connection while the block runs. Raises as `acquire`."""
        self.acquire(holder)
        try:
            yield
        finally:
            self.release(holder)
