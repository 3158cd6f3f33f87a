"""How many requests each caller may send, over HTTP: costly ones an hour, light ones a second, failed attempts a minute."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from starlette.requests import HTTPConnection
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from app import load
from app.access import quotas, verdicts
from app.access.guard import Guard
from app.access.principals import Scope
from jobs.services import Services
from tests.app.shared import Shared, link, problem
from tests.helpers.access import Headers, key_of, session_of
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

PLANS = {
    "user": {"requests_per_hour": 8, "streams": 2, "jobs_per_hour": 0, "running_jobs": 0},
    "premium": {"requests_per_hour": 16},
    "unlimited": {"requests_per_hour": 0, "streams": 0},
}
JOBS = "/v1/download/jobs"


@pytest.fixture
def changes() -> dict[str, Any]:
    return {
        "auth_mode": "required",
        "plans": PLANS,
        "reads_per_second": 0.01,
        "reads_burst": 10,
        "failed_attempts_per_minute": 5,
        "trusted_proxies": "127.0.0.1",
    }


@pytest.fixture(autouse=True)
def unloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that runs the tests may be busy."""
    monkeypatch.setattr(load, "LAG", 1000)


async def statuses(required: Shared, path: str, headers: Headers, times: int) -> list[int]:
    return [(await required.api.get(path, headers=headers)).status_code for _ in range(times)]


def from_address(address: str) -> Headers:
    """A client at this address, behind a trusted proxy."""
    return {"X-Forwarded-For": address}


async def test_costly_requests_are_counted_by_user_and_plan(required: Shared) -> None:
    key, session = await key_of(required.services, "olga"), await session_of(required.services, "olga")
    other = await key_of(required.services, "otto")
    for number in range(8):
        answer = await required.api.get(JOBS, headers=key if number % 2 else session)
        assert answer.status_code == 200
        assert answer.headers["ratelimit-policy"] == '"requests";q=8;w=3600'
        assert answer.headers["ratelimit"] == f'"requests";r={7 - number};t=450'
    refused = await required.api.get(JOBS, headers=key)
    message = problem(refused, 429, "too_many_requests").json()["message"]
    assert refused.headers["retry-after"] in message
    assert 440 <= int(refused.headers["retry-after"]) <= 450
    assert refused.headers["ratelimit"] == f'"requests";r=0;t={refused.headers["retry-after"]}'
    assert refused.headers["ratelimit-policy"] == '"requests";q=8;w=3600'
    assert "8 requests an hour" in message
    body = {"file_ids": [10_000]}
    assert (await required.api.post("/v1/download/initiate", json=body, headers=session)).status_code == 429
    assert (await required.rows())[0] == 0
    assert await statuses(required, JOBS, other, 1) == [200]


async def test_a_page_reads_more_files_than_it_may_list(required: Shared) -> None:
    key = await key_of(required.services, "olga")
    assert await statuses(required, "/v1/files/10000", key, 10) == [404] * 10
    answer = await required.api.get("/v1/files/10000", headers=key)
    assert "requests a second" in problem(answer, 429, "too_many_requests").json()["message"]


async def test_errors_say_what_is_left_and_refused_requests_without_rights_cost_nothing(required: Shared) -> None:
    key = await key_of(required.services, "olga")
    answer = await required.api.post("/v1/download/initiate", json={}, headers=key)
    assert (answer.status_code, answer.headers["ratelimit"]) == (400, '"requests";r=7;t=450')
    reader = await key_of(required.services, "olga", scopes=[Scope.JOBS_READ])
    answer = await required.api.post("/v1/download/initiate", json={}, headers=reader)
    assert (answer.status_code, "ratelimit" in answer.headers) == (403, False)


async def test_a_plan_may_have_no_limit(required: Shared) -> None:
    key = await key_of(required.services, "olga", plan="unlimited")
    assert set(await statuses(required, JOBS, key, 30)) == {200}


async def test_reads_of_jobs_have_a_bucket_of_their_own_that_the_short_way_respects(required: Shared) -> None:
    key = await key_of(required.services, "olga")
    job = await required.processing(owner="olga")
    await statuses(required, JOBS, key, 9)
    assert await statuses(required, link(job), key, 10) == [200] * 10
    refused = await required.api.get(link(job), headers=key)
    problem(refused, 429, "too_many_requests")
    assert refused.headers["ratelimit-policy"] == '"reads";q=10;w=1000'
    assert int(refused.headers["retry-after"]) in range(95, 101)
    other = await key_of(required.services, "otto")
    assert await statuses(required, link(job), other, 11) == [404] * 10 + [429], "jobs that do not exist count, too"


async def test_a_poll_from_memory_says_nothing_of_limits(required: Shared) -> None:
    key = await key_of(required.services, "olga")
    job = await required.processing(owner="olga")
    for _ in range(8):
        answer = await required.api.get(link(job), headers=key)
        assert (answer.status_code, "ratelimit" in answer.headers) == (200, False)


