"""Followers of a job that reconnect after every break, as a browser does: by server-sent events, or by WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from time import monotonic
from typing import Any
from uuid import UUID

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from tests.event_stream_parser import EventStreamParser

ENDS = {"completed", "failed", "cancelled", "expired", "gone"}
MOST_PAUSE = 1.0
"""Seconds before it reconnects, at most, when the server sent no `retry`."""


class Watcher:
    """Follows by server-sent events, and asserts that the order of the messages never goes back."""

    def __init__(self, job_id: UUID, urls: Callable[[], Sequence[str]]) -> None:
        """`urls` are the gateways, the best first. The next one is tried when one is unavailable."""
        self.job_id = job_id
        self._urls = urls
        self._last_id: str | None = None
        self.order = (-1, -1)
        self.end: str | None = None
        self.degraded = 0
        self.breaks = 0
        """The number of times that it reconnected."""
        self._begun = asyncio.Event()
        self.moments: list[float] = []
        """When each message arrived, on the monotonic clock."""
        self.degraded_until = 0.0
        """When the last message arrived that was read without Redis."""

    def gaps(self, begin: float, end: float) -> list[float]:
        """Seconds between two messages, of all silences that touch this time of the monotonic clock."""
        return [later - earlier for earlier, later in pairwise(self.moments) if later > begin and earlier < end]

    async def run(self) -> str:
        """Follows to the end, whose type it returns."""
        turn = 0
        while self.end is None:
            urls = self._urls()
            pause = await self._follow(urls[turn % len(urls)])
            if self.end is None:
                self.breaks += 1
                turn += 1
                await asyncio.sleep(pause)
        return self.end

    async def first_message(self) -> None:
        """Returns when the first message has arrived."""
        await self._begun.wait()

    async def _follow(self, url: str) -> float:
        """Follows over one connection, and returns the seconds to wait before the next."""
        headers = {} if self._last_id is None else {"Last-Event-ID": self._last_id}
        parser = EventStreamParser()
        timeout = httpx.Timeout(20)  # a comment comes every 15 s
        try:
            async with httpx.AsyncClient(base_url=url, timeout=timeout, verify=False) as client:
                async with client.stream("GET", f"/v1/download/stream/{self.job_id}", headers=headers) as answer:
                    assert answer.status_code in {200, 204, 503}, answer.status_code
                    async for data in answer.aiter_raw():
                        for event in parser.feed(data):
                            self._last_id = event.id or self._last_id
                            self._receive(json.loads(event.data))
        except httpx.TransportError:
            return MOST_PAUSE / 4
        return min(parser.retry / 1000 if parser.retry is not None else MOST_PAUSE, 5.0)

    def _receive(self, message: dict[str, Any]) -> None:
        order = (message["seq"], message["tick"])
        assert order >= self.order, f"{order} came after {self.order}"
        self.order = order
        self.moments.append(monotonic())
        self._begun.set()
        if message["degraded"]:
            self.degraded += 1
            self.degraded_until = self.moments[-1]
        if message["type"] in ENDS or message["status"] in ENDS:
            self.end = message["status"]


class SocketWatcher(Watcher):
    """The same by WebSocket."""

    async def _follow(self, url: str) -> float:
        address = f"{url.replace('http', 'ws', 1)}/v1/download/subscribe/{self.job_id}?since={max(0, self.order[0])}"
        try:
            async with connect(address, open_timeout=20) as socket:
                async for message in socket:
                    self._receive(json.loads(message))
        except (ConnectionClosed, InvalidHandshake, OSError):
            pass
        return MOST_PAUSE / 4
