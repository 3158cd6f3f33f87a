"""A TCP proxy that passes on a limited number of response bytes, and holds the rest until it is opened.

The limit applies to all connections together, or, with `each`, to the response to one request on one connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
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
