"""Publishes the events of jobs through Redis, and keeps the latest one of each job.

All of it may be lost at any time: followers compare with PostgreSQL, which has the truth.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Self
from uuid import UUID

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError, ResponseError

from jobs.breakers import Breaker
from jobs.concurrency import complete
from jobs.engine.events import Event
from jobs.engine.live.redis_connections import connection_pool
from jobs.engine.live.refusals import REFUSALS, unavailable
from jobs.engine.live.send_buffer import PATIENCE, SendBuffer
from jobs.errors import RedisUnavailable
from jobs.settings import RedisSettings

KEEP = 3600
"""Seconds for which the latest event of a job is kept."""

ANNOUNCEMENTS = "haulage:following"
"""The channel that every gateway is subscribed to, since a connection without any can't listen. Messages on it have no
content: something was written to PostgreSQL that every gateway is to read at once."""

UNAVAILABLE = (RedisError, OSError, TimeoutError, RuntimeError)
"""What a call raises while Redis is unavailable. uvloop raises the last one for a connection that is being closed."""

Command = tuple[str | float, ...]
"""A command of Redis: its name and its arguments."""

RECOVERY = 1.0
"""Seconds for which Redis is not called after it did not respond."""


def redis_breaker() -> Breaker:
    """The circuit breaker for the calls to Redis of one process."""
    return Breaker("redis", UNAVAILABLE, RedisUnavailable("Redis is unavailable."), RECOVERY, refusals=REFUSALS)


def channel(job_id: UUID) -> str:
    """The channel on which the events of a job are published (seed 003, "Redis Keys")."""
    return f"job:{job_id}"


def job_of(channel: bytes) -> UUID:
    """The job whose events are published on the channel."""
    return UUID(channel.decode().removeprefix("job:"))


def key(job_id: UUID) -> str:
    """The key of the latest event of a job (seed 003, "Redis Keys")."""
    return f"download:progress:{job_id}"


class RedisFeed:
    """Publishes events, and reads the latest ones (`jobs.engine.transport.Feed`)."""

    def __init__(self, redis: Redis, publisher: Redis) -> None:
        """`publisher` is a client of its own: calls that wait for Redis must not delay events."""
        self._redis = redis
        self._publisher = publisher
        self.breaker = redis_breaker()
        self._send_buffer: SendBuffer[tuple[UUID, str]] = SendBuffer("feed", self._publish, self.breaker)

    @classmethod
    def open(cls, settings: RedisSettings) -> Self:
        """Connects to nothing yet."""
        timeout = settings.redis_timeout
        pools = (connection_pool(settings, each) for each in (timeout, min(timeout, PATIENCE)))
        return cls(*map(Redis.from_pool, pools))

    async def close(self) -> None:
        """Sends the events that are waiting, for a second at most."""
        await self._send_buffer.close()
        await self._publisher.aclose()
        await self._redis.aclose()

    async def publish(self, event: Event) -> None:
        """Publishes and keeps the event, without waiting for Redis. It is lost while Redis is unavailable."""
        body = event.model_dump_json()
        self._send_buffer.put((event.job_id, body), len(body))

    async def announce(self) -> None:
        """Makes all gateways read at once what they read within two seconds anyway. Lost while Redis is unavailable."""
        with suppress(RedisUnavailable, *UNAVAILABLE):
            self.breaker.check()
            with self.breaker.record("announce", decisive=False):
                await self._redis.publish(ANNOUNCEMENTS, "")

    async def flush(self) -> None:
        """Waits until all events have been sent or lost: a second at most."""
        await self._send_buffer.flush()

    async def _publish(self, messages: Sequence[tuple[UUID, str]]) -> None:
        async with self._publisher.pipeline(transaction=False) as pipeline:
            for job_id, body in messages:
                pipeline.set(key(job_id), body, ex=KEEP)
                pipeline.publish(channel(job_id), body)
            await pipeline.execute()

    async def latest(self, job_ids: Sequence[UUID]) -> dict[UUID, bytes] | None:
        """The latest events of those jobs that have one, in JSON. None while Redis is unavailable."""
        try:
            self.breaker.check()
            with self.breaker.record("read", decisive=False):
                found = await self._redis.mget([key(job_id) for job_id in job_ids])
        except (RedisUnavailable, *UNAVAILABLE):
            return None
        return {job_id: body for job_id, body in zip(job_ids, found, strict=True) if body}

    async def execute(self, commands: Sequence[Command]) -> list[Any]:
        """Executes the commands in one round trip, and returns their replies. Raises `RedisUnavailable`."""
        self.breaker.check()
        try:
            with self.breaker.record("exchange", decisive=False):
                async with self._publisher.pipeline(transaction=False) as pipeline:
                    for command in commands:
                        pipeline.execute_command(*command)
                    return await pipeline.execute()
        except UNAVAILABLE as error:
            raise unavailable(error) from error

    async def check_commands(self, executed: Sequence[Command], discarded: Sequence[Command]) -> None:
        """Executes the first commands and only lets Redis check the others, also while the circuit is open.

        The others are queued in a transaction that is discarded: Redis checks what the user is permitted when it queues a
        command. Raises `RedisUnavailable` if one of them is refused.
        """
        pool, call, ended = self._redis.connection_pool, "", False
        try:
            with self.breaker.record("probe"):
                connection = await pool.get_connection()
                try:
                    # In two round trips: should MULTI be refused, the others would be executed.
                    for commands in ([*executed, ("MULTI",)], [*discarded, ("DISCARD",)]):
                        await connection.send_packed_command(connection.pack_commands(commands))
                        for command in commands:
                            try:
                                await connection.read_response()
                            except ResponseError:
                                call = " ".join(map(str, command[:2]))
                                raise
                    ended = True
                finally:
                    if not ended:  # it may be within the transaction
                        await connection.disconnect(nowait=True)
                    await pool.release(connection)
        except UNAVAILABLE as error:
            raise unavailable(error, call) from error

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[PubSub]:
        """A connection of its own to subscribe with. Its calls raise `UNAVAILABLE`."""
        pubsub = self._redis.pubsub()
        try:
            yield pubsub
        finally:
            await complete(pubsub.aclose())  # type: ignore[no-untyped-call] # redis 5 has no type for it
