"""The fronts of proxy/ under load and in silence. `make proxies` runs them; `SCALE=0.1` makes them shorter and smaller."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from uuid import UUID

import httpx
import pytest
import structlog
from websockets.asyncio.client import connect

from jobs.services import Services
from jobs.settings import Settings
from tests.faults.fleet import Fleet
from tests.faults.watchers import SocketWatcher, Watcher
from tests.helpers.breaking_server import BreakingServer
from tests.helpers.catalogue import Catalogue
from tests.helpers.fronts import FRONTS, Front, NginxFront, WorkerdFront
from tests.helpers.jobs import create
from tests.helpers.listening import listening
from tests.helpers.proxies import proxied
from tests.helpers.reverse_proxies import in_front
from tests.helpers.running import serving, working
from tests.helpers.scale import SCALE
from tests.helpers.settings import with_changes

FOLLOWERS = max(12, int(1000 * SCALE))
JOBS = 10
POSTS = max(40, int(1000 * SCALE))
AT_ONCE = 20
"""POSTs that are sent at the same moment, each over a connection of its own."""
DELAY = 0.04
"""Seconds between a front and its gateway, each way."""
IDLE = 1200 * SCALE
"""Seconds without a change."""
READY_AFTER = 119 * SCALE
"""Seconds after which the file of a `start` is ready."""
THOROUGH = ["--thorough"] if SCALE >= 1 else []
"""How `haulage doctor` is run."""
PATIENCE = 120.0

pytestmark = [pytest.mark.proxies, pytest.mark.timeout(600 + 1.5 * IDLE)]


class PollWatcher(Watcher):
    """The same by long-poll."""

    async def run(self) -> str:
        async with httpx.AsyncClient(timeout=80, verify=False) as client:
            while self.end is None:
                path = f"/v1/download/job/{self.job_id}?since={max(0, self.order[0])}"
                answer: httpx.Response | None = None
                with suppress(httpx.TransportError):
                    answer = await client.get(self._urls()[0] + path, headers={"Prefer": "wait=30"})
                if answer is None or answer.status_code == 503:  # as the other two, it comes back
                    self.breaks += 1
                    await asyncio.sleep(0.25)
                    continue
                assert answer.status_code == 200, (answer.status_code, answer.text)
                self._receive(answer.json())
        return self.end


KINDS: tuple[type[Watcher], ...] = (Watcher, SocketWatcher, PollWatcher)


def behind(settings: Settings, **changes: object) -> Settings:
    return with_changes(
        settings, **{"trusted_proxies": "127.0.0.1", "max_followers_per_client": 5000, "log_level": "info", **changes}
    )


@pytest.fixture(autouse=True)
def _only_figures_are_printed() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()


@pytest.fixture
async def fleet(services: Services, tmp_path: Path) -> AsyncIterator[Fleet]:
    fleet = Fleet(behind(services.settings), tmp_path)
    yield fleet
    await fleet.close()


@pytest.fixture
async def before_two(front: Front, fleet: Fleet, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of the front with two gateways behind it; of the Worker, with nginx in between, which balances."""
    _, first = await fleet.gateway()
    _, second = await fleet.gateway()
    async with AsyncExitStack() as stack:
        targets = [first, second]
        if isinstance(front, WorkerdFront):
            targets = [await stack.enter_async_context(in_front(NginxFront(tmp_path / "balancer"), *targets))]
        yield await stack.enter_async_context(in_front(front, *targets))


