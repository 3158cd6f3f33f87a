"""What an intake holds of a request whose application takes its time."""

from __future__ import annotations

import asyncio

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

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
async def test_the_intake_serves_a_request_for_a_websocket_as_any_other(settings: Settings) -> None:
    upgrade = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    async with asyncio.timeout(PATIENCE), taking_in(settings) as url, raw_client(url) as client:
        await client.send(b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n" + upgrade)
        assert (await client.answer()).status == 200


async def answer_lifespan(receive: Receive, send: Send) -> None:
    for stage in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{stage}.complete"})
