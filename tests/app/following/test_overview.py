"""Following the overview of the fleet: over the connections that jobs are followed by, read once for all."""

from __future__ import annotations

import asyncio
import json
from time import monotonic
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from app.endpoints.sockets import SUBPROTOCOL
from app.following.hub import Hub
from app.overview_reader import OverviewReader
from jobs.services import Services
from tests.event_stream_parser import EventStreamParser
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create

WATCH = json.dumps({"type": "watch", "topic": "operator"})
UNWATCH = json.dumps({"type": "unwatch", "topic": "operator"})


def socket_of(gateway: str) -> connect:
    address = "ws" + gateway.removeprefix("http") + "/v1/download/subscribe"
    return connect(address, subprotocols=[SUBPROTOCOL], proxy=None)  # type: ignore[list-item] # a plain text does


async def received(socket: ClientConnection, queued: int) -> dict[str, Any]:
    """The first overview with so many queued downloads."""
    async with asyncio.timeout(30):
        while True:
            message: dict[str, Any] = json.loads(await socket.recv())
            if message["type"] == "operator" and message["overview"]["jobs"]["queued"] == queued:
                return message


async def test_a_socket_follows_the_overview_besides_jobs(
    gateway: str, services: Services, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"1")
    async with socket_of(gateway) as socket:
        await socket.send(WATCH)
        first = json.loads(await socket.recv())
        assert first["type"] == "operator"
        assert first["overview"]["jobs"]["queued"] == 0
        job = await create(services, file_id)
        await socket.send(json.dumps({"type": "follow", "jobs": [{"jobId": str(job.id)}]}))
        message = await received(socket, 1)
        assert message["overview"]["at"] > first["overview"]["at"]


async def test_a_stream_sends_the_overview_and_then_what_has_changed(
    gateway: str, services: Services, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"1")
    parser, found = EventStreamParser(), []
    async with (
        asyncio.timeout(30),
        httpx.AsyncClient(timeout=30) as api,
        api.stream("GET", f"{gateway}/v1/operator/stream") as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for data in answer.aiter_bytes():
            for event in parser.feed(data):
                assert (event.type, event.id) == ("operator", None)
                found.append(json.loads(event.data)["overview"]["jobs"]["queued"])
                if len(found) == 1:
                    await create(services, file_id)
            if 1 in found:
                break
    assert (found[0], parser.retry) == (0, 2000)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When gateways that are started meanwhile read the overview."""
    found: list[float] = []
    read = OverviewReader._read  # noqa: SLF001

    async def noted(reader: OverviewReader) -> Any:
        found.append(monotonic())
        return await read(reader)

    monkeypatch.setattr(OverviewReader, "_read", noted)
    return found


async def test_it_is_read_once_for_all_and_only_while_somebody_follows_it(
    reads: list[float], hubs: list[Hub], gateway: str
) -> None:
    [hub] = hubs
    assert not hub.overview.is_read
    async with socket_of(gateway) as one, socket_of(gateway) as other:
        for socket in (one, other):
            await socket.send(WATCH)
            assert json.loads(await socket.recv())["type"] == "operator"
        assert len(reads) == 1
        assert hub.overview.is_read
        await one.send(UNWATCH)
        await other.close()
        await eventually(lambda: _is_idle(hub))


async def _is_idle(hub: Hub) -> bool:
    return not hub.overview.is_read


async def test_a_bad_topic_is_named(gateway: str) -> None:
    async with socket_of(gateway) as socket:
        await socket.send(json.dumps({"type": "watch", "topic": "everything"}))
        error = json.loads(await socket.recv())
        assert (error["type"], error["error"]) == ("error", "invalid_request")
        assert "topic" in error["message"]
