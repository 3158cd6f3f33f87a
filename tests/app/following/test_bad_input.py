"""Following with requests that are not right: each is told what is wrong, and nobody else notices."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from starlette.websockets import WebSocket
from structlog.testing import capture_logs
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol as Protocol
from websockets.asyncio.client import connect

from app.close_codes import CloseCode
from app.middleware import RequestMiddleware
from app.requests import MAX_STREAMED
from app.status_reader import StatusReader
from jobs.bundles.downloads import NewDownload
from jobs.concurrency import cancel_and_wait
from jobs.engine.jobs import FileRequest, Job
from tests.app.following.followers import (
    PATIENCE,
    Follower,
    base,
    items,
    live,
    pause_of,
    socket,
    stream,
    until_subscribers,
)
from tests.app.following.stalled_clients import stalled_client
from tests.app.shared import Shared
from tests.helpers.jobs import create
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAM = "/v1/download/stream"
UNKNOWN = "4b6ae3d5-6f70-4a2b-9a5e-2f0c8d1b7e93"
"""A job id in the parameters of tests, whose names may not differ between the processes that run them."""
NO_UUIDS = ["x", "1", "{}", UNKNOWN[:-1], UNKNOWN + "0", UNKNOWN.replace("-", "") + "----"]


# --- WebSocket: the address and the handshake ---------------------------------------------------------------------------


async def code_of(shared: Shared, path: str = "", **options: Any) -> tuple[int | None, str]:
    """The close code of a connection that is told nothing."""
    async with socket(base(shared), path, **options) as follower:
        code = await follower.closed()
        assert follower.messages == []
        return code, follower.reason


async def test_an_unknown_job_closes_with_4404(shared: Shared) -> None:
    assert await code_of(shared, f"/{uuid4()}") == (4404, CloseCode.NOT_FOUND.reason)


@pytest.mark.parametrize("job_id", [*NO_UUIDS, "%00", "a b"])
async def test_an_invalid_job_id_closes_with_4400(shared: Shared, job_id: str) -> None:
    assert await code_of(shared, f"/{job_id.replace(' ', '%20')}") == (4400, CloseCode.BAD_REQUEST.reason)


@pytest.mark.parametrize("since", ["-1", "x", "", "1.5", "9" * 19, "%F0%9F%98%80", "\u0661"])
async def test_an_invalid_since_closes_with_4400(shared: Shared, since: str) -> None:
    job = await create(shared.services, 10_000)
    assert (await code_of(shared, f"/{job.id}?since={since}"))[0] == 4400
    answer = await shared.api.get(f"{STREAM}/{job.id}?since={since}")
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "since")


async def test_only_subprotocol_v1_is_supported(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    assert (await code_of(shared, f"/{job.id}", subprotocols=["other", "more"]))[0] == 4406
    for offered, chosen in ((["other", "haulage.v1"], "haulage.v1"), ([], None)):
        async with socket(base(shared), f"/{job.id}", subprotocols=offered) as follower:
            await follower.heard(job, (1, -1))
            assert follower.connection.subprotocol == chosen


async def test_a_foreign_origin_closes_with_4403(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    port = base(shared).rpartition(":")[2]
    foreign = ["http://evil.example", "null", "http://127.0.0.1", f"http://127.0.0.1:{port}.evil.example", "file://"]
    foreign += ["http://[", "http://[::1", "//[v1]"]
    for origin in foreign:
        assert (await code_of(shared, f"/{job.id}", origin=origin))[0] == 4403, origin
    async with socket(base(shared), f"/{job.id}", origin=base(shared)) as follower:
        await follower.heard(job, (1, -1))
    async with serving(with_changes(shared.settings, cors_origins=("https://app.example",))) as gateway:
        for origin in ("https://app.example", gateway):
            async with socket(gateway, f"/{job.id}", origin=origin) as follower:
                await follower.heard(job, (1, -1))
        async with socket(gateway, f"/{job.id}", origin="https://evil.example") as follower:
            assert await follower.closed() == 4403


async def test_an_unknown_host_closes_with_4421_or_returns_400(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    port = int(base(shared).rpartition(":")[2])
    for name in ("evil.example", "127.0.0.1.evil.example"):
        address = f"ws://{name}:{port}/v1/download/subscribe/{job.id}"
        async with connect(address, host="127.0.0.1", port=port, proxy=None) as connection:
            await connection.wait_closed()
            assert connection.close_code == 4421
        for path in (f"/{job.id}", items(job)):
            answer = await shared.api.get(f"{STREAM}{path}", headers={"Host": name})
            assert (answer.status_code, answer.json()["error"]) == (400, "wrong_host")


# --- WebSocket: what clients say ----------------------------------------------------------------------------------------


FAULTY: list[str | bytes | dict[str, Any]] = [
    "",
    "hello",
    "{",
    "[]",
    "null",
    "{}",
    b"\x00\xff",
    b'{"type": "follow", "jobs": []}',
    {"type": "shout", "jobs": [{"jobId": UNKNOWN}]},
    {"type": "follow"},
    {"type": "follow", "jobs": []},
    {"type": "follow", "jobs": [{}]},
    {"type": "follow", "jobs": [{"jobId": "x"}]},
    {"type": "follow", "jobs": [{"jobId": UNKNOWN, "since": -1}]},
    {"type": "follow", "jobs": [{"jobId": UNKNOWN, "since": 1.5}]},
    {"type": "follow", "jobs": [{"jobId": UNKNOWN, "since": "1"}]},
    {"type": "follow", "jobs": [{"jobId": UNKNOWN}], "more": 1},
    {"type": "unfollow", "jobs": ["x"]},
    {"type": "unfollow", "jobs": [{"jobId": UNKNOWN}]},
    json.dumps({"type": "follow", "jobs": [{"jobId": "\ud800"}]}),
]


@pytest.mark.parametrize("message", FAULTY)
async def test_an_invalid_message_gets_an_error_and_the_connection_stays_open(
    shared: Shared, message: str | bytes | dict[str, Any]
) -> None:
    job = await create(shared.services, 10_000)
    async with socket(base(shared)) as follower:
        await follower.say(message)
        await follower.until(lambda: len(follower.errors) == 1)
        error = follower.errors[0]
        assert (error["type"], error["error"], error["jobId"]) == ("error", "invalid_request", None)
        assert error["message"]
        await follower.follow(job)
        await follower.heard(job, (1, -1))
        assert len(follower.errors) == 1


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("{", "message: is not valid JSON: EOF while parsing an object at line 1 column 1"),
        ("[]", "message: must be an object, not a list"),
        ("{}", "type: is required"),
        ({"type": "shout"}, "type: must be 'follow', 'unfollow', 'watch', 'unwatch' or 'reauth', not 'shout'"),
        ({"type": "follow"}, "jobs: is required"),
        ({"type": "follow", "jobs": [{"jobId": "x"}]}, "jobs[0].jobId: must be a UUID, not 'x'"),
        ({"type": "follow", "jobs": [{"jobId": UNKNOWN, "since": -1}]}, "jobs[0].since: must be at least 0, not -1"),
    ],
)
async def test_an_error_message_names_the_field_the_value_and_the_rule(
    shared: Shared, message: str | dict[str, Any], text: str
) -> None:
    async with socket(base(shared)) as follower:
        await follower.say(message)
        await follower.until(lambda: len(follower.errors) == 1)
        assert follower.errors[0]["message"] == f"The message is not valid: {text}."


async def test_a_byte_order_mark_before_a_message_is_ignored(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    async with socket(base(shared)) as follower:
        await follower.say("\ufeff" + json.dumps({"type": "follow", "jobs": [{"jobId": str(job.id)}]}))
        await follower.heard(job, (1, -1))


@pytest.mark.parametrize("of_one", [True, False])
async def test_the_tenth_invalid_message_closes_the_connection(shared: Shared, of_one: bool) -> None:
    job = await create(shared.services, 10_000)
    async with socket(base(shared), f"/{job.id}" if of_one else "") as follower:
        for _ in range(11):
            await follower.say(
                {"type": "unfollow"} if not of_one else {"type": "follow", "jobs": [{"jobId": str(job.id)}]}
            )
        assert await follower.closed() == 4400
        assert len(follower.errors) == 10


async def test_a_message_that_is_too_large_closes_with_1009(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    async with socket(base(shared)) as follower, socket(base(shared), f"/{job.id}") as other:
        await follower.say(" " * (64 * 1024 - 100) + json.dumps({"type": "unfollow", "jobs": [str(job.id)]}))
        await follower.follow(job)
        await follower.heard(job, (1, -1))
        assert follower.errors == []
        await follower.say("x" * (64 * 1024 + 1))
        assert await follower.closed() == 1009
        ended = await shared.services.lifecycle.cancel(job.id)
        await other.heard(job, (ended.seq, 0))


async def test_a_connection_follows_at_most_a_hundred_jobs(shared: Shared) -> None:
    job = await shared.processing()
    jobs = [await create(shared.services, 10_000) for _ in range(101)]
    async with socket(base(shared)) as follower:
        await follower.follow(job)
        await follower.heard(job, (1, -1))
        await follower.say({"type": "follow", "jobs": [{"jobId": str(uuid4())} for _ in range(1_000)]})
        await follower.follow(*jobs[:100])
        await follower.until(lambda: len(follower.errors) == 2)
        assert {error["error"] for error in follower.errors} == {"too_many_jobs"}
        assert len(follower.have) == 1
        await follower.follow(*jobs[:99])
        await asyncio.gather(*(follower.heard(one, (1, -1)) for one in jobs[:99]))
        await shared.services.lifecycle.cancel(job.id)
        await follower.end(job)
        await follower.follow(jobs[100])  # the one that has ended does not count any more
        await follower.heard(jobs[100], (1, -1))
        assert len(follower.errors) == 2


async def test_unknown_jobs_are_reported_and_the_others_followed(shared: Shared) -> None:
    first, last = await shared.processing(), await shared.processing()
    unknown = str(uuid4())
    async with socket(base(shared)) as follower:
        await follower.say({"type": "follow", "jobs": [{"jobId": it} for it in (str(first.id), unknown, str(last.id))]})
        await asyncio.gather(follower.heard(first, (1, -1)), follower.heard(last, (1, -1)))
        [error] = follower.errors
        assert (error["error"], error["jobId"]) == ("job_not_found", unknown)
        assert unknown in error["message"]
        for _ in range(12):
            await follower.say({"type": "follow", "jobs": [{"jobId": unknown}]})
        await follower.until(lambda: len(follower.errors) == 13)
        await shared.publish(live(last, 1))
        await follower.heard(last, (last.seq, 1))


async def test_a_job_that_is_slow_to_read_does_not_delay_others(
    shared: Shared, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, other, left = [await shared.processing() for _ in range(3)]
    go_on, real = asyncio.Event(), StatusReader.read

    async def held(statuses: StatusReader, job_id: UUID, since: int | None = None) -> Any:
        if job_id != other.id:
            await go_on.wait()
        return await real(statuses, job_id, since)

    monkeypatch.setattr(StatusReader, "read", held)
    async with socket(base(shared)) as follower:
        await follower.follow(slow, left, other)
        await follower.heard(other, (1, -1))
        await follower.say("hello")
        await follower.until(lambda: len(follower.errors) == 1)
        await follower.say({"type": "unfollow", "jobs": [str(left.id)]})
        await follower.say("hello")
        await follower.until(lambda: len(follower.errors) == 2)
        go_on.set()
        await follower.heard(slow, (1, -1))
        await shared.publish(live(slow, 1))
        await follower.heard(slow, (slow.seq, 1))
        assert follower.of(left) == []


async def test_a_client_that_does_not_read_gets_its_errors_later(shared: Shared) -> None:
    large = await shared.services.downloads.create(
        NewDownload(files=[FileRequest(file_id=10_000 + index, name="n" * 200) for index in range(1_000)])
    )
    unknown = str(uuid4())
    async with stalled_client(base(shared), "subscribe") as client:
        for job_id in (str(large.id), unknown, str(large.id)):
            await client.say(json.dumps({"type": "follow", "jobs": [{"jobId": job_id}]}))
        await client.say("hello")
        await until_subscribers(shared.services.feed, large, 1)
        said = bytearray()
        while not (b"job_not_found" in said and b"invalid_request" in said):
            said += await client.read()


async def test_an_internal_error_tells_clients_to_reconnect(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await shared.processing()
    async with socket(base(shared), f"/{job.id}") as open_already:
        await open_already.heard(job, (1, -1))

        async def breaks(*_: object) -> None:
            raise RuntimeError("a bug")

        monkeypatch.setattr(StatusReader, "read", breaks)
        code, reason = await code_of(shared, f"/{job.id}")
        assert (code, reason) == (1011, CloseCode.INTERNAL.reason)
        async with socket(base(shared)) as many:
            await many.follow(job)
            assert await many.closed() == 1011
        for path in (f"/{job.id}", items(job)):
            answer = await shared.api.get(f"{STREAM}{path}")
            assert answer.status_code == 200
            assert 5 <= pause_of(answer) <= 15
        closed = asyncio.create_task(open_already.closed())
        while not closed.done():  # Redis may lose a message
            await shared.publish(live(job, 1, seq=job.seq + 2))  # after a gap
            await asyncio.wait([closed], timeout=1)
        assert await closed == 1011


async def test_a_disconnect_before_accept_is_not_an_error(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, lost, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
    accept, connection_lost, connected = WebSocket.accept, Protocol.connection_lost, RequestMiddleware._serve_socket  # noqa: SLF001

    async def accepts(websocket: WebSocket, **options: Any) -> None:
        asked.set()
        await lost.wait()
        await accept(websocket, **options)

    def loses(protocol: Protocol, error: Exception | None) -> None:
        connection_lost(protocol, error)
        lost.set()

    async def serves(*args: Any) -> None:
        await connected(*args)
        ended.set()

    monkeypatch.setattr(WebSocket, "accept", accepts)
    monkeypatch.setattr(Protocol, "connection_lost", loses)
    monkeypatch.setattr(RequestMiddleware, "_serve_socket", serves)
    with capture_logs() as logs:
        opening = asyncio.create_task(code_of(shared, f"/{uuid4()}"))
        await asyncio.wait_for(asked.wait(), PATIENCE)
        await cancel_and_wait(opening)
        await asyncio.wait_for(ended.wait(), PATIENCE)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == []


# --- event streams ------------------------------------------------------------------------------------------------------


async def refused(shared: Shared, path: str) -> tuple[int, str]:
    answer = await shared.api.get(f"{STREAM}{path}")
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["error"]


async def test_a_stream_of_an_unknown_job_returns_404(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    for path in (f"/{uuid4()}", f"?jobs={uuid4()}", f"?jobs={job.id},{uuid4()}:3"):
        assert await refused(shared, path) == (404, "job_not_found")


@pytest.mark.parametrize("job_id", [*NO_UUIDS, "%00"])
async def test_a_stream_of_an_invalid_job_id_returns_400(shared: Shared, job_id: str) -> None:
    assert await refused(shared, f"/{job_id}") == (400, "invalid_request")


@pytest.mark.parametrize(
    "jobs",
    [
        "",
        ",",
        ",,:",
        ":1",
        "x",
        f"{UNKNOWN}:x",
        f"{UNKNOWN}:-1",
        f"{UNKNOWN}:1:2",
        f"{UNKNOWN}:{'9' * 19}",
        f"{UNKNOWN}:\u0661",
        f"{UNKNOWN};{UNKNOWN}",
        f"{UNKNOWN}%00",
        ",".join(str(UUID(int=number)) for number in range(MAX_STREAMED + 1)),
        ",".join(["x"] * 10_000),
    ],
)
async def test_an_invalid_list_of_jobs_returns_400(shared: Shared, jobs: str) -> None:
    assert await refused(shared, f"?jobs={jobs}") == (400, "invalid_request")
    assert await refused(shared, "") == (400, "invalid_request")


async def test_a_list_of_jobs_may_be_full_and_contain_duplicates(shared: Shared) -> None:
    jobs = [await create(shared.services, 10_000) for _ in range(MAX_STREAMED)]
    async with stream(shared.api, items(*jobs)) as follower:
        await asyncio.gather(*(follower.heard(job, (1, -1)) for job in jobs))
        assert len(follower.messages) >= MAX_STREAMED
    async with stream(shared.api, f"?jobs={jobs[0].id},,{jobs[0].id}:,{str(jobs[0].id).upper()}:0,") as follower:
        await follower.heard(jobs[0], (1, -1))
        assert len(follower.of(jobs[0])) == 1


@pytest.mark.parametrize(
    "last", ["", "x", "1", "1.", ".1", "-1.0", "1.0.0", "1,0", "9" * 19 + ".0", "1. 0", "\u0661.0", "é"]
)
async def test_an_invalid_last_event_id_is_ignored(shared: Shared, last: str) -> None:
    job = await create(shared.services, 10_000)
    async with shared.api.stream("GET", f"{STREAM}/{job.id}", headers={b"Last-Event-ID": last.encode()}) as answer:
        assert answer.status_code == 200
        async for line in answer.aiter_lines():
            if line.startswith("data: "):
                assert json.loads(line.removeprefix("data: "))["since"] == 0
                return
    raise AssertionError


async def test_head_of_a_stream_returns_only_headers(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    for path in (f"/{job.id}", items(job)):
        answer = await shared.api.head(f"{STREAM}{path}")
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["cache-control"] == "no-cache, no-transform"
        assert (await shared.api.head("/health/live")).status_code == 200
    for method in ("POST", "DELETE", "PUT"):
        refusal = await shared.api.request(method, f"{STREAM}/{job.id}")
        assert (refusal.status_code, set(refusal.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})


# --- every way ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ended", [False, True])
async def test_a_since_above_the_seq_starts_over(shared: Shared, ended: bool) -> None:
    job = await shared.processing(10_000, 10_001)
    if ended:
        job = await shared.services.lifecycle.cancel(job.id)
    future = {str(job.id): 900}
    async with (
        socket(base(shared), f"/{job.id}?since=900", since=future) as one,
        socket(base(shared), since=future) as many,
        stream(shared.api, f"/{job.id}?since=900", since=future) as streamed,
        stream(shared.api, f"/{job.id}", since=future, last_event_id="900.5") as resumed,
        stream(shared.api, f"?jobs={job.id}:900", since=future) as listed,
    ):
        await many.follow(job, since=900)
        for follower in (one, many, streamed, resumed, listed):
            await anew(follower, job)
        if not ended:
            await shared.publish(live(job, 1))
            for follower in (one, many, streamed, resumed, listed):
                await follower.heard(job, (job.seq, 1))


async def anew(follower: Follower, job: Job) -> None:
    """It is told everything."""
    await follower.until(lambda: bool(follower.messages))
    first = follower.messages[0]
    assert (first["since"], first["seq"], len(first["files"])) == (0, job.seq, 2)


@pytest.mark.parametrize(
    "limits", [{"max_followers": 4}, {"max_followers": 100, "max_followers_per_client": 4}], ids=["process", "client"]
)
async def test_too_many_connections_are_refused(shared: Shared, limits: dict[str, int]) -> None:
    job = await create(shared.services, 10_000)
    async with AsyncExitStack() as opened:
        gateway = await opened.enter_async_context(serving(with_changes(shared.settings, **limits)))
        api = await opened.enter_async_context(httpx.AsyncClient(base_url=gateway, timeout=30))
        async with AsyncExitStack() as full:
            followers: list[Follower] = [
                await full.enter_async_context(socket(gateway, f"/{job.id}")) for _ in range(2)
            ]
            followers += [await full.enter_async_context(stream(api, f"/{job.id}")) for _ in range(2)]
            for follower in followers:
                await follower.heard(job, (1, -1))
            async with socket(gateway, f"/{job.id}") as more:
                assert (await more.closed(), more.messages) == (4429, [])
            answer = await api.get(f"{STREAM}/{job.id}")
            assert answer.status_code == 200
            assert 15 <= pause_of(answer) <= 45
            assert (await api.get(f"/v1/download/job/{job.id}")).status_code == 200
            await followers[0].connection.close()  # type: ignore[attr-defined]
            await followers[0].over()
            await until_admitted(gateway, job)
        await until_admitted(gateway, job)


async def until_admitted(gateway: str, job: Job) -> None:
    """There is room again, as soon as the server has heard of it."""
    async with asyncio.timeout(30):
        while True:
            async with socket(gateway, f"/{job.id}") as follower:
                await follower.until(lambda: bool(follower.messages) or follower.is_over)
                if follower.messages:
                    return