@pytest.mark.proves("1,000 followers in order to the end, a gateway killed, the proxy reloaded")
async def test_every_follower_gets_the_end_though_a_gateway_is_killed_and_the_front_reloaded(
    front: Front, before_two: str, fleet: Fleet, services: Services, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(os.urandom(100_000))
    jobs = [await create(services, file_id, archive_name=f"{number}.zip") for number in range(JOBS)]
    watchers = [KINDS[number % len(KINDS)](jobs[number % JOBS].id, lambda: [before_two]) for number in range(FOLLOWERS)]
    async with asyncio.timeout(PATIENCE + FOLLOWERS / 5), asyncio.TaskGroup() as group:
        ends = []
        for watcher in watchers:
            ends.append(group.create_task(watcher.run()))
            await asyncio.sleep(0)
        await asyncio.gather(*(watcher.first_message() for watcher in watchers))
        await fleet.members[0].kill()
        await asyncio.sleep(2)
        if not isinstance(front, WorkerdFront):  # which is replaced by Cloudflare
            await front.reload()
        async with working(behind(services.settings)):
            await asyncio.wait(ends)
    breaks = Counter({kind.__name__: 0 for kind in KINDS})
    for watcher in watchers:
        breaks[type(watcher).__name__] += watcher.breaks
    assert Counter(watcher.end for watcher in watchers) == {"completed": FOLLOWERS}
    print(f"\n{front.name}: {FOLLOWERS} followers of {JOBS} jobs, all completed; reconnects: {dict(breaks)}")


@pytest.mark.proves("a long-poll whose gateway ends is repeated")
@pytest.mark.parametrize("name", [name for name in FRONTS if name != "workerd"])
async def test_a_long_poll_whose_gateway_ends_is_repeated(name: str, tmp_path: Path) -> None:
    """After longer than a proxy would try to reach a gateway. One of two gateways breaks its connections."""
    broken, whole = BreakingServer(failures=99, patience=11), BreakingServer()
    async with listening(broken.serve) as first, listening(whole.serve) as second:
        async with in_front(FRONTS[name](tmp_path / "front"), first, second) as url:
            async with httpx.AsyncClient(base_url=url, timeout=30) as api:
                answers = await asyncio.gather(*(api.get(f"/v1/poll/{number}") for number in range(4)))
    assert broken.heads, "none has reached the gateway that breaks them"
    assert [answer.status_code for answer in answers] == [200] * 4


@pytest.mark.proves("1,000 POSTs to a gateway 40 ms away, none fails")
async def test_no_post_meets_a_connection_that_is_just_being_closed(
    front: Front, services: Services, catalogue: Catalogue
) -> None:
    """With times a thirtieth of the shipped ones, pauses around both: connections are kept 2 s here and 6 s there."""
    front.changes = {"keepalive_timeout 60s": "keepalive_timeout 2s", "keepalive 60s": "keepalive 2s"}
    front.changes |= {"pool-purge-delay 60s": "pool-purge-delay 2s"}
    settings = behind(services.settings, keep_alive=6)
    file_id = await catalogue.add(b"hello")
    statuses: Counter[int] = Counter()
    async with serving(settings) as gateway, proxied(gateway) as distant:
        distant.delay = DELAY
        async with in_front(front, distant.url) as url, AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30, verify=False))
                for _ in range(AT_ONCE)
            ]
            for wave in range(POSTS // AT_ONCE):
                answers = await asyncio.gather(
                    *(client.post("/v1/download/check", json={"file_id": file_id}) for client in clients)
                )
                statuses.update(answer.status_code for answer in answers)
                base = 2.0 if wave % 2 else 6.0
                await asyncio.sleep(base - 2 * DELAY + 0.02 * (wave % 7))
    assert set(statuses) == {200}, statuses
    print(f"\n{front.name}: {statuses.total()} POSTs at {1000 * DELAY:g} ms, statuses {dict(statuses)}")


@pytest.mark.proves("`start` of a file that takes 119 s, one job")
async def test_a_start_that_takes_long_ends_in_time(services: Services, catalogue: Catalogue, tmp_path: Path) -> None:
    """Through the Worker with 202 after 90 s, through the others with the file."""
    ids = {name: await catalogue.add(name.encode()) for name in FRONTS}
    settings = behind(services.settings, start_wait=132)  # room for a worker to start after 119 s
    answers: dict[str, httpx.Response] = {}

    async def start(name: str, url: str) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=180, verify=False) as api:
            answers[name] = await api.post("/v1/download/start", json={"file_id": ids[name]})

    async with serving(settings) as gateway, AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        starts = []
        for name, kind in FRONTS.items():
            front = kind(tmp_path / name)
            front.changes = {"START_WAIT = 90": f"START_WAIT = {90 * SCALE:.0f}"}
            starts.append(group.create_task(start(name, await stack.enter_async_context(in_front(front, gateway)))))
        await asyncio.sleep(READY_AFTER)
        async with working(settings):
            await asyncio.wait(starts)
        async with httpx.AsyncClient(base_url=gateway) as api:
            jobs = (await api.get("/v1/download/jobs")).json()["jobs"]
    assert len(jobs) == len(FRONTS), "a start was sent twice"
    assert {name: answer.status_code for name, answer in answers.items()} == {
        name: 202 if name == "workerd" else 200 for name in FRONTS
    }
    assert answers["workerd"].elapsed.total_seconds() < 100
    print(
        f"\nstart of {READY_AFTER:g} s:", {name: f"{it.elapsed.total_seconds():.1f} s" for name, it in answers.items()}
    )


