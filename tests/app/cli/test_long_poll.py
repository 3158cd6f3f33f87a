"""How `haulage download` follows its job: by long-polling, through restarts and outages of the gateway."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.cli.client import ApiClient
from app.cli.errors import Refused, exit_code
from app.cli.transfer import long_poll
from app.cli.transfer.long_poll import follow
from app.schemas import JobStatus
from app.serializers import status_of
from jobs.engine.events import EventType
from jobs.engine.jobs import Status
from jobs.services import Services
from jobs.settings import Settings
from tests.app.cli.middleboxes import Middlebox
from tests.app.cli.processes import Cli, line_with, variables
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create
from tests.helpers.listening import listening
from tests.helpers.running import serving, working


@pytest.fixture
async def box(gateway: str) -> AsyncIterator[Middlebox]:
    async with Middlebox(gateway).running() as box:
        yield box


class Followed:
    """What `follow` yields in a thread, one by one."""

    def __init__(self, states: Iterator[JobStatus]) -> None:
        self._states = states

    async def next(self) -> JobStatus | None:
        """Returns the next state; None at the end."""
        return await asyncio.wait_for(asyncio.to_thread(next, self._states, None), 30)

    async def until(self, status: Status) -> JobStatus:
        while (state := await self.next()) is not None:
            if state.status is status:
                return state
        raise AssertionError(f"it never was {status}")


@pytest.mark.usefixtures("worker")
async def test_a_download_needs_nothing_but_plain_requests(
    tmp_path: Path, settings: Settings, box: Middlebox, catalogue: Catalogue
) -> None:
    data = os.urandom(5_000_000)
    cli = Cli(tmp_path, variables(settings) | {"HAULAGE_SERVER": box.url})
    done = await cli("download", await catalogue.add(data, "a.bin"))
    assert done.code == 0, done.error
    assert (tmp_path / "a.bin").read_bytes() == data
    assert done.error.splitlines()[-2:] == ["completed", "saving 5.00 MB"]
    assert box.asked("/job/") > 0
    assert box.asked("/subscribe/") == box.asked("/stream/") == 0


async def test_every_state_is_shown_as_soon_as_it_changes(gateway: str, services: Services) -> None:
    job = await create(services, 10_000, 10_001)
    followed = Followed(follow(ApiClient(gateway), job.id, JobStatus))
    state = await followed.until(Status.QUEUED)
    assert state.progress.queue_position == 1
    claimed = await services.lifecycle.claim(job.id, job.fence, "worker-1")
    assert claimed is not None
    state = await followed.until(Status.PROCESSING)
    assert (state.attempt, state.progress.phase) == (1, "resolving")
    await services.lifecycle.cancel(job.id)
    assert (await followed.until(Status.CANCELLED)).status.ended
    assert await followed.next() is None


async def test_a_restart_of_the_gateway_is_survived(tmp_path: Path, settings: Settings, catalogue: Catalogue) -> None:
    async with AsyncExitStack() as first, Middlebox("").running() as box:
        box.target = await first.enter_async_context(serving(settings))
        cli = Cli(tmp_path, variables(settings) | {"HAULAGE_SERVER": box.url})
        file_id = await catalogue.add(b"hello", "a.txt")
        process = await cli.start("download", file_id)
        await line_with(process, "queued")
        await first.aclose()
        await asyncio.sleep(0.5)
        async with serving(settings) as url, working(settings):
            box.target = url
            _, error = await process.communicate()
    assert process.returncode == 0, error.decode()
    assert (tmp_path / "a.txt").read_bytes() == b"hello"
    assert "queued" not in error.decode(), "what was shown is not shown again"
    assert box.asked("?since=1"), "it resumes from what it has"
    assert error.decode().splitlines()[-2:] == ["completed", "saving 5 B"]


@pytest.mark.servers
async def test_the_proxy_in_between_passes_on_that_a_gateway_has_reset_the_connection() -> None:
    """As one that stops resets what it has not accepted. Otherwise the client above waits for its time-out of 50 s."""

    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        at_once = struct.pack("ii", 1, 0)  # SO_LINGER of 0 s
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)

    async with (
        listening(reset) as gateway,
        Middlebox(gateway).running() as box,
        httpx.AsyncClient(timeout=20) as client,
    ):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(box.url)


async def test_without_room_for_a_long_poll_it_polls_without_waiting(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_poll, "PLAIN_POLL_INTERVAL", 0.1)
    job, other = await create(services, 10_000), await create(services, 10_001)
    limited = services.settings.model_copy(update={"max_followers": 1})
    async with serving(limited) as url, Middlebox(url).running() as box, httpx.AsyncClient(timeout=30) as client:
        polls = asyncio.create_task(client.get(f"{box.url}/v1/download/job/{other.id}", headers={"Prefer": "wait=30"}))
        await box.asked_for(str(other.id))
        followed = Followed(follow(ApiClient(box.url), job.id, JobStatus))
        await followed.until(Status.QUEUED)
        waiting = asyncio.create_task(followed.until(Status.CANCELLED))
        await box.asked_for(str(job.id), times=5)
        await services.lifecycle.cancel(job.id)
        assert (await waiting).status.ended
        assert not polls.done(), "another long-poll has had the only place"
        await services.lifecycle.cancel(other.id)
        await polls


async def test_an_unknown_job_is_an_error(gateway: str) -> None:
    with pytest.raises(Refused, match="There is no job") as caught:
        await asyncio.to_thread(list, follow(ApiClient(gateway), uuid4(), JobStatus))
    assert exit_code(caught.value) == 4


class ScriptedApi(ApiClient):
    """Responds to each poll with the next of `states`; `since` records where each poll started from."""

    def __init__(self, *states: JobStatus) -> None:
        super().__init__("http://x")
        self._states = iter(states)
        self.since: list[int] = []

    def poll(self, job_id: UUID, since: int, etag: str | None, wait: int, model: type[Any]) -> tuple[Any, str | None]:
        del job_id, etag, wait, model
        self.since.append(since)
        return next(self._states), "etag"


class TestOrder:
    @pytest.fixture
    async def status(self, services: Services) -> JobStatus:
        job = await create(services, 10_000)
        snapshot = await services.downloads.snapshots.read(job.id)
        assert snapshot is not None
        status = status_of(snapshot, None, since=0, records=(), degraded=False, root="")
        assert isinstance(status, JobStatus)
        return status

    @pytest.fixture(autouse=True)
    def _without_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(long_poll, "MIN_INTERVAL", 0)

    def test_old_states_are_skipped(self, status: JobStatus) -> None:
        api = ScriptedApi(
            at(status, 0, 2, 0),
            at(status, 2, 2, 3),
            at(status, 2, 2, 2),
            at(status, 2, 2, 3),
            at(status, 2, 3, 0, Status.COMPLETED),
        )
        assert orders(api) == [(2, 0), (2, 3), (3, 0)]
        assert api.since == [0, 2, 2, 2, 2]

    def test_a_server_that_is_behind_its_client_starts_over(self, status: JobStatus) -> None:
        api = ScriptedApi(at(status, 0, 7, 0), at(status, 0, 3, 0), at(status, 3, 4, 0, Status.COMPLETED))
        assert orders(api) == [(7, 0), (3, 0), (4, 0)]
        assert api.since == [0, 7, 3]


def at(status: JobStatus, since: int, seq: int, tick: int, state: Status = Status.PROCESSING) -> JobStatus:
    kind = EventType.COMPLETED if state is Status.COMPLETED else EventType.SNAPSHOT
    return status.changed(since=since, seq=seq, tick=tick, status=state, type=kind)


def orders(api: ApiClient) -> list[tuple[int, int]]:
    return [state.order for state in follow(api, uuid4(), JobStatus)]
