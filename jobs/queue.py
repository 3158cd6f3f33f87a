"""arq as the doorbell: it tells a worker that a job is due, and decides nothing.

PostgreSQL decides who runs a job. So a wake-up may be lost (the sweeper rings again), doubled (the second claim fails) or
late. The arq job id `{jobId}:{fence}` makes ringing twice for the same turn of a job the same as ringing once.
"""

from __future__ import annotations

import json
from typing import Any, Self
from uuid import UUID

import structlog
from arq.connections import ArqRedis
from arq.constants import (
    default_queue_name,
    health_check_key_suffix,
    in_progress_key_prefix,
    job_key_prefix,
    retry_key_prefix,
)
from pydantic import RedisDsn
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from jobs.feed import MAX_CONNECTIONS, UNAVAILABLE

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


def arq_redis(url: RedisDsn, *, timeout: float) -> ArqRedis:
    """arq's client. No connection is made yet. `timeout`: seconds to connect, and for a call to answer."""
    pool = ConnectionPool.from_url(
        str(url),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        max_connections=MAX_CONNECTIONS,
    )
    return ArqRedis(pool, job_serializer=pack, job_deserializer=unpack)


class Queue:
    """Rings for a job. No call raises because Redis is away."""

    def __init__(self, redis: ArqRedis) -> None:
        self._redis = redis

    @classmethod
    def open(cls, url: RedisDsn, *, timeout: float) -> Self:
        """No connection is made yet. `timeout`: seconds a call may take."""
        return cls(arq_redis(url, timeout=timeout))

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

    async def wake_again(self, job_id: UUID, fence: int) -> bool:
        """Wakes a worker for a job that has waited too long; leaves a wake-up that is in the queue where it is.

        One that a worker has taken and died with stands in the way of the next, until arq's own time-out: it is removed.
        The fence makes a wake-up too many harmless. False when Redis is away.
        """
        wake = wake_id(job_id, fence)
        taken = in_progress_key_prefix + wake
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.exists(job_key_prefix + wake)
                pipeline.zscore(default_queue_name, wake)
                pipeline.exists(taken)
                known, place, is_taken = await pipeline.execute()
            if known and place is not None and not is_taken:
                return True
            await self._redis.delete(taken, retry_key_prefix + wake, job_key_prefix + wake)
        except UNAVAILABLE as error:
            log.warning("wake_failed", job_id=str(job_id), fence=fence, reason=type(error).__name__)
            return False
        return await self.wake(job_id, fence)

    async def heard(self) -> bool:
        """Whether a worker listens; False when Redis is away, too."""
        try:
            return bool(await self._redis.exists(HEALTH_KEY))
        except UNAVAILABLE:
            return False
