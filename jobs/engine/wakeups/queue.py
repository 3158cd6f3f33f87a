"""Enqueues wake-ups: arq tells a worker that a job is due, and decides nothing.

PostgreSQL decides which worker runs a job. So a wake-up may be lost (the sweeper enqueues it again), delivered twice (the
second claim fails) or late. The arq job id `{jobId}:{fence}` makes enqueueing a job twice at the same fence the same as
enqueueing it once. Each kind of job has a queue of its own.
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
from jobs.engine.jobs import Turn
from jobs.engine.live.feed import MAX_CONNECTIONS, UNAVAILABLE, redis_breaker
from jobs.engine.live.send_buffer import PATIENCE, SendBuffer
from jobs.kinds import Kind

log = structlog.get_logger()

FUNCTION = "run_job"
"""The name of the function in arq's job."""
_WAKE_UP_BYTES = 250
"""Approximate size of a wake-up in Redis."""


def queue_name(kind: Kind) -> str:
    """The sorted set in which the wake-ups of a kind wait."""
    return f"haulage:queue:{kind}"


def channel_name(kind: Kind) -> str:
    """The channel that notifies workers of new wake-ups.

    A message is a due time in milliseconds since 1970; one message serves all wake-ups that are due now.
    """
    return f"haulage:wakeups:{kind}"


def pack(value: Any) -> bytes:
    """The serializer of wake-ups: JSON, never pickle."""
    return json.dumps(value, default=str).encode()


def unpack(body: bytes) -> Any:
    return json.loads(body)


def wakeup_id(job_id: UUID, fence: int) -> str:
    """The arq job id of a job at a fence."""
    return f"{job_id}:{fence}"


def arq_redis(url: RedisDsn, *, timeout: float) -> ArqRedis:
    """arq's client, not connected yet. `timeout`: seconds to connect, and for a call."""
    pool = ConnectionPool.from_url(
        str(url),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        max_connections=MAX_CONNECTIONS,
    )
    return ArqRedis(pool, job_serializer=pack, job_deserializer=unpack)


@dataclass(frozen=True, slots=True)
class _WakeUp:
    """`due` is in milliseconds since 1970, arq's unit."""

    kind: Kind
    job_id: UUID
    fence: int
    due: int


class Queue:
    """Enqueues wake-ups. No call raises because Redis is unavailable."""

    def __init__(self, redis: ArqRedis, sender: ArqRedis, breaker: Breaker) -> None:
        """`sender` is a client of its own: calls that wait for Redis must not delay a wake-up."""
        self._redis = redis
        self._sender = sender
        self._send_buffer: SendBuffer[_WakeUp] = SendBuffer("queue", self._send, breaker)

    @classmethod
    def open(cls, url: RedisDsn, *, timeout: float, breaker: Breaker | None = None) -> Self:
        """Connects to nothing yet. `timeout`: seconds for a call. `breaker`: the one of the process."""
        sender = arq_redis(url, timeout=min(timeout, PATIENCE))
        return cls(arq_redis(url, timeout=timeout), sender, breaker or redis_breaker())

    async def close(self) -> None:
        """Sends the wake-ups that are waiting, for a second at most."""
        await self._send_buffer.close()
        await self._sender.aclose(close_connection_pool=True)
        await self._redis.aclose(close_connection_pool=True)

    async def enqueue(self, kind: Kind, job_id: UUID, fence: int, delay: float = 0) -> None:
        """Enqueues a wake-up that is due in `delay` seconds, without waiting for Redis.

        A negative delay puts it before those that were due later. It is lost while Redis is unavailable.
        """
        due = timestamp_ms() + round(1000 * delay)
        self._send_buffer.put(_WakeUp(kind, job_id, fence, due), _WAKE_UP_BYTES)

    async def flush(self) -> None:
        """Waits until all wake-ups have been sent or lost: a second at most."""
        await self._send_buffer.flush()

    async def enqueue_missing(self, kind: Kind, turns: Sequence[Turn]) -> bool:
        """Enqueues wake-ups for jobs that have waited too long. Returns False if Redis is unavailable.

        A wake-up that waits in the queue stays as it is. One that a worker received before it died blocks the next one
        until arq's own time-out, so it is deleted. The fence makes a superfluous wake-up harmless.
        """
        try:
            missing = await self._missing(kind, turns)
            if missing:
                now = timestamp_ms()
                await self._send([_WakeUp(kind, job_id, fence, now) for job_id, fence in missing], replace=True)
        except UNAVAILABLE as error:
            log.warning("wake_up_failed", jobs=len(turns), reason=type(error).__name__)
            return False
        return True

    async def _missing(self, kind: Kind, turns: Sequence[Turn]) -> list[Turn]:
        """The turns for which no wake-up waits in the queue."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for job_id, fence in turns:
                wakeup = wakeup_id(job_id, fence)
                pipeline.exists(job_key_prefix + wakeup)
                pipeline.zscore(queue_name(kind), wakeup)
                pipeline.exists(in_progress_key_prefix + wakeup)
            answers = await pipeline.execute()
        found = zip(turns, answers[::3], answers[1::3], answers[2::3], strict=True)
        return [turn for turn, exists, place, in_progress in found if not exists or place is None or in_progress]

    async def _send(self, wake_ups: Sequence[_WakeUp], *, replace: bool = False) -> None:
        """Enqueues many wake-ups in one pipeline (cf. arq's `enqueue_job`). One that is in the queue stays as it is.

        `replace=True` first deletes stale keys of earlier deliveries.
        """
        now = timestamp_ms()
        async with self._sender.pipeline(transaction=True) as pipeline:
            for it in wake_ups:
                wakeup = wakeup_id(it.job_id, it.fence)
                if replace:
                    pipeline.delete(in_progress_key_prefix + wakeup, retry_key_prefix + wakeup, job_key_prefix + wakeup)
                body = serialize_job(FUNCTION, (str(it.job_id), it.fence), {}, None, now, serializer=pack)
                ttl = max(0, it.due - now) + expires_extra_ms
                pipeline.set(job_key_prefix + wakeup, body, px=ttl, nx=True)
                pipeline.zadd(queue_name(it.kind), {wakeup: it.due}, nx=True)
            for kind, due in {(it.kind, max(it.due, now)) for it in wake_ups}:
                pipeline.publish(channel_name(kind), due)
            await pipeline.execute()

    async def has_consumer(self) -> bool:
        """Returns True if a worker polls a queue: arq keeps a key alive while it does. False without Redis."""
        try:
            keys = [queue_name(kind) + health_check_key_suffix for kind in Kind]
            return bool(await self._redis.exists(*keys))
        except UNAVAILABLE:
            return False
