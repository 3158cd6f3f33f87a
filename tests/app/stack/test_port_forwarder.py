"""The port of the store that other machines reach."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from app.listening import bound_sockets
from app.stack import port_forwarder
from app.stack.port_forwarder import PortForwarder

pytestmark = pytest.mark.servers


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """The port of a server that sends back what it gets, until the client has sent everything."""

    tasks: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.gather(*(task for task in tasks if task is not None))


@pytest.fixture
def forwarders() -> Iterator[list[PortForwarder]]:
    started: list[PortForwarder] = []
    yield started
    for forwarder in started:
        forwarder.stop()


def forward(port: int, forwarders: list[PortForwarder]) -> int:
    sockets = bound_sockets(["127.0.0.2"], 0)
    forwarder = PortForwarder(sockets, port)
    forwarders.append(forwarder)
    forwarder.start()
    return int(sockets[0].getsockname()[1])


async def test_everything_arrives_also_after_one_side_has_ended(forwarders: list[PortForwarder]) -> None:
    sent = b"0123456789" * 500_000
    async with echo() as inner:
        reader, writer = await asyncio.open_connection("127.0.0.2", forward(inner, forwarders))
        async with asyncio.TaskGroup() as both:
            received = both.create_task(reader.read(-1))
            writer.write(sent)
            await writer.drain()
            writer.write_eof()
        assert received.result() == sent
        writer.close()


async def test_a_server_that_is_gone_ends_the_connection(forwarders: list[PortForwarder]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    outer = forward(port, forwarders)
    for _ in range(2):
        reader, writer = await asyncio.open_connection("127.0.0.2", outer)
        assert await reader.read() == b""
        writer.close()


async def test_a_client_that_takes_nothing_is_cut(
    forwarders: list[PortForwarder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port_forwarder, "STALL_TIMEOUT", 0.2)
    ended = asyncio.Event()

    async def endless(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(bytes(1_000_000))
                await writer.drain()
        except OSError:
            ended.set()

    async with await asyncio.start_server(endless, "127.0.0.1", 0) as server:
        outer = forward(server.sockets[0].getsockname()[1], forwarders)
        _, writer = await asyncio.open_connection("127.0.0.2", outer, limit=1024)
        async with asyncio.timeout(10):
            await ended.wait()
        writer.close()


async def test_connections_are_limited(forwarders: list[PortForwarder], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port_forwarder, "MAX_CONNECTIONS", 1)
    async with echo() as inner:
        outer = forward(inner, forwarders)
        reader, writer = await asyncio.open_connection("127.0.0.2", outer)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        refused, second = await asyncio.open_connection("127.0.0.2", outer)
        assert await refused.read() == b""
        second.close()
        writer.write(b"y")
        assert await reader.readexactly(1) == b"y"
        writer.close()


async def test_stopping_ends_what_is_open(forwarders: list[PortForwarder]) -> None:
    async with echo() as inner:
        outer = forward(inner, forwarders)
        reader, writer = await asyncio.open_connection("127.0.0.2", outer)
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        await asyncio.to_thread(forwarders[0].stop)
        assert await reader.read() == b""
        writer.close()
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncio.open_connection("127.0.0.2", outer)
