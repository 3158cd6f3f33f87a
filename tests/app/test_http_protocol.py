"""What clients may send: well-formed HTTP/1.1 of a limited size, in time. Everything else is refused, and costs little."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from app import tcp_connections
from app.http_protocol import MAX_HEAD_BYTES, MAX_HEADERS, MAX_PIPELINED
from tests.app.following.followers import socket
from tests.app.shared import Shared, link
from tests.helpers.jobs import create
from tests.helpers.raw_http import Answer, raw_client
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOST = b"Host: localhost\r\n"
JSON = b"Content-Type: application/json\r\n"
LIVE = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"
CHECK = b"POST /v1/download/check HTTP/1.1\r\n" + HOST + JSON
BODY = b'{"file_id": 77777}'
CHUNKED = CHECK + b"Transfer-Encoding: chunked\r\n\r\n"
KEY = b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
UPGRADE = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
HANDSHAKE = b"GET /v1/download/subscribe HTTP/1.1\r\n"
SOCKET = UPGRADE + KEY + b"Sec-WebSocket-Version: 13\r\n\r\n"
PATIENCE = 30.0


@pytest.fixture(autouse=True)
def _every_refusal_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_connections, "LOGGED_PER_SECOND", 1_000_000)


def base(shared: Shared) -> str:
    return str(shared.api.base_url)


async def exchange(url: str, *data: bytes) -> tuple[Answer, bytes]:
    """The first response to what is sent, and what comes after it until the server closes the connection."""
    async with asyncio.timeout(PATIENCE), raw_client(url) as client:
        sending = asyncio.create_task(client.send(*data))
        answer = await client.answer()
        rest = await client.closed()
        await sending
        return answer, rest


# --- malformed requests ------------------------------------------------------------------------------------------------

MALFORMED = {
    "two hosts": b"GET / HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n",
    "the same host twice": b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "two hosts and an absolute target": b"GET http://localhost/ HTTP/1.1\r\n" + HOST + HOST + b"\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an unknown method": b"FOO / HTTP/1.1\r\n" + HOST + b"\r\n",
    "two lengths": CHECK + b"Content-Length: 18\r\nContent-Length: 19\r\n\r\n" + BODY,
    "a list of lengths": CHECK + b"Content-Length: 18, 18\r\n\r\n" + BODY,
    "a length with a sign": CHECK + b"Content-Length: +18\r\n\r\n" + BODY,
    "a length and a coding": CHECK + b"Content-Length: 18\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked is not the last coding": CHECK + b"Transfer-Encoding: chunked, gzip\r\n\r\n",
    "chunked is no coding": CHECK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "space in a name": b"GET / HTTP/1.1\r\n" + HOST + b"X Y: z\r\n\r\n",
    "a folded line": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n\r\n",
    "bare LF": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\nY: b\r\n\r\n",
    "bare CR": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n\r\n",
    "NUL in a value": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\0b\r\n\r\n",
    "no path": b"GET health HTTP/1.1\r\n" + HOST + b"\r\n",
    "CONNECT": b"CONNECT localhost:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target with a user name": b"GET http://me@localhost/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "a target of another scheme": b"GET ftp://localhost/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "a chunk size that is none": CHUNKED + b"zz\r\n",
    "a chunk longer than its size": CHUNKED + b"1\r\nabc\r\n0\r\n\r\n",
    "WebSocket with two hosts": HANDSHAKE + HOST + b"Host: evil.example\r\n" + SOCKET,
    "WebSocket without host": HANDSHAKE + SOCKET,
    "WebSocket with a body": HANDSHAKE + HOST + b"Content-Length: 1\r\n" + SOCKET + b"a",
    "WebSocket with chunks": HANDSHAKE + HOST + b"Transfer-Encoding: chunked\r\n" + SOCKET + b"0\r\n\r\n",
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_request_gets_400_and_is_logged_with_the_address(shared: Shared, case: str) -> None:
    with capture_logs() as lines:
        answer, rest = await exchange(base(shared), MALFORMED[case])
    assert (answer.status, answer.problem(), rest) == (400, "malformed_request", b"")
    assert answer.headers["connection"] == "close"
    assert answer.headers["x-content-type-options"] == "nosniff"
    line = next(line for line in lines if line["event"] == "request_rejected")
    assert line["client"] == "127.0.0.1"
    assert line["reason"] == answer.json["detail"]


async def test_an_unknown_transfer_coding_gets_501(shared: Shared) -> None:
    answer, _ = await exchange(base(shared), CHECK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")
    assert (answer.status, answer.problem()) == (501, "unsupported_transfer_coding")


@pytest.mark.parametrize(
    ("handshake", "status", "header"),
    [
        (b"GET /v1/download/subscribe HTTP/1.1\r\n" + HOST + UPGRADE + b"Sec-WebSocket-Version: 13\r\n\r\n", 400, ""),
        (HANDSHAKE + HOST + UPGRADE + KEY + b"Sec-WebSocket-Version: 8\r\n\r\n", 400, "sec-websocket-version"),
        (HANDSHAKE.replace(b"GET", b"POST") + HOST + SOCKET, 405, "allow"),
        (HANDSHAKE.replace(b"subscribe", b"nothing") + HOST + SOCKET, 403, ""),
    ],
    ids=["key", "version", "method", "path"],
)
async def test_an_invalid_handshake_gets_a_problem(shared: Shared, handshake: bytes, status: int, header: str) -> None:
    with capture_logs() as lines:
        answer, _ = await exchange(base(shared), handshake)
    assert answer.status == status
    assert answer.problem() in {"http_error", "method_not_allowed"}
    assert not header or header in answer.headers
    assert [line["client"] for line in lines if line["event"] == "request_rejected"] == ["127.0.0.1"]


async def test_the_host_of_an_absolute_target_replaces_the_header(shared: Shared) -> None:
    """RFC 9112, section 3.2.2."""
    async with asyncio.timeout(PATIENCE), raw_client(base(shared)) as client:
        await client.send(b"GET http://localhost:1/health/live HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert (await client.answer()).status == 200
        await client.send(b"GET http://evil.example/ HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (await client.answer()).problem() == "wrong_host"
        await client.send(b"GET http://localhost HTTP/1.1\r\n" + HOST + b"\r\n")
        assert (await client.answer()).status == 200


async def test_trailers_are_not_merged_into_the_headers(shared: Shared) -> None:
    """They would come after the checks of the real ones: here a second `Host`, which must not count."""
    async with asyncio.timeout(PATIENCE), raw_client(base(shared)) as client:
        chunk = b"%x\r\n%b\r\n0\r\nHost: evil.example\r\nPrefer: wait=60\r\n\r\n" % (len(BODY), BODY)
        await client.send(CHUNKED + chunk + LIVE)
        assert (await client.answer()).json["available"] is False
        assert (await client.answer()).json == {"status": "ok"}


@pytest.mark.parametrize("pause", [0, 0.05], ids=["at once", "apart"])
async def test_an_upgrade_to_something_else_is_ignored(shared: Shared, pause: float) -> None:
    """RFC 9110, section 7.8. The body is this request's own, not another request."""
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    async with asyncio.timeout(PATIENCE), raw_client(base(shared)) as client:
        await client.send(CHECK + upgrade + b"Content-Length: %d\r\n\r\n" % len(BODY))
        await asyncio.sleep(pause)
        await client.send(BODY)
        assert (await client.answer()).json["available"] is False
        await client.send(b"GET /health/live HTTP/1.1\r\n" + HOST + upgrade + b"\r\n" + LIVE)
        assert [(await client.answer()).status for _ in range(2)] == [200, 200]