@pytest.mark.proves("silence of 20 minutes")
async def test_nothing_is_cut_in_silence(services: Services, catalogue: Catalogue, tmp_path: Path) -> None:
    """An event stream and a WebSocket through each front, on which only comments and pings pass."""
    settings = behind(services.settings)
    job = await create(services, await catalogue.add(b"hello"))
    ends: list[str] = []

    async def stream(name: str, url: str, job_id: UUID) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=20, verify=False) as api:
            async with api.stream("GET", f"/v1/download/stream/{job_id}") as answer:
                text = "".join([chunk async for chunk in answer.aiter_text()])
        assert "event: cancelled" in text, f"{name} cut the stream"
        ends.append(f"{name} stream")

    async def socket(name: str, url: str, job_id: UUID) -> None:
        async with connect(f"ws{url.removeprefix('http')}/v1/download/subscribe/{job_id}", proxy=None) as websocket:
            messages = [str(message) async for message in websocket]
        assert '"cancelled"' in messages[-1], f"{name} cut the WebSocket"
        ends.append(f"{name} WebSocket")

    async with serving(settings) as gateway, AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        followers = []
        for name, kind in FRONTS.items():
            url = await stack.enter_async_context(in_front(kind(tmp_path / name), gateway))
            followers += [group.create_task(follow(name, url, job.id)) for follow in (stream, socket)]
        await asyncio.sleep(IDLE)
        assert ends == []
        await services.lifecycle.cancel(job.id)
        await asyncio.wait(followers)
    print(f"\nsilence of {IDLE:g} s: open to the end were", ", ".join(sorted(ends)))


@pytest.mark.proves("`haulage doctor` has nothing to report")
async def test_doctor_finds_a_good_path_through_each_front_and_what_60_seconds_break(
    services: Services, catalogue: Catalogue, tmp_path: Path
) -> None:
    """Through all at once, since it waits most of the time: as shipped, and through nginx with its own time-out."""
    fronts = {name: kind(tmp_path / name) for name, kind in FRONTS.items()}
    fronts["nginx, 60 s"] = NginxFront(tmp_path / "impatient")
    fronts["nginx, 60 s"].changes = {"proxy_read_timeout 150s": "proxy_read_timeout 60s"}
    for front in fronts.values():
        front.names_client = True
    file_id = await catalogue.add(os.urandom(100_000))
    async with serving(behind(services.settings)) as gateway, working(services.settings):
        async with httpx.AsyncClient(base_url=gateway, timeout=60) as api:
            assert (await api.post("/v1/download/start", json={"file_id": file_id})).status_code == 200
    expected = {name: [] if THOROUGH else ["keep-alive race: skipped"] for name in fronts}
    expected["nginx, 60 s"] = ["first byte: broken", *expected["nginx, 60 s"]]
    found = await asyncio.gather(*(doctor(services.settings, front) for front in fronts.values()))
    seen = dict(zip(fronts, found, strict=True))
    for name in [name for name in fronts if not_ok(seen[name]) != expected[name]]:  # the machine was too busy for some
        print(f"\ndoctor through {name}, once more:", [it for it in seen[name] if it["level"] != "ok"])
        again = FRONTS[fronts[name].name](tmp_path / f"{fronts[name].name}-again")
        again.changes, again.names_client = fronts[name].changes, True
        seen[name] = await doctor(services.settings, again)
    assert {name: not_ok(one) for name, one in seen.items()} == expected, seen
    print(f"\ndoctor {' '.join(THOROUGH)}:", {name: not_ok(one) for name, one in seen.items()})


def not_ok(findings: list[dict[str, str]]) -> list[str]:
    return [f"{it['check']}: {it['level']}" for it in findings if it["level"] != "ok"]


async def doctor(settings: Settings, front: Front) -> list[dict[str, str]]:
    """The findings of `haulage doctor` for a gateway of its own behind the front."""
    async with serving(behind(settings, public_url=front.url)) as gateway, in_front(front, gateway) as url:
        command = [sys.executable, "-m", "app.cli", "doctor", url, "--json", *THOROUGH]
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
        output, errors = await process.communicate()
    assert not errors, errors.decode()
    return list(json.loads(output)["findings"])
