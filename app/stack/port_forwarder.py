"""Lets other machines reach one port of 127.0.0.1: each connection to certain sockets is passed on, byte by byte.

The store listens on 127.0.0.1 with all of its parts, which believe each other. Only its S3 port is passed on, where every
request has to be signed. The `Host` that a link was signed with arrives unchanged.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from contextlib import ExitStack, suppress

from anyio.from_thread import start_blocking_portal

from app.stack.ports import HOST

MAX_CONNECTIONS = 400
"""Connections at the same time: each takes two of the 1,024 file descriptors that processes often have."""
STALL_TIMEOUT = 120.0
"""Seconds in which the receiver has to take what was read for it. The store closes what is idle for as long."""
_BUFFER = 256 * 1024


class PortForwarder:
    """Passes connections on to a port of this machine, in a thread of its own."""

    def __init__(self, sockets: Sequence[socket.socket], port: int) -> None:
        """`sockets` are bound, and closed by `stop`."""
        self._sockets = sockets
        self._port = port
        self._open = ExitStack()
        self._servers: list[asyncio.Server] = []
        self._connections: dict[asyncio.Task[None], list[asyncio.StreamWriter]] = {}

    def start(self) -> None:
        """Listen on the sockets. Raises `OSError`."""
        portal = self._open.enter_context(start_blocking_portal())
        self._open.callback(portal.call, self._close)
        portal.call(self._listen)

    def stop(self) -> None:
        """End all connections. A second call does nothing."""
        self._open.close()
        for sock in self._sockets:
            sock.close()

    async def _listen(self) -> None:
        for sock in self._sockets:
            self._servers.append(await asyncio.start_server(self._forward, sock=sock, limit=_BUFFER))

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for writers in self._connections.values():
            for writer in writers:
                writer.transport.abort()
        if self._connections:
            await asyncio.wait(self._connections)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Lasts until the server has closed its end: it has responded to everything then."""
        task = asyncio.current_task()
        if task is None or len(self._connections) >= MAX_CONNECTIONS:
            writer.close()
            return
        self._connections[task] = ends = [writer]
        try:
            with suppress(OSError):
                inner_reader, inner_writer = await asyncio.open_connection(HOST, self._port, limit=_BUFFER)
                ends.append(inner_writer)
                requests = asyncio.create_task(_copy(reader, inner_writer))
                try:
                    await _copy(inner_reader, writer)
                finally:
                    requests.cancel()
                    inner_writer.close()
        finally:
            writer.close()
            del self._connections[task]


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copies until the source ends, and closes the target if it fails or takes nothing."""
    with suppress(OSError):  # TimeoutError is one
        while data := await source.read(_BUFFER):
            target.write(data)
            async with asyncio.timeout(STALL_TIMEOUT):
                await target.drain()
        target.write_eof()
        return
    target.transport.abort()
