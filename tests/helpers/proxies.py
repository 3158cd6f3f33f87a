"""A TCP proxy between a client and a server that injects network faults on demand."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import SplitResult, urlsplit

from jobs.concurrency import cancel_and_wait

CHUNK = 256 * 1024


class Connection:
    """One connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._writers = (client, server)
        self.lost = False
        """Some of its bytes were discarded: nothing may follow them."""

    def cut(self) -> None:
        """Reset both sides."""
        for writer in self._writers:
            writer.transport.abort()


class Proxy:
    """Passes everything on until a fault is injected. A fault applies to open and to new connections."""

    def __init__(self, target: str) -> None:
        """`target` is a URL; `url` is the same with the proxy's address in it."""
        self._target = urlsplit(target)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._blackholed = False
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._received_more = asyncio.Condition()
        self.port = 0
        self.delay = 0.0
        """Delay of each chunk in seconds."""
        self.rate: float | None = None
        """Bytes per second from the server on each connection; None for no limit."""
        self.received = 0
        """Bytes received from the server."""
        self.opened = 0
        """The number of connections ever opened."""

    @property
    def url(self) -> str:
        return _at_port(self._target, self.port)

    @property
    def connections(self) -> int:
        """The number of open connections."""
        return len(self._connections)

    # --- faults -------------------------------------------------------------------------------------------------------

    def cut(self, count: int | None = None) -> int:
        """Reset `count` connections, or all; return how many were reset."""
        open_connections = list(self._connections)
        chosen = (
            open_connections if count is None else random.sample(open_connections, min(count, len(open_connections)))
        )
        for connection in chosen:
            self._connections.discard(connection)
            connection.cut()
        return len(chosen)

    def stall(self) -> None:
        """Hold all bytes until `heal`: a network partition that ends."""
        self._flowing.clear()

    def blackhole(self) -> None:
        """Discard all bytes from now on. Open connections stay dead, even after `heal`: a half-open connection."""
        self._blackholed = True
        for connection in self._connections:
            connection.lost = True

    async def refuse(self) -> None:
        """Refuse new connections and reset the open ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    async def heal(self) -> None:
        """End all faults."""
        self._blackholed = False
        self._flowing.set()
        if self._server is None:
            await self.open()

    # --- operation ----------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Listen, always on the same port."""
        listening = socket.create_server(("127.0.0.1", self.port), backlog=1024)
        self.port = listening.getsockname()[1]
        self._server = await asyncio.start_server(self._connected, sock=listening, limit=CHUNK)

    async def close(self) -> None:
        await self.refuse()
        self._flowing.set()
        if self._tasks:
            await cancel_and_wait(*self._tasks)

    async def until_received(self, count: int) -> None:
        """Wait until `count` bytes in total have been received from the server."""
        async with self._received_more:
            await self._received_more.wait_for(lambda: self.received >= count)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.opened += 1
        try:
            upstream, requests = await asyncio.open_connection(self._target.hostname, self._target.port, limit=CHUNK)
        except OSError:  # the server itself is down
            writer.transport.abort()
            return
        connection = Connection(writer, requests)
        connection.lost = self._blackholed
        self._connections.add(connection)
        up = asyncio.create_task(self._pass(connection, reader, requests))
        try:
            with suppress(asyncio.CancelledError):
                await self._pass(connection, upstream, writer, counted=True)
            await cancel_and_wait(up)
        finally:
            self._connections.discard(connection)
            connection.cut()

    async def _pass(
        self,
        connection: Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        *,
        counted: bool = False,
    ) -> None:
        with suppress(OSError, RuntimeError):  # uvloop raises it for a connection that was reset in the meantime
            while data := await reader.read(CHUNK):
                await self._wait(len(data) if counted else 0)
                if connection.lost:
                    continue
                writer.write(data)
                await writer.drain()
                if counted:
                    await self._count(len(data))
            if not connection.lost:
                writer.write_eof()

    async def _wait(self, amount: int) -> None:
        pause = self.delay + (amount / self.rate if self.rate else 0)
        if pause:
            await asyncio.sleep(pause)
        await self._flowing.wait()

    async def _count(self, amount: int) -> None:
        self.received += amount
        async with self._received_more:
            self._received_more.notify_all()


def _at_port(target: SplitResult, port: int) -> str:
    credentials, at, _ = target.netloc.rpartition("@")
    return target._replace(netloc=f"{credentials}{at}127.0.0.1:{port}").geturl()


@asynccontextmanager
async def proxied(target: str) -> AsyncIterator[Proxy]:
    """Run a proxy in front of the server at this URL."""
    proxy = Proxy(target)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
