"""Clients that follow a job without reading, or vanish: on plain sockets, as HTTP and WebSocket libraries always read."""

from __future__ import annotations

import asyncio
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from websockets.frames import Frame, Opcode

from tests.app.following.followers import PATIENCE


class StalledClient:
    """A client that follows a job, and reads only when the test says so."""

    def __init__(self, sock: sockets.socket) -> None:
        self.sock = sock

    async def read(self, amount: int = 65536) -> bytes:
        """The next bytes, empty at the end."""
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self.sock, amount)

    async def say(self, message: str) -> None:
        """Sends a text frame (RFC 6455)."""
        frame = Frame(Opcode.TEXT, message.encode()).serialize(mask=True)
        await asyncio.get_running_loop().sock_sendall(self.sock, frame)

    async def read_until(self, mark: bytes, at_once: int = 65536) -> bytes:
        """Everything up to `mark`. Raises `ConnectionError` if it never arrives."""
        data = bytearray()
        while mark not in data[-len(mark) - at_once :]:
            more = await self.read(at_once)
            if not more:
                raise ConnectionError(mark)
            data += more
        return bytes(data)


@asynccontextmanager
async def stalled_client(url: str, path: str) -> AsyncIterator[StalledClient]:
    """A client that has received the response headers, with the smallest receive buffer."""
    loop = asyncio.get_running_loop()
    address = urlsplit(url)
    asks = (
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        + "A" * 22
        + "=="
    )
    head = f"GET /v1/download/{path} HTTP/1.1\r\nHost: {address.hostname}\r\n"
    with sockets.socket() as sock:
        sock.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        sock.settimeout(0)
        await loop.sock_connect(sock, (address.hostname, address.port))
        await loop.sock_sendall(
            sock, (head + (asks if path.startswith("subscribe") else "Accept: text/event-stream") + "\r\n\r\n").encode()
        )
        client = StalledClient(sock)
        await client.read_until(b"\r\n\r\n", 1)
        yield client
