"""The routes for `haulage doctor`: what they report, and that nobody can use them up."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import httpx
import pytest

from app.diagnosis_limits import MAX_OPEN_PER_CLIENT, MAX_PER_MINUTE, DiagnosisLimits
from app.problems import TooManyDiagnoses
from tests.app.shared import Shared, problem
from tests.helpers.eventually import eventually
from tests.helpers.raw_http import raw_client
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUEST, STREAM = "/v1/diagnose/request", "/v1/diagnose/stream"


async def test_it_reports_what_has_arrived(shared: Shared) -> None:
    headers = {
        "X-Request-ID": "mine",
        "Prefer": "wait=1",
        "Authorization": "Bearer secret",
        "X-Forwarded-For": "9.9.9.9",
    }
    answer = await shared.api.post(REQUEST, content=b"x" * 70_000, headers=headers)
    assert answer.headers["cache-control"] == "no-store, no-transform"
    seen = answer.json()
    assert abs((datetime.fromisoformat(seen.pop("time")) - datetime.now(UTC)).total_seconds()) < 60
    assert seen.pop("headBytes") > sum(len(name) + len(value) for name, value in headers.items())
    assert seen == {
        "method": "POST",
        "scheme": "http",
        "host": shared.api.base_url.netloc.decode(),
        "httpVersion": "1.1",
        "client": "127.0.0.1",
        "forwardedFor": "ignored",
        "publicUrl": None,
        "bodyBytes": 70_000,
        "headers": ["Accept", "Prefer", "X-Request-ID"],
        "requestId": "mine",
        "limits": {"headBytes": 32_000, "bodyBytes": 1_048_576, "keepAlive": 185.0},
    }
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("sent", "trusted", "seen"),
    [
        ("9.9.9.9", "127.0.0.1", ("9.9.9.9", "used")),
        ("8.8.8.8, 9.9.9.9:4711", "127.0.0.1", ("9.9.9.9", "used")),
        ("[2001:db8::1]:4711", "127.0.0.1", ("2001:db8::1", "used")),
        ("unknown", "127.0.0.1", ("", "missing")),
        ("", "127.0.0.1", ("", "missing")),
        ("9.9.9.9", "10.0.0.1", ("127.0.0.1", "ignored")),
        ("", "10.0.0.1", ("127.0.0.1", "missing")),
    ],
)
async def test_a_forwarded_address_is_used_where_the_peer_is_trusted(
    shared: Shared, sent: str, trusted: str, seen: tuple[str, str]
) -> None:
    async with serving(with_changes(shared.settings, trusted_proxies=trusted)) as url, httpx.AsyncClient() as api:
        found = (await api.get(url + REQUEST, headers={"X-Forwarded-For": sent} if sent else {})).json()
    assert (found["client"], found["forwardedFor"]) == seen


async def test_a_wait_may_be_longer_than_other_requests(shared: Shared) -> None:
    async with serving(with_changes(shared.settings, request_timeout=0.3)) as url, httpx.AsyncClient() as api:
        assert (await api.get(f"{url}{REQUEST}?wait=0.6")).status_code == 200
        stream = await api.get(f"{url}{STREAM}?silence=0.6")
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.headers["x-accel-buffering"] == "no"
    times = [datetime.fromisoformat(text) for text in re.findall('event: time\ndata: {"time":"(.*)"}', stream.text)]
    assert [round((at - times[0]).total_seconds(), 1) >= 0.6 for at in times] == [False, True]


@pytest.mark.parametrize("value", ["151", "-1", "x", "", "1e2", "nan", "0.0001", "٣"])
@pytest.mark.parametrize("path", [f"{REQUEST}?wait=", f"{STREAM}?silence="])
async def test_other_waits_are_refused(shared: Shared, path: str, value: str) -> None:
    problem(await shared.api.get(path + value), 400, "invalid_request")


async def test_an_address_may_have_so_many_open_until_it_disconnects(shared: Shared) -> None:
    async with serving(shared.settings) as url, httpx.AsyncClient() as api:
        targets = (f"{STREAM}?silence=150", f"{REQUEST}?wait=150")
        heads = [f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode() for target in targets]

        async def status() -> int:
            return (await api.get(url + REQUEST)).status_code

        async def refused() -> bool:
            return await status() == 429

        async def admitted() -> bool:
            return await status() == 200

        async with AsyncExitStack() as stack:
            for number in range(MAX_OPEN_PER_CLIENT):
                client = await stack.enter_async_context(raw_client(url))
                await client.send(heads[number % 2])
            await eventually(refused)
            answer = problem(await api.get(url + STREAM), 429, "too_many_diagnoses")
            assert answer.headers["retry-after"] == "60"
        await eventually(admitted)


async def test_an_address_may_send_so_many_in_a_minute() -> None:
    limits = DiagnosisLimits()
    for _ in range(MAX_PER_MINUTE):
        with limits.acquired("192.0.2.1"):
            pass
    with pytest.raises(TooManyDiagnoses), limits.acquired("192.0.2.1"):
        pass
    with limits.acquired("192.0.2.2"):
        pass
