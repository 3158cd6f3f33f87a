"""Redis as the live half: the latest message of each job, and a channel that brings each new one.

All of it may be lost at any moment: PostgreSQL has the truth, and followers compare with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self
from uuid import UUID

from pydantic import RedisDsn
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from jobs.breakers import Breaker
from jobs.engine.events import Event
from jobs.engine.live.send_buffer import PATIENCE, SendBuffer
from jobs.errors import RedisUnavailable

KEEP = 3600
"""Seconds that a job's latest message is kept; PostgreSQL has what followers need of it afterwards."""

MAX_CONNECTIONS = 50
"""Of a process, for each of its clients: calls to a Redis that hangs must not use up the process's sockets."""

UNAVAILABLE = (RedisError, OSError, TimeoutError, RuntimeError)
"""What a call raises while Redis is away; the last is uvloop's, of a connection that is just being closed."""


RECOVERY = 1.0
"""Seconds for which a Redis that does not answer is not asked."""


def redis_breaker() -> Breaker:
    """For the calls to Redis of one process."""
    return Breaker("redis", UNAVAILABLE, RedisUnavailable("Redis can't be reached."), RECOVERY)


def channel(job_id: UUID) -> str:
    """Where a job's messages are published (seed 003, "Redis Keys")."""
    return f"job:{job_id}"


def job_of(channel: bytes) -> UUID:
    """The job whose messages the channel brings."""
    return UUID(channel.decode().removeprefix("job:"))


def key(job_id: UUID) -> str:
    """Where a job's latest message is kept (seed 003, "Redis Keys")."""
    return f"download:progress:{job_id}"


class Feed:
    """Publishes messages, and reads the latest ones."""

    def __init__(self, redis: Redis, publisher: Redis) -> None:
        """`publisher` is a client of its own: what waits for Redis must not keep what is published."""
        self._redis = redis
        self._publisher = publisher
        self.breaker = redis_breaker()
        self._send_buffer: SendBuffer[tuple[UUID, str]] = SendBuffer("feed", self._publish, self.breaker)

    @classmethod
    def open(cls, url: RedisDsn, *, timeout: float) -> Self:
        """No connection is made yet. `timeout`: seconds a call may take."""
        return cls(_redis(url, timeout), _redis(url, min(timeout, PATIENCE)))

    async def close(self) -> None:
        """Publishes what waits for it, for a second at most."""
        await self._send_buffer.close()
        await self._publisher.aclose()
        await self._redis.aclose()

    async def publish(self, event: Event) -> None:
        """Tells the job's followers, and keeps the message, without waiting for Redis; it is lost while Redis is away."""
        body = event.model_dump_json()
        self._send_buffer.put((event.job_id, body), len(body))

    async def flush(self) -> None:
        """Waits until all that was published has been sent, or is lost: a second at most."""
        await self._send_buffer.flush()

    async def _publish(self, messages: Sequence[tuple[UUID, str]]) -> None:
        async with self._publisher.pipeline(transaction=False) as pipeline:
            for job_id, body in messages:
                pipeline.set(key(job_id), body, ex=KEEP)
                pipeline.publish(channel(job_id), body)
            await pipeline.execute()

    async def latest(self, job_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """The latest messages of the jobs that have one, as published: an `Event` in JSON. Raises `RedisUnavailable`."""
        self.breaker.check()
        try:
            with self.breaker.watch():
                found = await self._redis.mget([key(job_id) for job_id in job_ids])
        except UNAVAILABLE as error:
            raise RedisUnavailable("Redis can't be reached.") from error
        return {job_id: body for job_id, body in zip(job_ids, found, strict=True) if body}

    async def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            with self.breaker.watch():
                return bool(await self._redis.ping())
        except UNAVAILABLE:
            return False

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[PubSub]:
        """A connection of its own, for `jobs.engine.live.subscriptions`; its calls raise when Redis is away."""
        async with self._redis.pubsub() as pubsub:
            yield pubsub


def _redis(url: RedisDsn, timeout: float) -> Redis:
    redis: Redis = Redis.from_url(
        str(url),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        max_connections=MAX_CONNECTIONS,
    )
    return redis
