"""Servers with faults, each on a free loopback port for the duration of a `with` block."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing
from urllib.parse import urlsplit

from tests.helpers.listening import Handler, listening

RECEIVE_BUFFER = 64 * 1024
"""Bytes. Small, since a kernel that buffers a whole body would hide how it is sent."""


def serving(handler: Handler) -> AbstractAsyncContextManager[str]:
    """Run a server with this handler for every connection; return its address."""
    return listening(handler, RECEIVE_BUFFER, RECEIVE_BUFFER)


async def hang(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Read all input and never respond."""
    while await reader.read(RECEIVE_BUFFER):
        pass


async def never_read(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Neither read nor respond."""
    await asyncio.Event().wait()


async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Close the connection without a response."""
    await reader.readuntil(b"\r\n\r\n")


def responding(status: str, body: bytes = b"", **headers: str) -> Handler:
    """Send the same response to every request and close; `status` is as in "503 Slow Down"."""
    fields = {"Content-Length": str(len(body)), "Connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)
        await writer.drain()
        await hang(reader, writer)  # so that the client reads the response before the connection ends

    return handler


def relaying(
    endpoint: str,
    *,
    cut_down: int | None = None,
    stall_down: int | None = None,
    cut_up: int | None = None,
    rate_up: float | None = None,
) -> Handler:
    """Pass everything on to the real store and back, until a fault.

    After that many bytes, `cut_…` closes the connection and `stall_…` keeps silent; `rate_up` is bytes a second, the
    speed of a slow way to the store.
    """
    address = urlsplit(endpoint)

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        store_reader, store_writer = await asyncio.open_connection(address.hostname, address.port)
        with closing(store_writer):
            ways = {
                asyncio.create_task(_pass_on(reader, store_writer, cut=cut_up, rate=rate_up)),
                asyncio.create_task(_pass_on(store_reader, writer, cut=cut_down, stall=stall_down)),
            }
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)

    return handler


async def _pass_on(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    *,
    cut: int | None = None,
    stall: int | None = None,
    rate: float | None = None,
) -> None:
    passed = 0
    while data := await reader.read(RECEIVE_BUFFER):
        end = len(data) if cut is None else min(len(data), cut - passed)
        writer.write(data[:end])
        await writer.drain()
        passed += end
        if passed == cut:
            return
        if stall is not None and passed >= stall:
            await asyncio.Event().wait()
        if rate is not None:
            await asyncio.sleep(end / rate)


@asynccontextmanager
async def full_backlog() -> AsyncIterator[str]:
    """An address whose backlog is full, so that connecting hangs (on Linux)."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening, socket.socket() as first:
        first.connect(listening.getsockname())
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def closed_port() -> str:
    """Return an address without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}"
