"""A TCP proxy between a client and a server, on whose way anything can go wrong, at once and on purpose."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import SplitResult, urlsplit

from jobs.concurrency import cancel_and_wait

CHUNK = 256 * 1024


class Line:
    """One connection through the proxy."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self._writers = (client, server)
        self.lost = False
        """Bytes of it were swallowed: nothing may come after them."""

    def cut(self) -> None:
        """Both sides see a reset."""
        for writer in self._writers:
            writer.transport.abort()


class Proxy:
    """Passes everything on, until it is told otherwise. What it is told holds for open and for new connections."""

    def __init__(self, target: str) -> None:
        """`target` is a URL; `url` is the same with the proxy's address in it."""
        self._target = urlsplit(target)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._swallowing = False
        self._lines: set[Line] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._moved = asyncio.Condition()
        self.port = 0
        self.delay = 0.0
        """Seconds before each chunk is passed on."""
        self.rate: float | None = None
        """Bytes a second of what comes from the server, of each connection; None for as fast as it goes."""
        self.received = 0
        """Bytes that came from the server."""
        self.opened = 0
        """Connections there ever were."""

    @property
    def url(self) -> str:
        return _moved(self._target, self.port)

    @property
    def lines(self) -> int:
        """Connections that are open."""
        return len(self._lines)

    # --- what goes wrong -----------------------------------------------------------------------------------------------

    def cut(self, count: int | None = None) -> int:
        """Resets so many connections, or all; returns how many those were."""
        lines = list(self._lines)
        chosen = lines if count is None else random.sample(lines, min(count, len(lines)))
        for line in chosen:
            self._lines.discard(line)
            line.cut()
        return len(chosen)

    def stall(self) -> None:
        """Nothing passes; all of it comes late, after `heal`: a network that is parted and comes together again."""
        self._flowing.clear()

    def swallow(self) -> None:
        """What is sent from now on is lost without a word. The connections stay deaf for good, also after `heal`."""
        self._swallowing = True
        for line in self._lines:
            line.lost = True

    async def refuse(self) -> None:
        """Nobody listens any more, and what was connected is reset."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.cut()

    async def heal(self) -> None:
        """Everything passes again."""
        self._swallowing = False
        self._flowing.set()
        if self._server is None:
            await self.open()

    # --- what it does --------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Listens, always on the same port."""
        listening = socket.create_server(("127.0.0.1", self.port), backlog=1024)
        self.port = listening.getsockname()[1]
        self._server = await asyncio.start_server(self._connected, sock=listening, limit=CHUNK)

    async def close(self) -> None:
        await self.refuse()
        self._flowing.set()
        if self._tasks:
            await cancel_and_wait(*self._tasks)

    async def passed(self, count: int) -> None:
        """Returns when so many bytes have come from the server in all."""
        async with self._moved:
            await self._moved.wait_for(lambda: self.received >= count)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.opened += 1
        try:
            upstream, requests = await asyncio.open_connection(self._target.hostname, self._target.port, limit=CHUNK)
        except OSError:  # the server itself is away
            writer.transport.abort()
            return
        line = Line(writer, requests)
        line.lost = self._swallowing
        self._lines.add(line)
        up = asyncio.create_task(self._pass(line, reader, requests))
        try:
            with suppress(asyncio.CancelledError):
                await self._pass(line, upstream, writer, counted=True)
            await cancel_and_wait(up)
        finally:
            self._lines.discard(line)
            line.cut()

    async def _pass(
        self, line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counted: bool = False
    ) -> None:
        with suppress(OSError, RuntimeError):  # uvloop's for a connection that was cut meanwhile
            while data := await reader.read(CHUNK):
                await self._wait(len(data) if counted else 0)
                if line.lost:
                    continue
                writer.write(data)
                await writer.drain()
                if counted:
                    await self._count(len(data))
            if not line.lost:
                writer.write_eof()

    async def _wait(self, amount: int) -> None:
        pause = self.delay + (amount / self.rate if self.rate else 0)
        if pause:
            await asyncio.sleep(pause)
        await self._flowing.wait()

    async def _count(self, amount: int) -> None:
        self.received += amount
        async with self._moved:
            self._moved.notify_all()


def _moved(target: SplitResult, port: int) -> str:
    credentials, at, _ = target.netloc.rpartition("@")
    return target._replace(netloc=f"{credentials}{at}127.0.0.1:{port}").geturl()


@asynccontextmanager
async def proxied(target: str) -> AsyncIterator[Proxy]:
    """A proxy before the server at this URL; closed again at the end."""
    proxy = Proxy(target)
    await proxy.open()
    try:
        yield proxy
    finally:
        await proxy.close()
