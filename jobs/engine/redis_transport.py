"""`QUEUE=redis`: live events through Redis, wake-ups through arq."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Self

from jobs.breakers import Circuit
from jobs.engine.live.feed import RedisFeed
from jobs.engine.live.shared_levels import exchange_levels
from jobs.engine.live.subscriptions import RedisSubscriptions
from jobs.engine.transport import Announced, Changed, Outdated, Receive, Subscriptions
from jobs.engine.wakeups.probe import probe_redis
from jobs.engine.wakeups.queue import RedisQueue
from jobs.settings import RedisSettings


class RedisTransport:
    """See `jobs.engine.transport.Transport`."""

    def __init__(self, feed: RedisFeed, queue: RedisQueue) -> None:
        self.feed = feed
        self.queue = queue

    @classmethod
    def open(cls, settings: RedisSettings) -> Self:
        """Connects to nothing yet."""
        feed = RedisFeed.open(settings)
        return cls(feed, RedisQueue.open(settings, feed.breaker))

    async def close(self) -> None:
        await self.queue.close()
        await self.feed.close()

    async def probe(self) -> None:
        """Raises `RedisUnavailable` unless Redis does what wake-ups and live events need."""
        await probe_redis(self.feed)

    @property
    def checks(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        return {"redis": self.probe}

    @property
    def circuits(self) -> Mapping[str, Circuit]:
        return {"redis": self.feed.breaker.state}

    def subscriptions(
        self, receive: Receive, changed: Changed, announced: Announced, outdated: Outdated
    ) -> Subscriptions:
        del outdated  # Redis passes on events of any size
        return RedisSubscriptions(self.feed, self.probe, receive, changed, announced)

    async def exchange_levels(
        self, gateway: str, report: Mapping[str, tuple[float, float]], now: float
    ) -> tuple[int, bool, dict[str, float]]:
        return await exchange_levels(self.feed, gateway, report, now)
