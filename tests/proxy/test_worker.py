"""The Cloudflare Worker in workerd, in front of a server that breaks connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.helpers.fronts import WorkerdFront, in_front
from tests.helpers.listening import listening

START = "/v1/download/start"
pytestmark = pytest.mark.servers


@dataclass
class Origin:
    """A server that closes the connections of its first `failures` requests, and responds to later ones with 200.

    It keeps no connection: the runtime itself repeats what failed on one that was used before.
    """

    failures: int = 0
    heads: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            self.heads.append(head)
            if self.failures:
                self.failures -= 1
                return
            if "\r\ncontent-length: 4\r\n" in head:
                await reader.readexactly(4)
            status = "303 See Other\r\nLocation: /elsewhere" if head.startswith("get /moved") else "200 OK"
            writer.write(f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
            await writer.drain()

    def header(self, name: str) -> str | None:
        """The value of a header of the last request, None without it."""
        lines = [line.split(": ", 1) for line in self.heads[-1].strip().split("\r\n")[1:]]
        return dict(lines).get(name)


@dataclass(frozen=True)
class Behind:
    """The server behind the Worker."""

    origin: Origin
    api: httpx.AsyncClient


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[Behind]:
    origin = Origin()
    async with (
        listening(origin.serve) as target,
        in_front(WorkerdFront(tmp_path / "front"), target) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as api,
    ):
        yield Behind(origin, api)


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
