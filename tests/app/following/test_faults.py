"""Following while something is wrong: clients that do not read, Redis away, gateways that restart."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import uuid4

import httpx
import pytest
from pydantic import RedisDsn

from app.close_codes import CloseCode
from app.following.connections import HIGH_WATER, Connection
from app.following.hub import Hub
from app.status_reader import StatusReader
from jobs.engine.events import Event, FileView
from jobs.engine.jobs import FileState, Job, Progress
from jobs.engine.live.feed import RedisFeed
from jobs.kinds import Phase
from jobs.settings import RedisSettings
from tests.app.following.followers import (
    PATIENCE,
    Follower,
    SocketFollower,
    StreamFollower,
    base,
    live,
    pause_of,
    socket,
    stream,
    until_subscribers,
)
from tests.app.following.stalled_clients import stalled_client
from tests.app.shared import Shared
from tests.helpers.own_valkey import OwnValkey
from tests.helpers.running import serving
from tests.helpers.settings import UNAVAILABLE, with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")

BUSY = 3.0
"""Seconds more than it should take, on a busy machine."""
MANY = 40
"""Large messages: far more than all buffers on the way take."""


# --- clients that do not read -------------------------------------------------------------------------------------------


def large(job: Job, tick: int) -> Event:
    """A live message of some 30 kB."""
    names = [
        FileView(
            index=index,
            file_id=10_000 + index,
            name="n" * 64,
            status=FileState.ACTIVE,
            bytes_done=1,
            size=2,
            error=None,
        )
        for index in range(200)
    ]
    return live(job, tick, files=names)


class Spied:
    """What waits in the process for the clients that take nothing, at most; and which connections were closed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.waiting = 0
        self.largest = 0
        self.slow = asyncio.Event()
        write, close = Connection.write, Hub.close

        def writes(connection: Connection, frame: Any) -> bool:
            done = write(connection, frame)
            self.waiting = max(self.waiting, connection.buffered())
            self.largest = max(self.largest, len(frame.encoded(connection.encoding)))
            return done

        def closes(hub: Hub, connection: Connection, code: CloseCode) -> None:
            close(hub, connection, code)
            if code is CloseCode.SLOW:
                self.slow.set()

        monkeypatch.setattr(Connection, "write", writes)
        monkeypatch.setattr(Hub, "close", closes)


