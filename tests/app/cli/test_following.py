"""How `haulage download` follows its job: by WebSocket, else by server-sent events, else by polling."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from websockets.asyncio.server import ServerConnection, serve

from app.cli.client import Api
from app.cli.errors import Refused, ServerUnreachable, exit_code
from app.cli.fetching import ways
from app.cli.fetching.following import FollowBy, follow
from app.cli.fetching.ways import BARRED, NOT_FOUND, PAUSES, WAYS, Barred, Lost, Messages, Place, by_socket
from app.close_codes import Closing
from app.schemas import JobStatus
from app.serializers import status_of
from jobs.engine.events import Event, EventType
from jobs.engine.jobs import Status
from jobs.services import Services
from jobs.settings import Settings
from tests.app.cli.middleboxes import Held, Middlebox
from tests.app.cli.processes import Cli, line_with, variables
from tests.conftest import serving, working
from tests.support import Catalogue, create

BY: list[FollowBy] = ["websocket", "sse", "polling"]


@pytest.fixture
async def box(gateway: str) -> AsyncIterator[Middlebox]:
    async with Middlebox(gateway).running() as box:
        yield box


@pytest.fixture
def boxed_cli(tmp_path: Path, settings: Settings, box: Middlebox) -> Cli:
    """Reaches the gateway through the box."""
    return Cli(tmp_path, variables(settings) | {"HAULAGE_SERVER": box.url})


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody pauses."""
    monkeypatch.setattr(Lost, "pause", lambda _: 0.0)


class Followed:
    """What `follow` yields in a thread, one by one."""

    def __init__(self, events: Iterator[Event]) -> None:
        self._events = events

    async def next(self) -> Event | None:
        """None when that was all."""
        return await asyncio.wait_for(asyncio.to_thread(next, self._events, None), 30)

    async def until_it_is(self, status: Status) -> Event:
        while (event := await self.next()) is not None:
            if event.status is status:
                return event
        raise AssertionError(f"it never was {status}")


# --- every way, and each in place of another ----------------------------------------------------------------------------


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("by", "part"), [("auto", "/subscribe/"), ("websocket", "/subscribe/"), ("sse", "/stream/"), ("polling", "/job/")]
)
async def test_every_way_ends_in_the_same_file(
    boxed_cli: Cli, box: Middlebox, catalogue: Catalogue, by: str, part: str
) -> None:
    data = os.urandom(5_000_000)
    done = await boxed_cli("download", await catalogue.add(data, "a.bin"), "--follow-by", by)
    assert done.code == 0, done.error
    assert (boxed_cli.folder / "a.bin").read_bytes() == data
    assert done.error.splitlines()[-2:] == ["completed", "saving 4.8 MiB"]
    for other in ("/subscribe/", "/stream/", "/job/"):
        followed = [path for path in box.paths if other in path and "/download-url" not in path]
        assert bool(followed) == (other == part), followed


@pytest.mark.parametrize("by", BY)
async def test_every_way_shows_the_same_states(gateway: str, services: Services, by: FollowBy) -> None:
    job = await create(services, 10_000, 10_001)
    followed = Followed(follow(Api(gateway), job.id, by))
    event = await followed.until_it_is(Status.QUEUED)
    assert isinstance(event, JobStatus)
    assert event.progress.queue_position == 1
    claimed = await services.lifecycle.claim(job.id, job.fence, "worker-1")
    assert claimed is not None
    event = await followed.until_it_is(Status.PROCESSING)
    assert (event.attempt, event.progress.phase) == (1, "resolving")
    await services.lifecycle.cancel(job.id)
    event = await followed.until_it_is(Status.CANCELLED)
    assert isinstance(event, JobStatus)
    assert await followed.next() is None


@pytest.mark.usefixtures("worker")
async def test_where_upgrades_are_cut_events_are_streamed(boxed_cli: Cli, box: Middlebox, catalogue: Catalogue) -> None:
    box.cuts_upgrades = True
    done = await boxed_cli("download", await catalogue.add(b"hello", "a.txt"))
    assert done.code == 0, done.error
    assert (boxed_cli.folder / "a.txt").read_bytes() == b"hello"
    assert (box.asked("/subscribe/"), box.asked("/stream/"), box.asked("/job/")) == (2, 1, 1)


@pytest.mark.parametrize("held", ["until they end", "for ever"])
async def test_where_streams_are_held_back_too_it_ends_well(
    box: Middlebox, services: Services, monkeypatch: pytest.MonkeyPatch, held: Held
) -> None:
    monkeypatch.setattr(ways, "SILENCE", 1.0)
    box.cuts_upgrades, box.holds_streams = True, held
    job = await create(services, 10_000)
    followed = Followed(follow(Api(box.url), job.id))
    await followed.until_it_is(Status.QUEUED)
    assert (box.asked("/subscribe/"), box.asked("/stream/"), box.asked("/job/")) == (2, 1, 1)
    await services.lifecycle.cancel(job.id)
    assert isinstance(await followed.until_it_is(Status.CANCELLED), JobStatus)


