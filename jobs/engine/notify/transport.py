"""`QUEUE=postgres` for one process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from jobs.breakers import Circuit
from jobs.database import Database
from jobs.engine.notify.feed import LatestEvents, NotifyFeed
from jobs.engine.notify.queue import NotifyQueue
from jobs.engine.notify.subscriptions import NotifySubscriptions
from jobs.engine.sql.request_levels import exchange_levels
from jobs.engine.transport import Announced, Changed, Outdated, Receive, Subscriptions

CONNECTIONS = 2
"""Connections of a process for what it sends, besides its pool and the connection that listens."""


class NotifyTransport:
    """See `jobs.engine.transport.Transport`. It depends on nothing but the database, which others check."""

    def __init__(self, database: Database) -> None:
        """Connects to nothing yet. Requests that use up the pool of `database` do not delay what is sent."""
        self._database = database = database.with_own_pool(CONNECTIONS)
        self._latest = LatestEvents()
        self.checks: Mapping[str, Callable[[], Awaitable[None]]] = {}
        self.circuits: Mapping[str, Circuit] = {}
        self.feed = NotifyFeed(database, self._latest)
        self.queue = NotifyQueue(database)

    async def close(self) -> None:
        await self.queue.close()
        await self.feed.close()
        await self._database.dispose()

    def subscriptions(
        self, receive: Receive, changed: Changed, announced: Announced, outdated: Outdated
    ) -> Subscriptions:
        return NotifySubscriptions(self._database, self._latest, receive, changed, announced, outdated)

    async def exchange_levels(
        self, gateway: str, report: Mapping[str, tuple[float, float]], now: float
    ) -> tuple[int, bool, dict[str, float]]:
        return await exchange_levels(self._database, gateway, report, now)
