"""The end of connections: told to all, taken by the slow, and nobody kept waiting by a process that is about to stop."""

from __future__ import annotations

import asyncio
import logging
import socket as sockets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from structlog.testing import capture_logs

from app.close_codes import CloseCode
from app.following.hub import Hub
from app.status_reader import StatusReader
from jobs.bundles.downloads import NewDownload
from jobs.engine.jobs import FileRequest, Job
from tests.app.following.followers import PATIENCE, base, pause_of, socket, until_subscribers
from tests.app.following.stalled_clients import stalled_client
from tests.app.shared import Shared, link
from tests.helpers.jobs import create
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")

Stop = Callable[[], Awaitable[None]]


@asynccontextmanager
async def stoppable(shared: Shared, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> AsyncIterator[tuple[str, Stop]]:
    """A gateway, and what makes it drain: it goes on to do so until the block ends."""
    draining, go_on, drain = asyncio.Event(), asyncio.Event(), Hub.drain

    async def drains(hub: Hub, seconds: float) -> None:
        ending = asyncio.create_task(drain(hub, seconds))
        await asyncio.sleep(0)
        draining.set()
        await go_on.wait()
        await ending

    monkeypatch.setattr(Hub, "drain", drains)
    gateway = serving(with_changes(shared.settings, stream_drain=0.1, **changes))
    url = await gateway.__aenter__()
    stopping: list[asyncio.Task[Any]] = []

    async def stop() -> None:
        stopping.append(asyncio.create_task(gateway.__aexit__(None, None, None)))
        await asyncio.wait_for(draining.wait(), PATIENCE)

    try:
        yield url, stop
    finally:
        go_on.set()
        await asyncio.wait_for(stopping[0], PATIENCE)


@asynccontextmanager
async def connected(gateway: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that has a connection, which it will use again."""
    async with httpx.AsyncClient(base_url=gateway, timeout=PATIENCE) as api:
        assert (await api.get("/health/live")).status_code == 200
        yield api


async def test_new_clients_of_a_draining_gateway_are_told_to_reconnect(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await shared.processing()
    async with stoppable(shared, monkeypatch) as (gateway, stop):
        address = urlsplit(gateway)
        with sockets.create_connection((address.hostname, address.port)) as open_already:
            async with connected(gateway) as streaming, connected(gateway) as polling, connected(gateway) as checking:
                await stop()
                async with socket(gateway, f"/{job.id}", sock=open_already) as follower:
                    assert (await follower.closed(), follower.messages) == (1012, [])
                answer = await streaming.get(f"/v1/download/stream/{job.id}")
                assert (answer.status_code, answer.headers["connection"]) == (200, "close")
                assert 0.5 <= pause_of(answer) <= 5
                polled = await polling.get(link(job), headers={"Prefer": "wait=60"})
                assert (polled.status_code, polled.headers["connection"]) == (200, "close")
                ready = await checking.get("/health/ready")
                assert (ready.status_code, ready.json()) == (503, {"database": "ok", "draining": True})


async def test_long_polls_of_a_draining_gateway_return_at_once(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.following.reconciler.RECONCILE_INTERVAL", 2 * PATIENCE)
    job, file_id = await shared.processing(), await shared.catalogue.add(b"hello")
    async with (
        stoppable(shared, monkeypatch) as (gateway, stop),
        httpx.AsyncClient(base_url=gateway, timeout=PATIENCE) as api,
    ):
        etag = (await api.get(link(job))).headers["etag"]
        ways: list[dict[str, str]] = [{"If-None-Match": etag}, {}]
        polling = [asyncio.create_task(api.get(link(job), headers=it | {"Prefer": "wait=60"})) for it in ways]
        starting = asyncio.create_task(api.post("/v1/download/start", json={"file_id": file_id}))
        await until_subscribers(shared.services.feed, job, 1)
        await until_subscribers(shared.services.feed, await _started(shared, file_id), 1)
        await stop()
        answers = await asyncio.wait_for(asyncio.gather(*polling, starting), PATIENCE)
        assert [answer.status_code for answer in answers] == [304, 200, 202]
        assert answers[2].headers["location"]


async def _started(shared: Shared, file_id: int) -> Job:
    """The job of this file, once it was written."""
    while True:
        for item in (await shared.api.get("/v1/download/jobs")).json()["jobs"]:
            snapshot = await shared.services.snapshots.read(UUID(item["jobId"]))
            files = (await shared.api.get(f"{item['links']['self']}?since=0")).json()["files"]
            if snapshot is not None and [file["fileId"] for file in files] == [file_id]:
                return snapshot.job


async def test_a_request_that_outlasts_the_shutdown_gets_503(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = await create(shared.services, 10_000)
    asked = asyncio.Event()

    async def hangs(*_: object) -> None:
        asked.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(StatusReader, "read", hangs)
    with capture_logs() as logs, caplog.at_level(logging.ERROR):
        async with serving(with_changes(shared.settings, shutdown_timeout=1)) as gateway:
            api = httpx.AsyncClient(base_url=gateway, timeout=PATIENCE)
            asking = asyncio.create_task(api.get(link(job)))
            await asyncio.wait_for(asked.wait(), PATIENCE)
        answer = await asking
        await api.aclose()
    assert (answer.status_code, answer.json()["error"]) == (503, "server_stops")
    assert [entry for entry in logs if entry["log_level"] == "error"] == []
    assert [record for record in caplog.records if record.exc_info] == []


@pytest.mark.parametrize("way", ["subscribe", "stream"])
async def test_a_slow_client_gets_all_of_a_large_last_message(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("app.following.disconnects.CLOSE_TIMEOUT", 1.0)
    names = [FileRequest(file_id=10_000 + index, name="n" * 200) for index in range(1_000)]
    job = await shared.services.downloads.create(NewDownload(files=names))
    await shared.services.lifecycle.cancel(job.id)
    last = CloseCode.DONE.reason.encode() if way == "subscribe" else b"\r\n0\r\n\r\n"
    data = bytearray()
    async with stalled_client(base(shared), f"{way}/{job.id}") as slow:
        while last not in data[-8192:]:
            more = await slow.read(8192)
            assert more, f"it is cut after {len(data)} bytes"
            data += more
            await asyncio.sleep(0.04)  # how slow it is: two seconds for all
    assert data.count(b'"index":') == 1_000