# --- size --------------------------------------------------------------------------------------------------------------


def head_of(size: int, count: int = 1) -> bytes:
    """A request whose head has this many bytes, in this many headers besides `Host`."""
    head = b"GET /health/live HTTP/1.1\r\n" + HOST + b"".join(b"X-%d: y\r\n" % number for number in range(1, count))
    return head + b"X-0: " + b"y" * (size - len(head) - 9) + b"\r\n\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"y" * (1 << 20), 431),
        (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200_000, 431),
        (b"GET /" + b"y" * (1 << 20), 414),
        (head_of(MAX_HEAD_BYTES + 100), 431),
        (head_of(20_000, count=MAX_HEADERS), 431),
        (HANDSHAKE + HOST + b"Cookie: " + b"y" * 9000 + b"\r\n" + SOCKET, 431),
    ],
    ids=["one header", "many headers", "target", "32 kB", "100 headers", "WebSocket"],
)
async def test_a_head_that_is_too_large_is_refused(shared: Shared, data: bytes, status: int) -> None:
    with capture_logs() as lines:
        answer, _ = await exchange(base(shared), data)
    assert answer.status == status
    assert answer.problem() == {431: "head_too_large", 414: "target_too_long"}[status]
    assert [line["status"] for line in lines if line["event"] == "request_rejected"] == [status]


