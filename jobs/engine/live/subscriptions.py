"""One Redis subscription for a whole process: it receives the events of the jobs that the process follows, only those."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError
from redis.asyncio.client import PubSub

from jobs.concurrency import run_forever
from jobs.engine.events import Event
from jobs.engine.live.feed import ANNOUNCEMENTS, UNAVAILABLE, RedisFeed, channel, job_of
from jobs.engine.live.refusals import reason_of
from jobs.engine.transport import Announced, Changed, Receive
from jobs.errors import RedisUnavailable

log = structlog.get_logger()

_ANNOUNCEMENTS = ANNOUNCEMENTS.encode()
PING = 2.0
"""Seconds between two pings. A connection that receives nothing for twice as long, not even their replies, is lost."""
PROBE_PAUSE = 1.0
"""Seconds between two probes of whether events can be published."""
PAUSE = 0.5
"""Seconds before a lost connection is opened again."""


async def messages_of(pubsub: PubSub) -> AsyncIterator[dict[str, Any]]:
    """The messages of a connection that is pinged every `PING` seconds. Raises `TimeoutError` when it falls silent."""
    while True:
        message = await pubsub.get_message(timeout=2 * PING)
        if message is None:
            raise TimeoutError
        yield message


class RedisSubscriptions:
    """The channels of the jobs that are followed, through every restart of Redis.

    `probe` raises `RedisUnavailable` while nothing can be published.
    """

    def __init__(
        self,
        feed: RedisFeed,
        probe: Callable[[], Awaitable[None]],
        receive: Receive,
        changed: Changed,
        announced: Announced,
    ) -> None:
        self._feed = feed
        self._probe = probe
        self._receive = receive
        self._changed = changed
        self._announced = announced
        self._wanted: set[UUID] = set()
        self._acknowledged: dict[UUID, asyncio.Future[None]] = {}
        """Channels that were requested; the future is done once Redis has acknowledged the subscription."""
        self._dirty = asyncio.Event()
        self.connected = False

    def subscribe(self, job_id: UUID) -> None:
        """Subscribes, now or when Redis is back."""
        self._wanted.add(job_id)
        self._dirty.set()

    def unsubscribe(self, job_id: UUID) -> None:
        """Leaves the channel."""
        self._wanted.discard(job_id)
        self._dirty.set()

    def token(self, job_id: UUID) -> object | None:
        """A token while the channel is subscribed to: as long as it is the same one, no event of the job is missed."""
        acknowledged = self._acknowledged.get(job_id)
        return acknowledged if acknowledged is not None and acknowledged.done() else None

    async def acknowledged(self, job_id: UUID, patience: float) -> None:
        """Waits until the channel is subscribed to. Gives up after `patience` seconds, or if Redis is unavailable."""
        if self.connected and self.token(job_id) is None:
            acknowledged = self._acknowledged.setdefault(job_id, asyncio.get_running_loop().create_future())
            await asyncio.wait([acknowledged], timeout=patience)

    async def run(self) -> None:
        """Listens until it is cancelled."""
        while True:
            try:
                await self._probe()
                async with self._feed.listening() as pubsub:
                    await pubsub.subscribe(ANNOUNCEMENTS)
                    await run_forever(self._listen(pubsub), self._update(pubsub), self._keep_probing())
            except RedisUnavailable as error:
                log.warning("subscriptions_lost", reason=error.reason)
            except UNAVAILABLE as error:
                log.warning("subscriptions_lost", reason=reason_of(error))
            except Exception:
                log.exception("subscriptions_failed")
            self._disconnected()
            await asyncio.sleep(PAUSE)

    async def _keep_probing(self) -> None:
        while True:
            await asyncio.sleep(PROBE_PAUSE)
            await self._probe()

    async def _listen(self, pubsub: PubSub) -> None:
        async for message in messages_of(pubsub):
            match message["type"]:
                case "message":
                    self._receive_message(message["channel"], message["data"])
                case "subscribe" if not self.connected:
                    self.connected = True
                    self._dirty.set()
                    self._changed()
                case "subscribe":
                    acknowledged = self._acknowledged.get(job_of(message["channel"]))
                    if acknowledged is not None and not acknowledged.done():
                        acknowledged.set_result(None)

    def _receive_message(self, source: bytes, body: bytes) -> None:
        if source == _ANNOUNCEMENTS:
            return self._announced()
        try:
            event = Event.model_validate_json(body)
        except ValidationError:
            log.warning("message_unreadable", channel=source, start=body[:200])
            return None
        return self._receive(event, body)

    async def _update(self, pubsub: PubSub) -> None:
        """Subscribes and unsubscribes, many channels at a time, and pings Redis."""
        requested: set[UUID] = set()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(PING):
                    await self._dirty.wait()
            if not self._dirty.is_set():
                await pubsub.ping()
                continue
            self._dirty.clear()
            if not self.connected:
                continue
            new, old = self._wanted - requested, requested - self._wanted
            requested = set(self._wanted)
            for job_id in new:
                self._acknowledged.setdefault(job_id, asyncio.get_running_loop().create_future())
            for job_id in (
                self._acknowledged.keys() - self._wanted
            ):  # also those unsubscribed before they were requested
                self._forget(job_id)
            if new:
                await pubsub.subscribe(*_channels(new))
            if old:
                await pubsub.unsubscribe(*_channels(old))

    def _forget(self, job_id: UUID) -> None:
        acknowledged = self._acknowledged.pop(job_id, None)
        if acknowledged is not None:
            acknowledged.cancel()

    def _disconnected(self) -> None:
        for job_id in list(self._acknowledged):
            self._forget(job_id)
        if self.connected:
            self.connected = False
            self._changed()


def _channels(job_ids: Iterable[UUID]) -> list[str]:
    return [channel(job_id) for job_id in job_ids]
