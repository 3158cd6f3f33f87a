"""Everything a process needs to work with jobs, opened once from the settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from jobs.breakers import Circuit
from jobs.bundles.resolver import Resolver
from jobs.database import Database
from jobs.engine.backpressure import Backpressure
from jobs.engine.lifecycle import Lifecycle
from jobs.engine.live.feed import Feed
from jobs.engine.live.queue import Queue
from jobs.engine.sql.snapshots import Snapshots
from jobs.settings import Settings
from jobs.storage import Storage


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Opened clients of PostgreSQL, Redis and the store, and what is built on them."""

    settings: Settings
    database: Database
    feed: Feed
    queue: Queue
    storage: Storage
    lifecycle: Lifecycle
    resolver: Resolver
    snapshots: Snapshots

    @property
    def circuits(self) -> dict[str, Circuit]:
        """The circuit of each dependency, as this process sees it."""
        return {
            "database": self.database.breaker.state,
            "storage": self.storage.bucket.breaker.state,
            "redis": self.feed.breaker.state,
        }


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Opens all clients; none connects yet. Closes them at the end, after all that was committed has been said."""
    database = Database.open(
        settings.database_url, pool_size=settings.database_pool_size, timeout=settings.database_timeout
    )
    feed = Feed.open(settings.redis_url, timeout=settings.redis_timeout)
    queue = Queue.open(settings.redis_url, timeout=settings.redis_timeout, breaker=feed.breaker)
    storage = Storage.open(settings)
    snapshots = Snapshots(database)
    backpressure = Backpressure(settings.max_queued, snapshots.wait, Random())  # noqa: S311 - jitter, not a secret
    lifecycle = Lifecycle(database, feed, queue, settings, backpressure=backpressure)
    try:
        yield Services(
            settings=settings,
            database=database,
            feed=feed,
            queue=queue,
            storage=storage,
            lifecycle=lifecycle,
            resolver=Resolver(database, storage, settings),
            snapshots=snapshots,
        )
    finally:
        await lifecycle.close()
        await storage.close()
        await queue.close()
        await feed.close()
        await database.close()