async def test_a_head_of_any_size_below_is_served_however_it_arrives(shared: Shared) -> None:
    largest = head_of(MAX_HEAD_BYTES - 8)
    assert len(largest) == MAX_HEAD_BYTES - 8
    many = head_of(20_000, count=MAX_HEADERS - 1)
    async with asyncio.timeout(PATIENCE), raw_client(base(shared)) as client:
        await client.send(largest, *[largest[at : at + 1000] for at in range(0, len(largest), 1000)], many, LIVE)
        assert [(await client.answer()).status for _ in range(4)] == [200] * 4
        body = BODY + b" " * 300_000
        await client.send(CHECK + b"Content-Length: %d\r\n\r\n" % len(body) + body + largest)
        assert [(await client.answer()).status for _ in range(2)] == [200] * 2


async def test_an_endless_head_is_taken_no_further(shared: Shared) -> None:
    """Of 64 MB not much more than a megabyte is taken, and others do not notice."""
    piece, sent = b"y" * (1 << 20), 0
    async with asyncio.timeout(PATIENCE), raw_client(base(shared)) as client:
        answer = asyncio.create_task(client.answer())
        await client.send(b"GET / HTTP/1.1\r\nX: ")
        while sent < 64 * len(piece) and await client.send(piece):
            sent += len(piece)
        assert (await answer).status == 431
    assert sent < 32 * len(piece)


@pytest.mark.parametrize(
    "flood",
    [
        b"0\r\n" + b"X: y\r\n" * 100_000,
        b"0\r\nX: " + b"y" * 600_000,
        b"1;x=" + b"y" * 600_000,
    ],
    ids=["trailers", "one trailer", "chunk extension"],
)
async def test_what_is_no_data_of_a_body_is_limited_too(shared: Shared, flood: bytes) -> None:
    answer, _ = await exchange(base(shared), CHUNKED + flood)
    assert (answer.status, answer.problem()) == (400, "malformed_request")


async def test_a_body_of_small_chunks_is_read(shared: Shared) -> None:
    body = BODY + b" " * 20_000
    chunks = b"".join(b"1;ext=1\r\n%c\r\n" % byte for byte in body)
    async with asyncio.timeout(PATIENCE), raw_client(base(shared)) as client:
        await client.send(CHUNKED + chunks + b"0\r\n\r\n")
        assert (await client.answer()).status == 200


# --- several requests on a connection ----------------------------------------------------------------------------------


