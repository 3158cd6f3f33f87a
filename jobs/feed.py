"""Redis as the live half: the latest message of each job, and a channel that brings each new one.

All of it may be lost at any moment: PostgreSQL has the truth, and followers compare with it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Self
from uuid import UUID

import structlog
from pydantic import RedisDsn
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from jobs.domain.errors import RedisUnavailable
from jobs.domain.events import Event

log = structlog.get_logger()

KEEP = 3600
"""Seconds that a job's latest message is kept; PostgreSQL has what followers need of it afterwards."""

MAX_CONNECTIONS = 50
"""Of a process, for each of its two clients: calls to a Redis that hangs must not use up the process's sockets."""

UNAVAILABLE = (RedisError, OSError, TimeoutError)
"""What a call raises while Redis is away."""


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

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    @classmethod
    def open(cls, url: RedisDsn, *, timeout: float) -> Self:
        """No connection is made yet. `timeout`: seconds a call may take."""
        redis = Redis.from_url(
            str(url),
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
            retry=Retry(NoBackoff(), 0),
            max_connections=MAX_CONNECTIONS,
        )
        return cls(redis)

    async def close(self) -> None:
        await self._redis.aclose()

    async def publish(self, event: Event) -> bool:
        """Tells the job's followers, and keeps the message; False when Redis is away."""
        body = event.model_dump_json()
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.set(key(event.job_id), body, ex=KEEP)
                pipeline.publish(channel(event.job_id), body)
                await pipeline.execute()
        except UNAVAILABLE as error:
            log.warning("publish_failed", job_id=str(event.job_id), reason=type(error).__name__)
            return False
        return True

    async def latest(self, job_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """The latest messages of the jobs that have one, as published: an `Event` in JSON. Raises `RedisUnavailable`."""
        try:
            found = await self._redis.mget([key(job_id) for job_id in job_ids])
        except UNAVAILABLE as error:
            raise RedisUnavailable("Redis can't be reached.") from error
        return {job_id: body for job_id, body in zip(job_ids, found, strict=True) if body}

    async def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(await self._redis.ping())
        except UNAVAILABLE:
            return False

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[PubSub]:
        """A connection of its own, for `jobs.subscriptions`; its calls raise when Redis is away."""
        async with self._redis.pubsub() as pubsub:
            yield pubsub
