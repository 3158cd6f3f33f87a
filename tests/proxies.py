"""A TCP proxy that misbehaves as networks do: connections break, or stay open and bring nothing any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from jobs.concurrency import end


@dataclass
class Proxy:
    """`url` is the one of the server, by way of the proxy. `cuts` counts the connections that it broke."""

    url: str
    cuts: int = 0
    _flowing: asyncio.Event = field(default_factory=asyncio.Event)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def open_connections(self) -> int:
        return len(self._writers)

    def hang(self) -> None:
        """From now on nothing passes, either way, and nobody is told: all connections are half open, new ones, too."""
        self._flowing.clear()

    def flow(self) -> None:
        """Everything passes again, also what has waited."""
        self._flowing.set()

    def cut(self) -> None:
        """Break every connection there is."""
        self.cuts += len(self._writers)
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def serve(self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address = urlsplit(target)
        self._writers.add(writer)
        answers, requests = await asyncio.open_connection(address.hostname, address.port)
        up = asyncio.create_task(self._pass(reader, requests))
        try:
            while data := await answers.read(1 << 16):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        finally:
            await end(up)
            self._writers.discard(writer)
            requests.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        writer.transport.abort()


@asynccontextmanager
async def proxy(url: str) -> AsyncIterator[Proxy]:
    """A proxy before the server at `url`, of any scheme; closed again at the end."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with suppress(asyncio.CancelledError, OSError):
            await it.serve(url, reader, writer)
        writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    address = urlsplit(url)
    login = address.netloc.rpartition("@")[0] + "@" if "@" in address.netloc else ""
    port = server.sockets[0].getsockname()[1]
    it = Proxy(urlunsplit(address._replace(netloc=f"{login}127.0.0.1:{port}")))
    it.flow()
    try:
        yield it
    finally:
        server.close()
        it.flow()
        await end(*tasks) if tasks else None
