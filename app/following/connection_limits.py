"""Who may come in: limits for this process and for each client's address, and none at all before a shutdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from app.close_codes import Closing


class Admission:
    """Counts what clients keep open here: connections and long-polls."""

    def __init__(self, limit: int, limit_per_client: int) -> None:
        self._limit = limit
        self._limit_per_client = limit_per_client
        self._clients: Counter[str] = Counter()
        self._total = 0
        self.draining = False
        """The process is about to stop: nobody comes in, and nobody waits."""

    def refusal(self, client: str) -> Closing | None:
        """Why nothing more may be opened from this address, if so."""
        if self.draining:
            return Closing.RESTART
        full = self._total >= self._limit or self._clients[client] >= self._limit_per_client
        return Closing.TOO_MANY if full else None

    def enter(self, client: str) -> None:
        """It is open, until `leave`."""
        self._clients[client] += 1
        self._total += 1

    def leave(self, client: str) -> None:
        """It is closed."""
        self._total -= 1
        self._clients[client] -= 1
        if not self._clients[client]:
            del self._clients[client]

    @contextmanager
    def inside(self, client: str) -> Iterator[None]:
        """Open while the block runs."""
        self.enter(client)
        try:
            yield
        finally:
            self.leave(client)
