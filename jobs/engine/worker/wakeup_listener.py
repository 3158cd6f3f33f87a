"""Hears that a wake-up was rung for, so that arq need not ask all the time whether there is one."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from arq.utils import timestamp_ms
from redis.asyncio.client import PubSub

from jobs.concurrency import keep_running
from jobs.engine.live import subscriptions
from jobs.engine.live.feed import UNAVAILABLE, Feed
from jobs.engine.live.queue import BELL
from jobs.engine.live.subscriptions import PAUSE, heard

log = structlog.get_logger()

REST = 0.8
"""Longest rest in seconds: so late is a wake-up whose ring was lost, or was for a time beyond `AHEAD`, or came before this
worker listened. arq's sign of life has a second to spare, so it must be less than that."""
AHEAD = 60.0
"""Seconds ahead of its time up to which a ring is kept in mind."""
ROUNDING = 0.002
"""Seconds by which arq's clock and the event loop's timers, in whole milliseconds both, may differ."""


class WakeupListener:
    """Lets arq rest until there may be work for it. While Redis can't be listened to there is no rest."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._rung = asyncio.Event()
        self._listening = False

    def ring(self) -> None:
        """There may be work, or room for it."""
        self._rung.set()

    async def rest(self) -> None:
        """Returns when it was rung since the last time, and after `REST` at the latest."""
        if self._listening:
            with suppress(TimeoutError):
                async with asyncio.timeout(REST):
                    await self._rung.wait()
        self._rung.clear()

    async def run(self) -> None:
        """Listens until it is cancelled."""
        while True:
            try:
                async with self._feed.listening() as pubsub:
                    await pubsub.subscribe(BELL)
                    await keep_running(self._hear(pubsub), self._ping(pubsub))
            except UNAVAILABLE as error:
                log.info("bell_lost", reason=type(error).__name__)
            except Exception:
                log.exception("bell_broke")
            finally:
                self._listening = False
                self.ring()
            await asyncio.sleep(PAUSE)

    async def _hear(self, pubsub: PubSub) -> None:
        async for message in heard(pubsub):
            self._listening = True
            match message["type"]:
                case "subscribe":
                    self.ring()  # what was rung for before was not heard
                case "message":
                    self._ring_at(int(message["data"]))

    def _ring_at(self, due: int) -> None:
        """When it is due by this machine's clock, as arq has it, which may be behind that of who rang."""
        early = (due - timestamp_ms()) / 1000
        if early < AHEAD:
            asyncio.get_running_loop().call_later(early + ROUNDING if early > 0 else 0, self.ring)

    async def _ping(self, pubsub: PubSub) -> None:
        while True:
            await asyncio.sleep(subscriptions.PING)
            await pubsub.ping()