@pytest.mark.usefixtures("at_once")
async def test_a_stream_that_is_held_until_its_end_says_it_then(box: Middlebox, services: Services) -> None:
    box.cuts_upgrades, box.holds_streams = True, "until they end"
    job = await create(services, 10_000)
    last = asyncio.create_task(Followed(follow(Api(box.url), job.id)).until_it_is(Status.CANCELLED))
    await asyncio.wait_for(box.asked_for("/stream/"), 10)
    await services.lifecycle.cancel(job.id)
    assert isinstance(await last, JobStatus)
    assert box.asked("/job/") == 0


@pytest.mark.parametrize("by", ["auto", *BY])
async def test_a_gateway_that_is_started_again_is_come_back_to(
    tmp_path: Path, settings: Settings, catalogue: Catalogue, by: str
) -> None:
    async with AsyncExitStack() as first, Middlebox("").running() as box:
        box.target = await first.enter_async_context(serving(settings))
        cli = Cli(tmp_path, variables(settings) | {"HAULAGE_SERVER": box.url})
        file_id = await catalogue.add(b"hello", "a.txt")
        process = await cli.start("download", file_id, "--follow-by", by)
        await line_with(process, "queued")
        await first.aclose()
        await asyncio.sleep(0.5)
        async with serving(settings) as url, working(settings):
            box.target = url
            _, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    assert (tmp_path / "a.txt").read_bytes() == b"hello"
    assert "queued" not in error.decode(), "what was shown is not shown again"
    assert box.asked("?since=1"), "it asks from what it has"
    assert error.decode().splitlines()[-2:] == ["completed", "saving 5 B"]


@pytest.mark.parametrize("by", ["auto", *BY])
async def test_a_job_that_is_not_there_is_told(gateway: str, by: FollowBy) -> None:
    with pytest.raises(Refused, match="There is no job") as caught:
        await asyncio.to_thread(list, follow(Api(gateway), uuid4(), by))
    assert exit_code(caught.value) == 4


async def test_a_single_way_that_leads_nowhere_is_told(boxed_cli: Cli, box: Middlebox, catalogue: Catalogue) -> None:
    box.cuts_upgrades = True
    done = await boxed_cli("download", await catalogue.add(b"hello"), "--follow-by", "websocket")
    assert done.code == 7
    assert "goes on, but it can't be followed by websocket: InvalidMessage.\n" in done.error


# --- order --------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def status(services: Services) -> JobStatus:
    job = await create(services, 10_000)
    snapshot = await services.downloads.snapshots.read(job.id)
    assert snapshot is not None
    return status_of(snapshot, None, since=0, records=(), degraded=False)


def told(status: JobStatus, since: int, seq: int, tick: int, state: Status = Status.PROCESSING) -> JobStatus:
    kind = EventType.COMPLETED if state is Status.COMPLETED else EventType.PROGRESS
    return status.changed(since=since, seq=seq, tick=tick, status=state, type=kind)


Connection = Iterable[Event | Exception]


def scripted(monkeypatch: pytest.MonkeyPatch, **connections: list[Connection]) -> list[tuple[str, int]]:
    """Puts ways in place that say what is written here; returns which of them were asked, and from which `seq`."""
    asked: list[tuple[str, int]] = []

    def way_of(name: str) -> ways.Way:
        left = iter(connections.get(name, []))

        def way(api: Api, job_id: UUID, place: Place) -> Messages:
            del api, job_id
            asked.append((name, place.ask()))
            for said in next(left, []):
                if isinstance(said, Exception):
                    raise said
                yield said

        return way

    for name in WAYS:
        monkeypatch.setitem(WAYS, name, way_of(name))
    return asked


def orders(events: Iterable[Event]) -> list[tuple[int, int]]:
    return [event.order for event in events]


