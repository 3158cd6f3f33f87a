"""Listens for wake-up notifications on Redis pub/sub, so that arq does not have to poll."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from arq.utils import timestamp_ms
from redis.asyncio.client import PubSub

from jobs.concurrency import run_forever
from jobs.engine.live import subscriptions
from jobs.engine.live.feed import UNAVAILABLE, Feed
from jobs.engine.live.subscriptions import PAUSE, messages_of

log = structlog.get_logger()

MAX_REST = 0.8
"""Most seconds between two polls: how late a wake-up is whose notification was lost, or was for a time beyond `AHEAD`, or
was sent before this worker subscribed. arq's health check allows for one second, so it must be less."""
AHEAD = 60.0
"""Seconds ahead of its time up to which a notification is remembered."""
ROUNDING = 0.002
"""Seconds by which arq's clock and the event loop's timers, both in whole milliseconds, may differ."""


class WakeupListener:
    """Lets arq rest until there may be a wake-up to poll. While Redis can't be subscribed to, it polls without rest."""

    def __init__(self, feed: Feed, channel: str) -> None:
        self._feed = feed
        self._channel = channel
        self._notified = asyncio.Event()
        self._subscribed = False

    def notify(self) -> None:
        """There may be a wake-up to poll, or room for one."""
        self._notified.set()

    async def rest(self) -> None:
        """Returns once notified since the last call, and after `MAX_REST` seconds at the latest."""
        if self._subscribed:
            with suppress(TimeoutError):
                async with asyncio.timeout(MAX_REST):
                    await self._notified.wait()
        self._notified.clear()

    async def run(self) -> None:
        """Listens until it is cancelled."""
        while True:
            try:
                async with self._feed.listening() as pubsub:
                    await pubsub.subscribe(self._channel)
                    await run_forever(self._listen(pubsub), self._ping(pubsub))
            except UNAVAILABLE as error:
                log.info("wake_up_subscription_lost", reason=type(error).__name__)
            except Exception:
                log.exception("wake_up_subscription_failed")
            finally:
                self._subscribed = False
                self.notify()
            await asyncio.sleep(PAUSE)

    async def _listen(self, pubsub: PubSub) -> None:
        async for message in messages_of(pubsub):
            self._subscribed = True
            match message["type"]:
                case "subscribe":
                    self.notify()  # earlier notifications were not received
                case "message":
                    self._notify_at(int(message["data"]))

    def _notify_at(self, due: int) -> None:
        """Notifies at this time of arq's clock on this machine, which may be behind the clock of the sender."""
        early = (due - timestamp_ms()) / 1000
        if early < AHEAD:
            asyncio.get_running_loop().call_later(early + ROUNDING if early > 0 else 0, self.notify)

    async def _ping(self, pubsub: PubSub) -> None:
        while True:
            await asyncio.sleep(subscriptions.PING)
            await pubsub.ping()
