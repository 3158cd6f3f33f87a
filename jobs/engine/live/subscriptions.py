"""One Redis subscription for a whole process: whatever it follows comes in here, and nothing else does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from typing import Any
from uuid import UUID

import structlog
from pydantic import ValidationError
from redis.asyncio.client import PubSub

from jobs.concurrency import keep_running
from jobs.engine.events import Event
from jobs.engine.live.feed import UNAVAILABLE, Feed, channel, job_of

log = structlog.get_logger()

_KEEPALIVE = "haulage:following"
"""A channel that is always subscribed to: a connection without any can't listen."""
PING = 2.0
"""Seconds between two pings: a connection that brings nothing, not even their answers, is given up after two of them."""
ACKNOWLEDGED = 2.0
"""Seconds that whoever asks for a channel waits for Redis to take the subscription, before it goes on without."""
PAUSE = 0.5
"""Seconds before a lost connection is made anew."""


async def heard(pubsub: PubSub) -> AsyncIterator[dict[str, Any]]:
    """What a connection brings that is pinged every `PING` seconds. Raises `TimeoutError` when it falls silent."""
    while True:
        message = await pubsub.get_message(timeout=2 * PING)
        if message is None:
            raise TimeoutError
        yield message


class Subscriptions:
    """The channels of the jobs that are wanted, through every restart of Redis.

    `receive` is called with each message, `changed` when `connected` has changed; what was published while it was False
    is lost, and the caller reads it from PostgreSQL.
    """

    def __init__(self, feed: Feed, receive: Callable[[Event, bytes], None], changed: Callable[[], None]) -> None:
        self._feed = feed
        self._receive = receive
        self._changed = changed
        self._wanted: set[UUID] = set()
        self._held: dict[UUID, asyncio.Future[None]] = {}
        """Channels that were asked for; the future is done when Redis has said yes."""
        self._dirty = asyncio.Event()
        self.connected = False

    def want(self, job_id: UUID) -> None:
        """Subscribes, now or when Redis is back."""
        self._wanted.add(job_id)
        self._dirty.set()

    def drop(self, job_id: UUID) -> None:
        """Leaves the channel."""
        self._wanted.discard(job_id)
        self._dirty.set()

    def hold(self, job_id: UUID) -> object | None:
        """A token while the channel is held: as long as it is the same one, nothing published about the job is missed."""
        answered = self._held.get(job_id)
        return answered if answered is not None and answered.done() else None

    async def held(self, job_id: UUID, patience: float) -> None:
        """Waits until the channel is held. Gives up when Redis is away, or does not answer in time."""
        if self.connected and self.hold(job_id) is None:
            answered = self._held.setdefault(job_id, asyncio.get_running_loop().create_future())
            await asyncio.wait([answered], timeout=patience)

    async def run(self) -> None:
        """Listens until it is cancelled."""
        while True:
            try:
                async with self._feed.listening() as pubsub:
                    await self._serve(pubsub)
            except UNAVAILABLE as error:
                log.warning("subscriptions_lost", reason=type(error).__name__)
            except Exception:
                log.exception("subscriptions_broke")
            self._lost()
            await asyncio.sleep(PAUSE)

    async def _serve(self, pubsub: PubSub) -> None:
        await pubsub.subscribe(_KEEPALIVE)
        await keep_running(self._listen(pubsub), self._ask(pubsub))

    async def _listen(self, pubsub: PubSub) -> None:
        async for message in heard(pubsub):
            self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "message":
                body: bytes = message["data"]
                try:
                    event = Event.model_validate_json(body)
                except ValidationError:
                    log.warning("message_unreadable", channel=message["channel"], start=body[:200])
                    return
                self._receive(event, body)
            case "subscribe" if not self.connected:
                self.connected = True
                self._dirty.set()
                self._changed()
            case "subscribe":
                answered = self._held.get(job_of(message["channel"]))
                if answered is not None and not answered.done():
                    answered.set_result(None)

    async def _ask(self, pubsub: PubSub) -> None:
        """Tells Redis what is wanted, many channels at a time, and pings it."""
        asked: set[UUID] = set()
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._dirty.wait(), PING)
            if not self._dirty.is_set():
                await pubsub.ping()
                continue
            self._dirty.clear()
            if not self.connected:
                continue
            new, old = self._wanted - asked, asked - self._wanted
            asked = set(self._wanted)
            for job_id in new:
                self._held.setdefault(job_id, asyncio.get_running_loop().create_future())
            for job_id in self._held.keys() - self._wanted:  # asked for, or not even that before it was dropped
                self._forget(job_id)
            if new:
                await pubsub.subscribe(*_channels(new))
            if old:
                await pubsub.unsubscribe(*_channels(old))

    def _forget(self, job_id: UUID) -> None:
        answered = self._held.pop(job_id, None)
        if answered is not None:
            answered.cancel()

    def _lost(self) -> None:
        for job_id in list(self._held):
            self._forget(job_id)
        if self.connected:
            self.connected = False
            self._changed()


def _channels(job_ids: Iterable[UUID]) -> list[str]:
    return [channel(job_id) for job_id in job_ids]