@pytest.mark.usefixtures("at_once")
class TestOrder:
    def test_old_messages_are_dropped(self, status: JobStatus, monkeypatch: pytest.MonkeyPatch) -> None:
        said = [
            told(status, 0, 2, 0),
            told(status, 1, 2, 3),
            told(status, 1, 2, 2),
            told(status, 0, 1, 9),
            told(status, 1, 2, 3),
            told(status, 2, 3, 0, Status.COMPLETED),
        ]
        asked = scripted(monkeypatch, websocket=[said])
        assert orders(follow(Api("http://x"), status.job_id)) == [(2, 0), (2, 3), (3, 0)]
        assert asked == [("websocket", 0)]

    def test_after_a_gap_it_asks_anew_from_what_it_has(
        self, status: JobStatus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first: Connection = [told(status, 0, 2, 0), told(status, 3, 4, 0)]
        asked = scripted(monkeypatch, websocket=[first, [told(status, 2, 5, 0, Status.COMPLETED)]])
        assert orders(follow(Api("http://x"), status.job_id)) == [(2, 0), (5, 0)]
        assert asked == [("websocket", 0), ("websocket", 2)]

    def test_from_a_server_that_never_had_what_it_has_it_starts_anew(
        self, status: JobStatus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first: Connection = [told(status, 0, 7, 0), Lost("")]
        second: Connection = [told(status, 0, 3, 0), told(status, 3, 4, 0, Status.COMPLETED)]
        scripted(monkeypatch, websocket=[first, second])
        assert orders(follow(Api("http://x"), status.job_id)) == [(7, 0), (3, 0), (4, 0)]

    def test_two_failures_in_a_row_lead_to_the_next_way(
        self, status: JobStatus, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        asked = scripted(
            monkeypatch,
            websocket=[[Lost("")], [told(status, 0, 1, 0), Lost("")], [told(status, 0, 1, 0)]],
            sse=[[Barred("")]],
            polling=[[told(status, 1, 2, 0, Status.COMPLETED)]],
        )
        assert orders(follow(Api("http://x"), status.job_id)) == [(1, 0), (2, 0)]
        assert asked == [("websocket", 0), ("websocket", 0), ("websocket", 1), ("sse", 1), ("polling", 1)]

    def test_a_job_whose_rows_are_gone_is_told(self, status: JobStatus, monkeypatch: pytest.MonkeyPatch) -> None:
        scripted(monkeypatch, websocket=[[status.changed(type=EventType.GONE)]])
        with pytest.raises(Refused, match="any more"):
            list(follow(Api("http://x"), status.job_id))

    def test_when_no_way_leads_there_it_says_why(self, status: JobStatus, monkeypatch: pytest.MonkeyPatch) -> None:
        scripted(monkeypatch, polling=[[Barred("the last reason")]])
        with pytest.raises(ServerUnreachable, match="the last reason"):
            list(follow(Api("http://x"), status.job_id))


def test_a_message_of_a_later_server_is_passed_over() -> None:
    assert ways.read('{"type": "weather"}') is None
    with pytest.raises(Lost):
        ways.read('{"type": "progress"}')
    with pytest.raises(Lost):
        ways.read("hello")


# --- connections --------------------------------------------------------------------------------------------------------

Talk = Callable[[ServerConnection], Awaitable[None]]


async def first_of(talk: Talk) -> Event | Exception | None:
    """What comes of a socket on which the server talks so."""

    def take(url: str) -> Event | Exception | None:
        try:
            return next(by_socket(Api(url), uuid4(), Place()), None)
        except (Lost, Barred, Refused) as error:
            return error

    async with serve(talk, "127.0.0.1", 0, subprotocols=[ways.SUBPROTOCOL], ping_interval=None) as server:
        port = server.sockets[0].getsockname()[1]
        return await asyncio.wait_for(asyncio.to_thread(take, f"http://127.0.0.1:{port}"), 10)


@pytest.mark.parametrize("code", [1000, *sorted(BARRED), NOT_FOUND, *PAUSES])
async def test_a_close_code_says_whether_to_come_back(code: int) -> None:
    found = await first_of(lambda socket: socket.close(code))
    if code == NOT_FOUND:
        assert isinstance(found, Refused)
    else:
        assert isinstance(found, Barred if code in BARRED else Lost)
    if isinstance(found, Lost) and code in PAUSES:
        assert PAUSES[code][0] <= found.pause() <= PAUSES[code][1]


def test_the_close_codes_are_those_of_the_server() -> None:
    assert {closing.code: closing.retry for closing in Closing if closing.retry} == PAUSES
    assert {closing.code for closing in Closing if not closing.retry} == BARRED | {NOT_FOUND, 1000}


async def test_a_socket_that_is_silent_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "SILENCE", 0.4)

    async def dead(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await asyncio.sleep(1.5)
        socket.transport.abort()

    found = await first_of(dead)
    assert isinstance(found, Lost)
    assert str(found) == "it is silent"


async def test_a_socket_that_answers_pings_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ways, "SILENCE", 0.4)

    async def quiet(socket: ServerConnection) -> None:
        await asyncio.sleep(1.5)
        await socket.close(1012)

    assert str(await first_of(quiet)) == "it was closed with 1012"
