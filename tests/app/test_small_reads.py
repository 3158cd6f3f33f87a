"""What an intake holds of a request whose application takes its time."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Message, Receive, Scope, Send

from app.server import Server
from app.small_reads import READ_SIZE
from jobs.settings import Settings
from tests.helpers.raw_http import raw_client
from tests.helpers.running import running, taking_in

SIZE = 1 << 20
PATIENCE = 30.0


@pytest.mark.servers
async def test_no_more_of_a_body_is_read_than_the_application_asks_for(settings: Settings) -> None:
    sizes: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await answer_lifespan(receive, send)
        async for chunk in Request(scope, receive).stream():
            sizes.append(len(chunk))
            for _ in range(20):  # the loop could read all that the socket has
                await asyncio.sleep(0)
        return await PlainTextResponse("whole")(scope, receive, send)

    async with asyncio.timeout(PATIENCE), running(lambda _: Server(app, settings, long_bodies=True)) as url:
        async with raw_client(url) as client:
            head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % SIZE
            await client.send(head, b"x" * SIZE)
            assert (await client.answer()).body == b"whole"
    assert sum(sizes) == SIZE
    assert max(sizes) <= READ_SIZE


@pytest.mark.servers
async def test_a_body_in_tiny_chunks_arrives_whole(settings: Settings) -> None:
    body = bytes(range(256)) * 200
    async with asyncio.timeout(PATIENCE), running(lambda _: Server(echo, settings, long_bodies=True)) as url:
        async with raw_client(url) as client:
            await client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
            await client.send(b"".join(b"1\r\n%c\r\n" % byte for byte in body), b"0\r\n\r\n")
            assert (await client.answer()).body == body


@pytest.mark.servers
@pytest.mark.parametrize(("extra", "fits"), [(1000, True), (40_000, False)], ids=["fits", "too large"])
async def test_the_head_that_follows_a_body_in_the_same_read_has_the_same_limit(
    settings: Settings, extra: int, *, fits: bool
) -> None:
    begun = asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def noticed() -> Message:
            message = await receive()
            begun.set()
            return message

        await echo(scope, noticed if scope["type"] == "http" else receive, send)

    async with asyncio.timeout(PATIENCE), running(lambda _: Server(app, settings, long_bodies=True)) as url:
        async with raw_client(url) as client:
            await client.send(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30000\r\n\r\n", b"x" * 10_000)
            await begun.wait()
            head = b"GET / HTTP/1.1\r\nHost: localhost\r\nX-More: %s\r\n\r\n" % (b"y" * extra)
            await client.send(b"x" * 20_000 + head)
            assert (await client.answer()).body == b"x" * 30_000
            if fits:
                assert (await client.answer()).status == 200
            else:
                with pytest.raises(asyncio.IncompleteReadError):  # it is closed
                    await client.answer()


@pytest.mark.servers
async def test_the_intake_serves_a_request_for_a_websocket_as_any_other(settings: Settings) -> None:
    upgrade = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    async with asyncio.timeout(PATIENCE), taking_in(settings) as url, raw_client(url) as client:
        await client.send(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n" + upgrade)
        assert (await client.answer()).status == 200


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Responds with the body of the request."""
    if scope["type"] == "lifespan":
        return await answer_lifespan(receive, send)
    return await Response(await Request(scope, receive).body())(scope, receive, send)


async def answer_lifespan(receive: Receive, send: Send) -> None:
    for stage in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{stage}.complete"})