@pytest.mark.parametrize("way", ["subscribe", "stream"])
async def test_a_client_that_does_not_read_is_closed_and_delays_no_other(
    shared: Shared, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr("app.following.slow_consumers.STALL_TIMEOUT", 0.5)
    spied = Spied(monkeypatch)
    job = await shared.processing()
    async with (
        stalled_client(base(shared), f"{way}/{job.id}") as stalled,
        socket(base(shared), f"/{job.id}") as reader,
    ):
        await reader.heard(job, (1, -1))
        for tick in range(1, MANY + 1):
            began = monotonic()
            await shared.publish(large(job, tick))
            await reader.heard(job, (job.seq, tick))
            assert monotonic() - began < BUSY
        assert [message["tick"] for message in reader.of(job)] == list(range(MANY + 1))
        assert spied.waiting <= HIGH_WATER + spied.largest < MANY * spied.largest / 5
        await asyncio.wait_for(spied.slow.wait(), PATIENCE)
        if way == "subscribe":
            await stalled.read_until(struct.pack("!H", 4408) + CloseCode.SLOW.reason.encode())  # it wakes up
        else:
            *_, last = (await stalled.read_until(b"\r\n0\r\n\r\n")).split(b"retry: ")
            assert 1000 <= int(last.split(b"\n")[0]) <= 5000


async def test_a_client_that_does_not_read_its_close_frame_is_aborted(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.following.slow_consumers.STALL_TIMEOUT", 0.2)
    monkeypatch.setattr("app.following.disconnects.CLOSE_TIMEOUT", 0.2)
    cut = asyncio.Event()
    abort = Connection.abort

    def aborts(connection: Connection) -> None:
        abort(connection)
        cut.set()

    monkeypatch.setattr(Connection, "abort", aborts)
    job = await shared.processing()
    async with stalled_client(base(shared), f"subscribe/{job.id}") as stalled:
        while not cut.is_set():
            for tick in range(1, MANY + 1):
                await shared.publish(large(job, tick))
            with suppress(TimeoutError):
                await asyncio.wait_for(cut.wait(), 5)
        with pytest.raises(ConnectionError):
            await stalled.read_until(CloseCode.SLOW.reason.encode())


async def test_a_slow_client_gets_the_newest_state_and_no_backlog(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.following.slow_consumers.STALL_TIMEOUT", PATIENCE)
    job = await shared.processing()
    async with (
        stalled_client(base(shared), f"stream/{job.id}") as slow,
        socket(base(shared), f"/{job.id}") as reader,
    ):
        await reader.heard(job, (1, -1))
        for tick in range(1, MANY + 1):
            await shared.publish(large(job, tick))
        await reader.heard(job, (job.seq, MANY))
        data = await slow.read_until(f"id: {job.seq}.{MANY}\n".encode(), 1)
    ids = [line.split(".")[1] for line in data.decode().split("\n") if line.startswith("id: ")]
    assert ids == sorted(ids, key=int)
    assert len(ids) < MANY / 2


# --- Redis --------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[OwnValkey]:
    own = OwnValkey(tmp_path)
    await own.start()
    yield own
    await own.stop()


@pytest.mark.parametrize("how", ["stopped", "killed", "hung"])
async def test_during_a_redis_outage_followers_get_news_from_postgresql(
    shared: Shared, valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr("jobs.engine.live.subscriptions.PING", 0.3)
    noticed, changed = asyncio.Event(), Hub._connection_changed  # noqa: SLF001 - nobody else is told

    def changes(hub: Hub) -> None:
        changed(hub)
        noticed.set()

    monkeypatch.setattr(Hub, "_connection_changed", changes)
    job = await shared.processing()
    feed = RedisFeed.open(RedisSettings(redis_url=RedisDsn(valkey.url), redis_timeout=2))
    async with (
        serving(with_changes(shared.settings, redis_url=valkey.url)) as gateway,
        httpx.AsyncClient(base_url=gateway, timeout=30) as api,
        socket(gateway, f"/{job.id}") as socketed,
        stream(api, f"/{job.id}") as streamed,
    ):
        both: list[Follower] = [socketed, streamed]
        await asyncio.gather(*(it.heard(job, (1, -1)) for it in both))
        await feed.publish(live(job, 1))
        messages = await asyncio.gather(*(it.heard(job, (job.seq, 1)) for it in both))
        assert [message["degraded"] for message in messages] == [False, False]
        noticed.clear()
        await valkey.fall(how)
        await asyncio.wait_for(noticed.wait(), PATIENCE)
        for done in (1, 2):
            began = monotonic()
            seq = await shared.services.lifecycle.record(
                job, Phase.PACKING, Progress(files_total=1, bytes_done=done), []
            )
            messages = await asyncio.gather(*(it.heard(job, (seq, 0)) for it in both))
            assert monotonic() - began < 2 + BUSY
            assert {(message["type"], message["degraded"]) for message in messages} == {("snapshot", True)}
            assert {message["progress"]["bytesDone"] for message in messages} == {done}
        noticed.clear()
        await valkey.rise(how)
        await asyncio.wait_for(noticed.wait(), PATIENCE)  # a Redis that hung still knows the connection of before
        await until_subscribers(feed, job, 1)
        await feed.publish(live(job, 7, seq=seq))
        messages = await asyncio.gather(*(it.heard(job, (seq, 7)) for it in both))
        assert {(message["type"], message["degraded"]) for message in messages} == {("progress", False)}
    await feed.close()


async def test_streams_start_and_end_without_redis(shared: Shared) -> None:
    job = await shared.processing()
    async with (
        serving(with_changes(shared.settings, **UNAVAILABLE["redis"])) as gateway,
        httpx.AsyncClient(base_url=gateway, timeout=30) as api,
        socket(gateway, f"/{job.id}") as socketed,
        stream(api, f"/{job.id}") as streamed,
    ):
        for it in (socketed, streamed):
            assert (await it.heard(job, (1, -1)))["degraded"]
        await shared.services.lifecycle.cancel(job.id)
        for it in (socketed, streamed):
            assert (await it.end(job))["status"] == "cancelled"


# --- the gateway, PostgreSQL, clocks ------------------------------------------------------------------------------------


async def test_followers_reconnect_after_a_restart_and_lose_nothing(shared: Shared) -> None:
    job = await shared.processing()
    settings = with_changes(shared.settings, stream_drain=1.0)
    async with AsyncExitStack() as clients:
        async with serving(settings) as gateway:
            api = await clients.enter_async_context(client_of(gateway))
            socketed = [await clients.enter_async_context(socket(gateway, f"/{job.id}")) for _ in range(110)]
            streamed = [await clients.enter_async_context(stream(api, f"/{job.id}")) for _ in range(110)]
            followers: list[Follower] = [*socketed, *streamed]
            ends = [asyncio.create_task(_ended_at(follower)) for follower in followers]
            await shared.publish(live(job, 5))
            await asyncio.gather(*(follower.heard(job, (job.seq, 5)) for follower in followers))
        moments = await asyncio.gather(*ends)
        assert max(moments) - min(moments) > 0.5
        assert {follower.code for follower in socketed} == {1012}
        pauses = [follower.pause for follower in streamed]
        assert min(pauses) >= 0.5
        assert max(pauses) <= 5
        assert max(pauses) - min(pauses) > 2
        ended = await shared.services.lifecycle.cancel(job.id)
        async with serving(settings) as gateway:
            api = await clients.enter_async_context(client_of(gateway))
            last = await asyncio.gather(
                *(_comes_back(gateway, job, it) for it in socketed), *(_comes_back(api, job, it) for it in streamed)
            )
        assert last == [(ended.seq, "cancelled")] * len(followers)


def client_of(gateway: str) -> httpx.AsyncClient:
    """For more streams at once than httpx has connections by itself."""
    return httpx.AsyncClient(base_url=gateway, timeout=30, limits=httpx.Limits(max_connections=None))


async def _ended_at(follower: Follower) -> float:
    await follower.over()
    return monotonic()


async def _comes_back(
    to: str | httpx.AsyncClient, job: Job, before: SocketFollower | StreamFollower
) -> tuple[int, str]:
    """The end of the job, as a client hears it that goes on from what it has."""
    seq, tick = before.have[str(job.id)]
    async with AsyncExitStack() as opened:
        again: Follower
        if isinstance(to, str):
            again = await opened.enter_async_context(socket(to, f"/{job.id}?since={seq}", since={str(job.id): seq}))
        else:
            following = stream(to, f"/{job.id}", since={str(job.id): seq}, last_event_id=f"{seq}.{tick}")
            again = await opened.enter_async_context(following)
        end = await again.end(job)
        assert len(again.messages) == 1
        return end["seq"], end["status"]


async def test_a_stream_that_has_not_begun_at_shutdown_is_told_to_reconnect(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await shared.processing()
    reading, go_on, real = asyncio.Event(), asyncio.Event(), StatusReader.read

    async def held(*args: Any) -> Any:
        status = await real(*args)
        reading.set()
        await go_on.wait()
        return status

    monkeypatch.setattr(StatusReader, "read", held)
    drain = Hub.drain

    async def drains(hub: Hub, seconds: float) -> None:
        await drain(hub, seconds)
        go_on.set()

    monkeypatch.setattr(Hub, "drain", drains)
    async with AsyncExitStack() as opened, AsyncExitStack() as running:
        gateway = await running.enter_async_context(serving(with_changes(shared.settings, stream_drain=0.1)))
        api = await opened.enter_async_context(client_of(gateway))
        asking = asyncio.create_task(api.get(f"/v1/download/stream/{job.id}"))
        await asyncio.wait_for(reading.wait(), PATIENCE)
        stopping = asyncio.create_task(running.aclose())
        answer = await asyncio.wait_for(asking, PATIENCE)
        await stopping
    assert answer.status_code == 200
    assert 0.5 <= pause_of(answer) <= 5


async def test_new_streams_are_told_to_reconnect_without_postgresql(shared: Shared) -> None:
    async with (
        serving(with_changes(shared.settings, **UNAVAILABLE["database"])) as gateway,
        httpx.AsyncClient(base_url=gateway, timeout=30) as api,
    ):
        for path in (f"/{uuid4()}", f"?jobs={uuid4()},{uuid4()}"):
            answer = await api.get(f"/v1/download/stream{path}")
            assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
            assert 2 <= pause_of(answer) <= 10
        async with socket(gateway, f"/{uuid4()}") as one:
            assert await one.closed() == 4503
        async with socket(gateway) as many:
            job_id = str(uuid4())
            await many.say({"type": "follow", "jobs": [{"jobId": job_id}]})
            await many.until(lambda: bool(many.errors))
            assert (many.errors[0]["error"], many.errors[0]["jobId"]) == ("database_unavailable", job_id)


async def test_wrong_clocks_have_no_effect(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await shared.processing()
    async with socket(base(shared), f"/{job.id}") as follower:
        await follower.heard(job, (1, -1))
        for tick, year in ((1, 2999), (2, 1999), (3, 2026)):
            monkeypatch.setattr("time.time", lambda year=year: (year - 1970) * 365.25 * 86400)
            event = live(job, tick).model_copy(update={"ts": datetime(year, 1, 1, tzinfo=UTC)})
            await shared.publish(event)
            assert (await follower.heard(job, (job.seq, tick)))["ts"].startswith(str(year))
        monkeypatch.undo()
        assert len(follower.of(job)) == 4