async def test_a_long_poll_counts_once(required: Shared) -> None:
    key = await key_of(required.services, "olga")
    job = await required.processing(owner="olga")
    for _ in range(10):
        answer = await required.api.get(link(job), headers={**key, "Prefer": "wait=1", "If-None-Match": '"x"'})
        assert answer.status_code == 200
    assert await statuses(required, link(job), key, 1) == [429]


async def test_a_request_that_is_admitted_again_counts_once(
    required: Shared, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a long-poll is when users have changed while it waited."""
    key = await key_of(services, "olga")
    job = await required.processing(owner="olga")

    async def admit_twice(guard: Guard, connection: HTTPConnection) -> None:
        rule, _ = connection.state.admitted
        await guard.admit(connection, rule)

    monkeypatch.setattr(Guard, "admit_again", admit_twice)
    for _ in range(10):
        answer = await required.api.get(link(job), headers={**key, "Prefer": "wait=1", "If-None-Match": '"x"'})
        assert answer.status_code == 200


async def test_streams_and_long_polls_of_a_user_are_counted_together(required: Shared) -> None:
    keys = [await key_of(required.services, "olga"), await session_of(required.services, "olga")]
    job = await required.processing(owner="olga")
    url = str(required.api.base_url).replace("http", "ws").rstrip("/") + f"/v1/download/subscribe/{job.id}"
    origin = {"Origin": str(required.api.base_url).rstrip("/")}
    path = f"/v1/download/stream/{job.id}"
    async with connect(url, additional_headers=keys[0]) as first:
        await first.recv()
        async with required.api.stream("GET", path, headers=keys[1]) as second:
            assert second.status_code == 200
            chunks = second.aiter_bytes()  # the stream is closed with it
            await anext(chunks)
            async with connect(url, additional_headers={**keys[1], **origin}) as third:
                with pytest.raises(ConnectionClosed) as closed:
                    await third.recv()
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 4429
            stream = await required.api.get(path, headers=keys[0])
            assert (stream.status_code, stream.text.startswith("retry: ")) == (200, True), "an EventSource comes back"
            answer = await required.api.get(link(job), headers={**keys[0], "Prefer": "wait=1"})
            assert "2 streams" in problem(answer, 429, "too_many_followers").json()["message"]
            other = await key_of(required.services, "otto", plan="unlimited")
            mine = await create(required.services, 10_000, owner="otto")
            answer = await required.api.get(link(mine), headers={**other, "Prefer": "wait=1"})
            assert answer.status_code == 200

    async def is_open_again() -> bool:
        async with connect(url, additional_headers=keys[0]) as socket:
            try:
                await socket.recv()
            except ConnectionClosed:
                return False
            return True

    await eventually(is_open_again)


BAD: dict[str, tuple[str, Headers]] = {
    "key": (JOBS, {"Authorization": "Bearer haulage_" + "0" * 64}),
    "session": (JOBS, {"Cookie": "haulage_session=" + "0" * 64}),
    "ticket": ("/v1/download/stream?jobs=00000000-0000-4000-8000-000000000000:0&ticket=x", {}),
    "share link": ("/v1/download/job/00000000-0000-4000-8000-000000000000/file?share=x", {}),
}


@pytest.mark.parametrize("what", BAD)
async def test_failed_attempts_of_an_address_are_refused_without_a_query(
    required: Shared, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    path, headers = BAD[what]
    key = await key_of(required.services, "olga")
    here = from_address("203.0.113.7")
    assert await statuses(required, JOBS, {**key, **here}, 1) == [200]
    status = 404 if what == "share link" else 401
    assert await statuses(required, path, {**headers, **here}, 5) == [status] * 5
    for module in ("authenticator.find_key", "authenticator.find_session", "authenticator.use_ticket"):
        monkeypatch.setattr(f"app.access.{module}", None)
    monkeypatch.setattr("app.access.share_links.find_share", None)
    refused = await required.api.get(path, headers={**headers, **here})
    problem(refused, 429, "too_many_failed_attempts")
    assert int(refused.headers["retry-after"]) in range(1, 13)
    monkeypatch.undo()
    assert await statuses(required, JOBS, {**key, **here}, 1) == [200], "a user behind the same address"
    assert await statuses(required, path, {**headers, **from_address("203.0.113.8")}, 1) == [status]
    assert await statuses(required, "/v1/access/session", {**headers, **from_address("203.0.113.8")}, 1) == [200]


@pytest.mark.parametrize("made", [key_of, session_of])
async def test_failed_attempts_of_others_lock_out_nobody_who_was_let_in_from_the_same_address(
    required: Shared, monkeypatch: pytest.MonkeyPatch, made: Callable[..., Awaitable[Headers]]
) -> None:
    """However long they go on: verdicts are valid for half a minute only."""
    monkeypatch.setattr(verdicts, "TTL", 0.0)
    user, colleague = [await made(required.services, name) for name in ("olga", "otto")]
    path, bad = BAD["key"]
    here = from_address("203.0.113.7")
    assert await statuses(required, JOBS, {**user, **here}, 1) == [200]
    assert await statuses(required, path, {**bad, **here}, 6) == [401] * 5 + [429]
    assert await statuses(required, JOBS, {**user, **here}, 2) == [200, 200]
    assert await statuses(required, JOBS, {**colleague, **here}, 1) == [429], "nobody here knows that it is valid"
    table = "access_keys" if made is key_of else "access_sessions"
    await required.services.database.fetch(f"DELETE FROM {table}")  # as if it had expired
    assert await statuses(required, JOBS, {**user, **here}, 2) == [401, 429]


async def test_an_ipv6_network_is_one_address(required: Shared) -> None:
    path, headers = BAD["key"]
    found = [
        await statuses(required, path, {**headers, **from_address(f"2001:db8:1:2::{number}")}, 1) for number in range(6)
    ]
    assert found == [[401]] * 5 + [[429]]


async def test_wrong_sign_in_links_are_failed_attempts(required: Shared) -> None:
    here = from_address("203.0.113.7")
    found = [
        (await required.api.post("/v1/access/session", json={"link": "x"}, headers=here)).status_code for _ in range(6)
    ]
    assert found == [401] * 5 + [429]


async def test_holders_of_a_share_link_are_counted_by_address(required: Shared) -> None:
    job = await required.completed(of=await required.processing(owner="olga"))
    key = await key_of(required.services, "olga")
    made = await required.api.post(link(job, "/shares"), json={}, headers=key)
    url = httpx.URL(made.json()["url"])
    path = url.raw_path.decode()
    assert await statuses(required, path, from_address("203.0.113.7"), 11) == [303] * 10 + [429]
    assert await statuses(required, path, from_address("203.0.113.8"), 1) == [303]
    assert await statuses(required, link(job), key, 1) == [200], "the owner's bucket is not touched"


async def test_a_full_queue_halves_the_limits_until_it_has_drained(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "QUEUE_INTERVAL", 0.1)
    settings = with_changes(services.settings, max_queued=5)
    key = await key_of(services, "olga")
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as api:

        async def load_now() -> dict[str, Any]:
            found: dict[str, Any] = (await api.get("/health")).json()["load"]
            return found

        async def policy() -> str:
            reader = await key_of(services, f"user-{len(jobs)}-{(await load_now())['high']}")
            return (await api.get(JOBS, headers=reader)).headers["ratelimit-policy"]

        async def is_high() -> bool:
            return bool((await load_now())["high"])

        async def is_low() -> bool:
            return not await is_high()

        jobs = [await create(services, 10_000, owner="olga") for _ in range(3)]
        await eventually(is_low)
        assert await policy() == '"requests";q=8;w=3600'
        jobs += [await create(services, 10_000, owner="olga") for _ in range(2)]
        await eventually(lambda: queue_is(api, 1))
        await eventually(is_high)
        assert await policy() == '"requests";q=4;w=3600'
        refused = [await api.get(JOBS, headers=key) for _ in range(5)]
        assert [one.status_code for one in refused] == [200] * 4 + [429]
        assert "half" in refused[-1].json()["message"]
        polled = [await api.get(link(jobs[0]), headers=key) for _ in range(9)]
        assert {one.status_code for one in polled} == {200}, "reads of jobs are never touched"
        await services.lifecycle.cancel(jobs.pop().id)
        await eventually(lambda: queue_is(api, 0.8))
        assert await is_high()
        for _ in range(2):
            await services.lifecycle.cancel(jobs.pop().id)
        await eventually(is_low)
        assert await policy() == '"requests";q=8;w=3600'


async def queue_is(api: httpx.AsyncClient, share: float) -> bool:
    return bool((await api.get("/health")).json()["load"]["queue"] == share)


async def test_an_open_server_limits_nothing(services: Services) -> None:
    settings = with_changes(services.settings, auth_mode="open")
    job = await create(services, 10_000)
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as api:
        for path in (JOBS, link(job)):
            found = [await api.get(path) for _ in range(30)]
            assert {one.status_code for one in found} == {200}
            assert not any("ratelimit" in one.headers for one in found)
        assert (await api.get("/health")).json()["load"] is None


async def test_pages_of_other_origins_read_the_limits(services: Services) -> None:
    settings = with_changes(services.settings, cors_origins="https://site.example")
    key = await key_of(services, "olga")
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as api:
        answer = await api.get(JOBS, headers={**key, "Origin": "https://site.example"})
        exposed = answer.headers["access-control-expose-headers"]
        assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= {name.strip() for name in exposed.split(",")}
