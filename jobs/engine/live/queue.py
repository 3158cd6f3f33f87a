"""arq as the doorbell: it tells a worker that a job is due, and decides nothing.

PostgreSQL decides who runs a job. So a wake-up may be lost (the sweeper rings again), doubled (the second claim fails) or
late. The arq job id `{jobId}:{fence}` makes ringing twice for the same turn of a job the same as ringing once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self
from uuid import UUID

import structlog
from arq.connections import ArqRedis
from arq.constants import (
    default_queue_name,
    expires_extra_ms,
    health_check_key_suffix,
    in_progress_key_prefix,
    job_key_prefix,
    retry_key_prefix,
)
from arq.jobs import serialize_job
from arq.utils import timestamp_ms
from pydantic import RedisDsn
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from jobs.breakers import Breaker
from jobs.engine.live.feed import MAX_CONNECTIONS, UNAVAILABLE, redis_breaker
from jobs.engine.live.send_buffer import PATIENCE, SendBuffer

log = structlog.get_logger()

FUNCTION = "run_job"
BELL = "haulage:bell"
"""The channel that tells workers when a wake-up is due, in milliseconds since 1970: one message for all that are due now.
Who misses it finds them when it looks."""
_WAKE_UP_BYTES = 250
"""Of a wake-up in Redis, about."""
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


Turn = tuple[UUID, int]
"""A job at a fence."""


@dataclass(frozen=True, slots=True)
class _WakeUp:
    """`due` is in milliseconds since 1970, as arq has it."""

    job_id: UUID
    fence: int
    due: int


class Queue:
    """Rings for a job. No call raises because Redis is away."""

    def __init__(self, redis: ArqRedis, ringer: ArqRedis, breaker: Breaker) -> None:
        """`ringer` is a client of its own: what waits for Redis must not keep a wake-up."""
        self._redis = redis
        self._ringer = ringer
        self._send_buffer: SendBuffer[_WakeUp] = SendBuffer("queue", self._ring, breaker)

    @classmethod
    def open(cls, url: RedisDsn, *, timeout: float, breaker: Breaker | None = None) -> Self:
        """No connection is made yet. `timeout`: seconds a call may take. `breaker`: that of the process."""
        ringer = arq_redis(url, timeout=min(timeout, PATIENCE))
        return cls(arq_redis(url, timeout=timeout), ringer, breaker or redis_breaker())

    async def close(self) -> None:
        """Rings for what waits for it, for a second at most."""
        await self._send_buffer.close()
        await self._ringer.aclose(close_connection_pool=True)
        await self._redis.aclose(close_connection_pool=True)

    async def wake(self, job_id: UUID, fence: int, delay: float = 0) -> None:
        """Wakes a worker for the job in `delay` seconds, without waiting for Redis (if it is away the sweeper rings).

        A delay below zero puts it before those that were due later.
        """
        self._send_buffer.put(_WakeUp(job_id, fence, timestamp_ms() + round(1000 * delay)), _WAKE_UP_BYTES)

    async def flush(self) -> None:
        """Waits until all has been rung for, or is lost: a second at most."""
        await self._send_buffer.flush()

    async def wake_again(self, turns: Sequence[Turn]) -> bool:
        """Wakes workers for jobs that have waited too long; leaves a wake-up that is in the queue where it is.

        One that a worker has taken and died with stands in the way of the next, until arq's own time-out: it is removed.
        The fence makes a wake-up too many harmless. False when Redis is away.
        """
        try:
            missing = await self._missing(turns)
            if missing:
                now = timestamp_ms()
                await self._ring([_WakeUp(job_id, fence, now) for job_id, fence in missing], anew=True)
        except UNAVAILABLE as error:
            log.warning("wake_failed", jobs=len(turns), reason=type(error).__name__)
            return False
        return True

    async def _missing(self, turns: Sequence[Turn]) -> list[Turn]:
        """Those of the turns that no wake-up waits for in the queue."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for job_id, fence in turns:
                wake = wake_id(job_id, fence)
                pipeline.exists(job_key_prefix + wake)
                pipeline.zscore(default_queue_name, wake)
                pipeline.exists(in_progress_key_prefix + wake)
            answers = await pipeline.execute()
        found = zip(turns, answers[::3], answers[1::3], answers[2::3], strict=True)
        return [turn for turn, known, place, is_taken in found if not known or place is None or is_taken]

    async def _ring(self, wake_ups: Sequence[_WakeUp], *, anew: bool = False) -> None:
        """What arq's `enqueue_job` does, for many at once and in one round trip. `anew`: whatever is left of earlier ones.

        A wake-up that is in the queue stays as it is.
        """
        now = timestamp_ms()
        async with self._ringer.pipeline(transaction=True) as pipeline:
            for it in wake_ups:
                wake = wake_id(it.job_id, it.fence)
                if anew:
                    pipeline.delete(in_progress_key_prefix + wake, retry_key_prefix + wake, job_key_prefix + wake)
                body = serialize_job(FUNCTION, (str(it.job_id), it.fence), {}, None, now, serializer=pack)
                kept = max(0, it.due - now) + expires_extra_ms
                pipeline.set(job_key_prefix + wake, body, px=kept, nx=True)
                pipeline.zadd(default_queue_name, {wake: it.due}, nx=True)
            for due in {max(it.due, now) for it in wake_ups}:
                pipeline.publish(BELL, due)
            await pipeline.execute()

    async def heard(self) -> bool:
        """Whether a worker listens; False when Redis is away, too."""
        try:
            return bool(await self._redis.exists(HEALTH_KEY))
        except UNAVAILABLE:
            return False
