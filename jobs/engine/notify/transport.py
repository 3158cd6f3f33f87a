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


class NotifyTransport:
    """See `jobs.engine.transport.Transport`. It depends on nothing but the database, which others check."""

    def __init__(self, database: Database) -> None:
        """Sends through the pool of the process. Connects to nothing yet."""
        self._database = database
        self._latest = LatestEvents()
        self.checks: Mapping[str, Callable[[], Awaitable[None]]] = {}
        self.circuits: Mapping[str, Circuit] = {}
        self.feed = NotifyFeed(database, self._latest)
        self.queue = NotifyQueue(database)

    async def close(self) -> None:
        await self.queue.close()
        await self.feed.close()

    def subscriptions(
        self, receive: Receive, changed: Changed, announced: Announced, outdated: Outdated
    ) -> Subscriptions:
        return NotifySubscriptions(self._database, self._latest, receive, changed, announced, outdated)

    async def exchange_levels(
        self, gateway: str, report: Mapping[str, tuple[float, float]], now: float
    ) -> tuple[int, bool, dict[str, float]]:
        return await exchange_levels(self._database, gateway, report, now)
