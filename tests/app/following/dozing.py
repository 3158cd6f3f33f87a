"""Clients that follow and do not read, or are not there any more: below HTTP and WebSocket libraries, which do."""

from __future__ import annotations

import asyncio
import socket as sockets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from websockets.frames import Frame, Opcode

from tests.app.following.followers import PATIENCE


class Dozing:
    """A client that has asked for a job's changes, and reads nothing until it is told to."""

    def __init__(self, sock: sockets.socket) -> None:
        self.sock = sock

    async def read(self, amount: int = 65536) -> bytes:
        """What comes next, empty at the end."""
        async with asyncio.timeout(PATIENCE):
            return await asyncio.get_running_loop().sock_recv(self.sock, amount)

    async def say(self, message: str) -> None:
        """Sends a text frame (RFC 6455)."""
        frame = Frame(Opcode.TEXT, message.encode()).serialize(mask=True)
        await asyncio.get_running_loop().sock_sendall(self.sock, frame)

    async def read_until(self, mark: bytes, at_once: int = 65536) -> bytes:
        """What comes until this has come. Raises `ConnectionError` when it never does."""
        data = bytearray()
        while mark not in data[-len(mark) - at_once :]:
            more = await self.read(at_once)
            if not more:
                raise ConnectionError(mark)
            data += more
        return bytes(data)


@asynccontextmanager
async def dozing(url: str, path: str) -> AsyncIterator[Dozing]:
    """It has had the head of the answer, and its machine keeps as little for it as can be."""
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
        client = Dozing(sock)
        await client.read_until(b"\r\n\r\n", 1)
        yield client
