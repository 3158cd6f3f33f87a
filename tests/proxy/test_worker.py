"""The Cloudflare Worker in workerd, in front of a server that breaks connections."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.helpers.breaking_server import BreakingServer
from tests.helpers.fronts import WorkerdFront
from tests.helpers.listening import listening
from tests.helpers.reverse_proxies import in_front

START = "/v1/download/start"
pytestmark = pytest.mark.servers


@dataclass(frozen=True)
class Behind:
    """The server behind the Worker."""

    origin: BreakingServer
    api: httpx.AsyncClient


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Behind]:
    origin = BreakingServer()
    async with (
        listening(origin.serve) as target,
        in_front(WorkerdFront(tmp_path / "front"), target) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as api,
    ):
        yield Behind(origin, api)


@pytest.mark.proves("a GET that a gateway breaks is repeated, a POST is not")
@pytest.mark.parametrize(
    ("method", "headers", "is_repeated"),
    [
        ("GET", {}, True),
        ("HEAD", {}, True),
        ("POST", {"Idempotency-Key": "k"}, True),
        ("POST", {}, False),
        ("DELETE", {}, False),
    ],
)
async def test_only_what_may_be_sent_twice_is_sent_once_more(
    behind: Behind, method: str, headers: dict[str, str], is_repeated: bool
) -> None:
    body = b"body" if method == "POST" else None
    behind.origin.failures = 1
    answer = await behind.api.request(method, "/v1/x", content=body, headers=headers)
    assert (answer.status_code, len(behind.origin.heads)) == ((200, 2) if is_repeated else (502, 1))
    behind.origin.failures = 9
    behind.origin.heads.clear()
    answer = await behind.api.request(method, "/v1/x", content=body, headers=headers)
    assert (answer.status_code, len(behind.origin.heads)) == (502, 2 if is_repeated else 1)


async def test_an_unreachable_gateway_is_a_problem_for_programs_and_a_page_for_people(behind: Behind) -> None:
    behind.origin.failures = 9
    problem = await behind.api.get("/v1/download/jobs")
    assert (problem.status_code, problem.headers["content-type"]) == (502, "application/problem+json")
    assert problem.json()["type"] == f"urn:haulage:problem:{problem.json()['error']}"
    assert (problem.headers["cache-control"], problem.headers["retry-after"]) == ("no-store", "5")
    page = await behind.api.get("/", headers={"Accept": "text/html,*/*"})
    assert (page.status_code, page.headers["content-type"]) == (502, "text/html; charset=utf-8")
    assert "can't be reached" in page.text


@pytest.mark.proves("a `start` is limited to 90 s, of which Cloudflare waits 100")
@pytest.mark.parametrize(
    ("sent", "received"),
    [
        (None, "respond-async, wait=90"),
        ("return=minimal", "respond-async, wait=90, return=minimal"),
        ("wait=20", "wait=20"),
        ("respond-async, wait=110", "respond-async, wait=90, respond-async, wait=110"),
    ],
)
async def test_a_start_waits_less_than_cloudflare(behind: Behind, sent: str | None, received: str) -> None:
    headers = {} if sent is None else {"Prefer": sent}
    await behind.api.post(f"/haulage{START}", content=b"body", headers=headers)
    assert behind.origin.header("prefer") == received
    await behind.api.get("/v1/download/jobs", headers=headers)
    assert behind.origin.header("prefer") == sent


async def test_addresses_are_those_of_cloudflare_and_responses_are_passed_on_as_they_are(behind: Behind) -> None:
    await behind.api.get("/", headers={"X-Forwarded-For": "203.0.113.1"})
    assert behind.origin.header("x-forwarded-for") is None
    await behind.api.get("/", headers={"X-Forwarded-For": "203.0.113.1", "CF-Connecting-IP": "198.51.100.7"})
    assert behind.origin.header("x-forwarded-for") == "198.51.100.7"
    assert behind.origin.header("x-forwarded-proto") == "http"
    assert behind.origin.header("cache-control") is None, "no-cache would make a gateway read its database"
    moved = await behind.api.get("/moved")
    assert (moved.status_code, moved.headers["location"]) == (303, "/elsewhere")