async def test_pipelined_requests_are_answered_in_order(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    waiting = b"GET %b HTTP/1.1\r\n" % link(job).encode() + HOST + b"Prefer: wait=1\r\n\r\n"
    posted = CHECK + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    async with asyncio.timeout(PATIENCE), raw_client(base(shared)) as client:
        await client.send(waiting + LIVE + posted + LIVE)
        answers = [(await client.answer()).json for _ in range(4)]
    assert answers[0]["jobId"] == str(job.id)
    assert answers[1] == answers[3] == {"status": "ok"}
    assert answers[2]["available"] is False


@pytest.mark.parametrize(
    "garbage",
    [b"\0garbage", b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", HANDSHAKE + HOST + SOCKET, LIVE * (MAX_PIPELINED + 5)],
    ids=["garbage", "malformed", "WebSocket", "too many"],
)
async def test_requests_before_a_refused_one_get_their_responses(shared: Shared, garbage: bytes) -> None:
    job = await create(shared.services, 10_000)
    waiting = b"GET %b HTTP/1.1\r\n" % link(job).encode() + HOST + b"Prefer: wait=1\r\n\r\n"
    with capture_logs() as lines:
        async with asyncio.timeout(PATIENCE), raw_client(base(shared)) as client:
            await client.send(waiting + garbage)
            assert (await client.answer()).json["jobId"] == str(job.id)
            rest = await client.closed()
    served = rest.count(b"HTTP/1.1 ")
    assert (served, rest.count(b"HTTP/1.1 200 ")) == ((MAX_PIPELINED,) * 2 if garbage.startswith(LIVE) else (0, 0))
    assert len([line for line in lines if line["event"] == "request_rejected"]) == 1


# --- time --------------------------------------------------------------------------------------------------------------

SOON = {"head_timeout": 0.4, "body_timeout": 0.4, "keep_alive": 0.4}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def hasty(shared: Shared) -> AsyncIterator[str]:
    """A gateway that waits for little. It looks at its connections once a second."""
    async with serving(with_changes(shared.settings, **SOON)) as url:
        yield url


@pytest.mark.parametrize(
    ("whole", "drip", "status"),
    [
        (b"", b"", None),
        (b"", b"GET / HTTP/1.1\r\nX: y", 408),
        (b"GET / HTTP/1.1\r\n", b"", 408),
        (b"", b"\r\n", 408),
        (CHECK + b"Content-Length: 9999\r\n\r\n", b" ", 408),
        (CHECK + b"Content-Length: 9999\r\n\r\n", b"", 408),
        (CHECK + b"Expect: 100-continue\r\nContent-Length: 9999\r\n\r\n", b"", 100),
        (CHUNKED, b"1;" + b"x" * 5000, 408),
        (b"POST /health/live HTTP/1.1\r\n" + HOST + b"Content-Length: 9999\r\n\r\n", b"x", 405),
        (b"POST /nothing HTTP/1.1\r\n" + HOST + b"Content-Length: 6\r\n\r\nabc", b"defg", 404),
        (LIVE, b"", 200),
        (LIVE, b"\r\n", 200),
        (LIVE, b"GET / HTTP/1.1\r\nX: y", 200),
    ],
    ids=[
        "silent",
        "dripping head",
        "half a head",
        "dripping empty lines",
        "dripping body",
        "no body",
        "no body after 100",
        "dripping chunk",
        "dripping body that is not read",
        "late body that is not read",
        "idle",
        "idle but for empty lines",
        "dripping second head",
    ],
)
async def test_who_keeps_the_server_waiting_is_disconnected(
    hasty: str, whole: bytes, drip: bytes, status: int | None
) -> None:
    async with asyncio.timeout(PATIENCE), raw_client(hasty) as client:
        await client.send(whole)
        dripping = asyncio.create_task(client.drip(drip, 0.05))
        received = await client.closed()
        await dripping
    first = int(received.split(b" ")[1]) if received else None
    assert first == status
    if status == 408:
        assert b'"error":"request_incomplete"' in received


async def test_requests_in_progress_outlast_all_deadlines(shared: Shared, hasty: str) -> None:
    job = await create(shared.services, 10_000)
    waiting = b"GET %b HTTP/1.1\r\n" % link(job).encode() + HOST + b"Prefer: wait=3\r\n\r\n"
    async with AsyncExitStack() as opened:
        await opened.enter_async_context(asyncio.timeout(PATIENCE))
        client = await opened.enter_async_context(raw_client(hasty))
        streaming = await opened.enter_async_context(raw_client(hasty))
        follower = await opened.enter_async_context(socket(hasty, f"/{job.id}"))
        await client.send(waiting)
        await streaming.send(b"GET /v1/download/stream/%b HTTP/1.1\r\n" % str(job.id).encode() + HOST + b"\r\n")
        assert (await client.answer()).status == 200
        ended = await shared.services.lifecycle.cancel(job.id)
        await follower.heard(job, (ended.seq, 0))
        assert b'"status":"cancelled"' in await streaming.closed()


async def test_a_client_that_sends_its_body_on_still_gets_its_refusal(shared: Shared) -> None:
    """A reset connection would cost a client that reads only after it has sent everything, such as a proxy, the 413."""
    size = shared.settings.max_body_bytes + 1
    async with asyncio.timeout(PATIENCE), raw_client(base(shared)) as client:
        assert await client.send(CHECK, b"Content-Length: %d\r\n\r\n" % size)
        async with raw_client(base(shared)) as other:  # by then the refusal has been sent
            assert (await other.send(LIVE), (await other.answer()).status) == (True, 200)
        assert await client.send(b" " * size)
        answer = await client.answer()
        assert (answer.status, answer.problem()) == (413, "body_too_large")
        assert await client.closed() == b""
