"""TCP proxies that hold what passes until they are opened.

A `Gate` passes on a limited number of response bytes: of all connections together, or, with `each`, of the response to one
request on one connection. A `RequestGate` holds chosen requests, or the responses to them.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from jobs.concurrency import cancel_and_wait
from tests.helpers.listening import listening


@dataclass(slots=True)
class Count:
    """Bytes of the response to the last request on a connection."""

    passed: int = 0


class Gate:
    """`held` is set when the first response is held; `open` releases all responses; `cut` resets every connection.

    While `shut`, new connections are reset, too. `passed` is the number of bytes of all responses.
    """

    def __init__(self, limit: int, each: bool) -> None:
        self.held = asyncio.Event()
        self.url = ""
        self.shut = False
        self.passed = 0
        self._limit = limit
        self._each = each
        self._left = limit
        self._opened = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()

    def open(self) -> None:
        self._opened.set()

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def pass_responses(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Count) -> None:
        while data := await reader.read(65536):
            count.passed += len(data)
            self.passed += len(data)
            self._left -= len(data)
            left = self._limit - count.passed if self._each else self._left
            if left < 0 and not self._opened.is_set():
                self.held.set()
                await self._opened.wait()
            writer.write(data)
            await writer.drain()

    async def serve(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.shut:
            writer.transport.abort()
            return
        address = urlsplit(target)
        upstream, requests = await asyncio.open_connection(address.hostname, address.port)
        self._writers |= {writer, requests}
        count = Count()
        up = asyncio.create_task(_pass_requests(reader, requests, count))
        try:
            with suppress(OSError):
                await self.pass_responses(upstream, writer, count)
        finally:
            self._writers -= {writer, requests}
            writer.transport.abort()
            requests.transport.abort()
            await cancel_and_wait(up)


async def _pass_requests(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: Count) -> None:
    while data := await reader.read(65536):
        count.passed = 0
        writer.write(data)
        await writer.drain()


@asynccontextmanager
async def gate(target: str, limit: int = 0, *, each: bool = False) -> AsyncIterator[Gate]:
    """Run a gate in front of the store at `target`."""
    proxy = Gate(limit, each)
    async with listening(lambda reader, writer: proxy.serve(target, reader, writer)) as proxy.url:
        try:
            yield proxy
        finally:
            proxy.open()


@dataclass(eq=False, slots=True)
class Hold:
    """Holds the requests whose head matches `pattern`, or the responses to them. `held` is set when there is one."""

    pattern: re.Pattern[bytes]
    response: bool
    held: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)
    drops: bool = False
    """Whether what was held when it was opened never arrives."""


_HEAD = re.compile(rb"[A-Z]+ /")
"""How a request starts. A body follows it in pieces of its own."""


class RequestGate:
    """Passes on everything but what a `Hold` holds. Clients must write the head of each request in one piece."""

    def __init__(self) -> None:
        self.url = ""
        self._holds: list[Hold] = []

    def hold(self, pattern: bytes, *, response: bool = False) -> Hold:
        """Hold the requests, or the `response` to each, until the hold or the gate is opened."""
        self._holds.append(Hold(re.compile(pattern), response))
        return self._holds[-1]

    def open(self) -> None:
        """Let everything pass that is held."""
        for hold in self._holds:
            hold.opened.set()

    def drop(self) -> None:
        """Let nothing of what is held arrive, and everything else pass: the clients were killed before they sent it."""
        for hold in self._holds:
            hold.drops = True
            hold.opened.set()

    async def serve(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(target)
        responses, requests = await asyncio.open_connection(address.hostname, address.port)
        blocked: list[Hold] = []
        up = asyncio.create_task(self._pass(reader, requests, blocked, is_request=True))
        down = asyncio.create_task(self._pass(responses, writer, blocked, is_request=False))
        try:
            await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await cancel_and_wait(up, down)
            writer.transport.abort()
            requests.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, blocked: list[Hold], *, is_request: bool
    ) -> None:
        with suppress(OSError, RuntimeError):  # uvloop raises it for a connection that was reset in the meantime
            while data := await reader.read(65536):
                if is_request and _HEAD.match(data):
                    found = [hold for hold in self._holds if hold.pattern.search(data)]
                    blocked[:] = [hold for hold in found if hold.response]
                    if not await _passes([hold for hold in found if not hold.response]):
                        break
                elif not is_request:
                    await _passes(blocked)
                writer.write(data)
                await writer.drain()


async def _passes(holds: list[Hold]) -> bool:
    """Waits until all of the holds are opened. False for a request that was dropped."""
    for hold in holds:
        if not hold.opened.is_set():
            hold.held.set()
            await hold.opened.wait()
            if hold.drops:
                return False
    return True


@asynccontextmanager
async def request_gate(target: str) -> AsyncIterator[RequestGate]:
    """Run a gate in front of the store at `target`. What it still holds at the end never arrives."""
    proxy = RequestGate()
    async with listening(lambda reader, writer: proxy.serve(target, reader, writer)) as proxy.url:
        yield proxy
