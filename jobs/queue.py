"""arq as the doorbell: it tells a worker that a job is due, and decides nothing.

PostgreSQL decides who runs a job. So a wake-up may be lost (the sweeper rings again), doubled (the second claim fails) or
late. The arq job id `{jobId}:{fence}` makes ringing twice for the same turn of a job the same as ringing once.
"""

from __future__ import annotations

import json
from typing import Any, Self
from uuid import UUID

import structlog
from arq.connections import ArqRedis, RedisSettings
from arq.constants import default_queue_name, health_check_key_suffix
from pydantic import RedisDsn
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from jobs.feed import UNAVAILABLE

log = structlog.get_logger()

FUNCTION = "run_job"
HEALTH_KEY = default_queue_name + health_check_key_suffix
"""Kept alive by a worker that polls; its absence means that nobody listens."""


def pack(value: Any) -> bytes:
    """The serializer of wake-ups: JSON, never pickle."""
    return json.dumps(value, default=str).encode()


def unpack(body: bytes) -> Any:
    return json.loads(body)


def wake_id(job_id: UUID, fence: int) -> str:
    """The arq job id of one turn of a job."""
    return f"{job_id}:{fence}"


def redis_settings(url: RedisDsn, *, timeout: float) -> RedisSettings:
    """arq's own settings for the same server."""
    settings = RedisSettings.from_dsn(str(url))
    settings.conn_timeout = int(timeout)
    return settings


class Queue:
    """Rings for a job. No call raises because Redis is away."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    @classmethod
    def open(cls, url: RedisDsn, *, timeout: float) -> Self:
        """No connection is made yet. `timeout`: seconds a call may take."""
        pool = ConnectionPool.from_url(
            str(url), socket_timeout=timeout, socket_connect_timeout=timeout, retry=Retry(NoBackoff(), 0)
        )
        redis = ArqRedis(pool, job_serializer=pack, job_deserializer=unpack)
        return cls(redis)

    async def close(self) -> None:
        await self._redis.aclose(close_connection_pool=True)

    async def wake(self, job_id: UUID, fence: int, delay: float = 0) -> bool:
        """Wakes a worker for the job in `delay` seconds; False when Redis is away (the sweeper rings again)."""
        try:
            await self._redis.enqueue_job(
                FUNCTION, str(job_id), fence, _job_id=wake_id(job_id, fence), _defer_by=max(delay, 0) or None
            )
        except UNAVAILABLE as error:
            log.warning("wake_failed", job_id=str(job_id), fence=fence, reason=type(error).__name__)
            return False
        return True

    async def heard(self) -> bool:
        """Whether a worker listens; False when Redis is away, too."""
        try:
            return bool(await self._redis.exists(HEALTH_KEY))
        except UNAVAILABLE:
            return False
