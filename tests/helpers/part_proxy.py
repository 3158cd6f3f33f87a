"""An HTTP proxy between browsers and the store, which counts and breaks the parts of uploads on their way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from tests.helpers.listening import listening

CHUNK = 64 * 1024


@dataclass
class Put:
    """A PUT on its way to the store: what a fault changes of it."""

    target: str
    """Path and query."""
    body: bytes

    @property
    def part(self) -> int:
        """Its number; 1 for an object that has no parts."""
        return int(parse_qs(urlsplit(self.target).query).get("partNumber", ["1"])[0])


Fault = Callable[[Put], Awaitable[None]]


@dataclass
class PartProxy:
    """Forwards every request to `target` on a connection of its own.

    `before` is awaited with the number of a part before any byte of it is read. `fault` is awaited once it was read, and
    may change it.
    """

    target: str
    before: Callable[[int], Awaitable[None]] | None = None
    fault: Fault | None = None
    url: str = ""
    received: int = 0
    """Bytes of parts that were read from browsers."""
    statuses: list[tuple[int, int]] = field(default_factory=list)
    """Part numbers with the status of the store's response, in the order of the responses."""
    arrived: asyncio.Condition = field(default_factory=asyncio.Condition)
    """Notified after each of them."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def accepted(self) -> int:
        """How many parts the store has accepted."""
        return sum(status == 200 for _, status in self.statuses)

    async def until_accepted(self, count: int) -> None:
        async with self.arrived:
            await self.arrived.wait_for(lambda: self.accepted >= count)

    def cut(self) -> None:
        """End all requests: what has not been read of them is not counted."""
        for task in self._tasks:
            task.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, after which the connection is closed."""
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await self._forward(reader, writer)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        put = Put(target, b"")
        if method == "PUT":
            if self.before is not None:
                await self.before(put.part)
            put.body = await self._read(reader, _length_of(head))
            number = put.part
            if self.fault is not None:
                await self.fault(put)
            head = head.replace(target.encode(), put.target.encode(), 1)
            head = re.sub(rb"(?i)\r\ncontent-length: *\d+", b"\r\nContent-Length: %d" % len(put.body), head)
        head = re.sub(rb"(?i)\r\nconnection:[^\r]*", b"", head)[:-2] + b"Connection: close\r\n\r\n"
        store = urlsplit(self.target)
        upstream, upstream_writer = await asyncio.open_connection(store.hostname, store.port)
        response = b""
        try:
            with suppress(OSError):  # a store that refuses what it has not read yet resets the connection
                upstream_writer.write(head + put.body)
                await upstream_writer.drain()
            with suppress(OSError):
                while data := await upstream.read(CHUNK):
                    response = response or data
                    writer.write(data)
                    await writer.drain()
        finally:
            upstream_writer.close()
        if method == "PUT":
            status = int(response.split(b" ", 2)[1]) if response else 0
            async with self.arrived:
                self.statuses.append((number, status))
                self.arrived.notify_all()

    async def _read(self, reader: asyncio.StreamReader, length: int) -> bytes:
        pieces = []
        while length and (piece := await reader.read(min(length, CHUNK))):
            length -= len(piece)
            self.received += len(piece)
            pieces.append(piece)
        if length:
            raise asyncio.IncompleteReadError(b"", length)
        return b"".join(pieces)


def _length_of(head: bytes) -> int:
    found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    return int(found[1]) if found else 0


@asynccontextmanager
async def part_proxy(target: str) -> AsyncIterator[PartProxy]:
    """Serve on a free port."""
    proxy = PartProxy(target)
    async with listening(proxy.serve) as proxy.url:
        yield proxy
