"""Enqueues wake-ups: arq tells a worker that a job is due, and decides nothing.

PostgreSQL decides which worker runs a job. So a wake-up may be lost (the sweeper enqueues it again), delivered twice (the
second claim fails) or late. The arq job id `{jobId}:{fence}` makes enqueueing a job twice at the same fence the same as
enqueueing it once. Each kind of job has a queue of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Self
from uuid import UUID

import structlog
from arq.connections import ArqRedis
from arq.constants import health_check_key_suffix

from jobs.breakers import Breaker
from jobs.engine.jobs import Overdue, Turn
from jobs.engine.live.feed import UNAVAILABLE, redis_breaker
from jobs.engine.live.redis_connections import connection_pool
from jobs.engine.live.refusals import reason_of
from jobs.engine.live.send_buffer import PATIENCE
from jobs.engine.wakeups.wake_up_buffer import WakeUp, WakeUpBuffer, to_place
from jobs.kinds import Kind
from jobs.settings import RedisSettings

log = structlog.get_logger()

FUNCTION = "run_job"
"""The name of the function in arq's job."""


def queue_name(kind: Kind) -> str:
    """The sorted set in which the wake-ups of a kind wait."""
    return f"haulage:queue:{kind}"


def health_check_key(kind: Kind) -> str:
    """The key that arq keeps alive while a worker receives wake-ups of a kind."""
    return queue_name(kind) + health_check_key_suffix


def pack(value: Any) -> bytes:
    """The serializer of wake-ups: JSON, never pickle."""
    return json.dumps(value, default=str).encode()


def unpack(body: bytes) -> Any:
    return json.loads(body)


def wakeup_id(job_id: UUID, fence: int) -> str:
    """The arq job id of a job at a fence."""
    return f"{job_id}:{fence}"


def turn_of(wakeup: str) -> Turn:
    """The job and the fence of an arq job id."""
    job_id, _, fence = wakeup.partition(":")
    return UUID(job_id), int(fence)


def arq_redis(settings: RedisSettings, timeout: float) -> ArqRedis:
    """arq's client, not connected yet. `timeout`: seconds to connect, and for a call."""
    pool = connection_pool(settings, timeout)
    return ArqRedis(pool, job_serializer=pack, job_deserializer=unpack)


class RedisQueue:
    """Enqueues wake-ups. No call raises because Redis is unavailable (`jobs.engine.transport.Queue`)."""

    def __init__(self, redis: ArqRedis, sender: ArqRedis, breaker: Breaker) -> None:
        """`sender` is a client of its own: calls that wait for Redis must not delay a wake-up."""
        self._redis = redis
        self._sender = sender
        self._buffer = WakeUpBuffer(self._send, breaker)

    @classmethod
    def open(cls, settings: RedisSettings, breaker: Breaker | None = None) -> Self:
        """Connects to nothing yet. `breaker`: the one of the process."""
        timeout = settings.redis_timeout
        sender = arq_redis(settings, min(timeout, PATIENCE))
        return cls(arq_redis(settings, timeout), sender, breaker or redis_breaker())

    async def close(self) -> None:
        """Sends the wake-ups that are due and waiting, for a second at most."""
        await self._buffer.close()
        await self._sender.aclose(close_connection_pool=True)
        await self._redis.aclose(close_connection_pool=True)

    async def enqueue(self, kind: Kind, job_id: UUID, fence: int, place: int, delay: float = 0) -> None:
        """Enqueues a wake-up that is due in `delay` seconds at this place, without waiting for Redis.

        It is lost while Redis is unavailable, and also if this process ends before the delay: until then it is a timer,
        since arq's queue holds only what is due.
        """
        self._buffer.put(WakeUp(kind, job_id, fence, place), delay)

    async def flush(self) -> None:
        """Waits until all wake-ups have been sent or lost: a second at most."""
        await self._buffer.flush()

    async def enqueue_missing(self, kind: Kind, overdue: Sequence[Overdue]) -> bool:
        """Enqueues wake-ups for jobs that have waited too long. Returns False if Redis is unavailable.

        It is one command, however many they are: a wake-up that waits in the queue keeps its place. One that a worker has
        just received is delivered twice, which the fence makes harmless.
        """
        wake_ups = [WakeUp(kind, it.job_id, it.fence, to_place(it.queued_at)) for it in overdue]
        try:
            await self._add(self._redis, wake_ups)
        except UNAVAILABLE as error:
            log.warning("wake_up_failed", jobs=len(overdue), reason=reason_of(error))
            return False
        return True

    async def _send(self, wake_ups: Sequence[WakeUp]) -> None:
        await self._add(self._sender, wake_ups)

    async def _add(self, redis: ArqRedis, wake_ups: Sequence[WakeUp]) -> None:
        """Adds wake-ups to the sorted sets of their kinds, in which arq expects them, with one command for each kind."""
        for kind in {it.kind for it in wake_ups}:
            members = {wakeup_id(it.job_id, it.fence): it.place for it in wake_ups if it.kind == kind}
            await redis.zadd(queue_name(kind), members, nx=True)

    async def has_consumer(self) -> bool:
        """Returns True if a worker polls a queue: arq keeps a key alive while it does. False without Redis."""
        try:
            return bool(await self._redis.exists(*map(health_check_key, Kind)))
        except UNAVAILABLE:
            return False
