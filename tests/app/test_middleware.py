"""What every answer has in common: request id, security headers, problems, limits, host names, CORS."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from tests.app.shared import Shared, link, problem
from tests.helpers.jobs import create
from tests.helpers.raw_http import raw_client
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")

INITIATE = "/v1/download/initiate"
UNKNOWN = f"/v1/download/job/{UUID(int=7)}"
SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


@pytest.mark.parametrize("given", ["abc-123", "a" * 128, "00-4bf92f3577b34da6a3ce929d0e0e4736-01"])
async def test_a_request_id_is_echoed(shared: Shared, given: str) -> None:
    for path in ("/health/live", UNKNOWN):
        answer = await shared.api.get(path, headers={"X-Request-ID": given})
        assert answer.headers.get_list("x-request-id") == [given]


async def test_browsers_are_told_to_use_https_where_that_is_the_public_address(shared: Shared) -> None:
    assert "strict-transport-security" not in (await shared.api.get("/health/live")).headers
    settings = with_changes(shared.settings, public_url="https://site.example", port=0)
    async with serving(settings) as gateway, httpx.AsyncClient() as client:
        for path in ("/health/live", "/nothing"):
            answer = await client.get(f"{gateway}{path}", headers={"Host": "site.example"})
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
        async with raw_client(gateway) as raw:  # refused before there is a request
            await raw.send(b"FOO / HTTP/1.1\r\n\r\n")
            refused = await raw.answer()
        assert (refused.status, refused.headers["strict-transport-security"]) == (400, "max-age=31536000")


@pytest.mark.parametrize("given", ["", "a b", "a" * 129, "<script>", "é"])
async def test_an_invalid_request_id_is_replaced(shared: Shared, given: str) -> None:
    answer = await shared.api.get("/health/live", headers=[(b"X-Request-ID", given.encode())])
    assert UUID(answer.headers["x-request-id"])


async def test_every_response_has_the_security_headers(shared: Shared) -> None:
    job = await shared.completed()
    etag = (await shared.api.get(link(job))).headers["etag"]
    answers = {
        200: await shared.api.get("/health/live"),
        202: await shared.api.post(INITIATE, json={"file_ids": [10_000]}),
        303: await shared.api.get(link(job, "/file")),
        304: await shared.api.get(link(job), headers={"If-None-Match": etag}),
        400: await shared.api.get("/docs", headers={"Host": "evil.example"}),
        404: await shared.api.get("/nothing"),
        405: await shared.api.put("/health"),
        204: await shared.api.delete(link(job, "/bundle")),
    }
    assert {answer.status_code for answer in answers.values()} == set(answers)
    docs = await shared.api.get("/docs")
    assets = re.findall(r'(?:src|href)="(/(?:static|assets)/[^"]+)"', docs.text)
    pages = [docs, *[await shared.api.get(path) for path in ("/static/page.css", *assets)]]
    for answer in [*answers.values(), *pages, await shared.api.get("/", headers={"Accept": "text/html"})]:
        assert SECURITY.items() <= dict(answer.headers).items()
        assert len(answer.headers.get_list("content-security-policy")) == 1
        assert "server" not in answer.headers
        assert UUID(answer.headers["x-request-id"])


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", "[::1", "a b", "127.0.0.1:80@evil"])
async def test_a_wrong_host_is_refused(shared: Shared, host: str) -> None:
    for path in ("/docs", "/health/other", "/v1/download/jobs"):
        problem(await shared.api.get(path, headers={"Host": host}), 400, "wrong_host")


@pytest.mark.parametrize("host", ["10.42.8.201:8080", "haulage-7d9f.pods.svc", "[fd00::1]:8080", ""])
async def test_health_is_reported_under_every_name(shared: Shared, host: str) -> None:
    """Kubernetes and load balancers probe the address of a pod."""
    for path in ("/health", "/health/live", "/health/ready"):
        answer = await shared.api.get(path, headers={"Host": host})
        assert answer.status_code == 200
        assert (await shared.api.head(path, headers={"Host": host})).status_code == answer.status_code


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "[::1]:8080", "127.0.0.1", "localhost.:80"])
async def test_allowed_hosts_are_served_on_any_port(shared: Shared, host: str) -> None:
    assert (await shared.api.get("/docs", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", INITIATE, {"POST"}),
        ("PUT", UNKNOWN, {"GET", "HEAD", "DELETE"}),
        ("GET", f"{UNKNOWN}/retry", {"POST"}),
        ("POST", f"{UNKNOWN}/bundle", {"DELETE"}),
        ("OPTIONS", f"{UNKNOWN}/file", {"GET", "HEAD"}),
        ("POST", "/openapi.json", {"GET", "HEAD"}),
        ("POST", "/static/page.css", {"GET", "HEAD"}),
        ("DELETE", "/", {"GET", "HEAD"}),
    ],
)
async def test_a_wrong_method_returns_405_with_allow(shared: Shared, method: str, path: str, allowed: set[str]) -> None:
    answer = problem(await shared.api.request(method, path), 405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    "path", ["/nothing", "/v1/download/initiate/", "/static/no.css", "/static/..%2f..%2fgateway.py", "/%C3%BC%00"]
)
async def test_an_unknown_path_returns_a_problem(shared: Shared, path: str) -> None:
    answer = problem(await shared.api.get(path), 404, "not_found")
    assert answer.json()["instance"].isascii()


@pytest.mark.parametrize("media_type", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
async def test_a_body_without_json_media_type_is_refused(shared: Shared, media_type: str | None) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    for path in (INITIATE, "/v1/download/check", "/v1/download/start"):
        answer = await shared.api.post(path, content=b'{"file_id": 10000}', headers=headers)
        problem(answer, 415, "unsupported_media_type")


async def test_other_json_media_types_are_accepted(shared: Shared) -> None:
    for media_type in ("application/json; charset=utf-8", "Application/JSON", "application/vnd.haulage+json"):
        answer = await shared.api.post(INITIATE, content=b'{"file_ids": [10000]}', headers={"Content-Type": media_type})
        assert answer.status_code == 202


async def test_a_body_announced_as_too_large_is_refused_unread(shared: Shared) -> None:
    """Only the head is sent: an answer to it proves that nobody waited for the body."""
    address = urlsplit(str(shared.api.base_url))
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = (
        f"POST {INITIATE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9999999\r\n"
    )
    writer.write(f"{head}\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"body_too_large" in answer


async def test_an_endless_body_is_refused_while_it_streams(shared: Shared) -> None:
    """The body never ends: an answer proves that it was refused on the way."""
    address = urlsplit(str(shared.api.base_url))
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    head = f"POST {INITIATE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    size = shared.settings.max_body_bytes + 1
    writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\n{size:x}\r\n".encode() + b" " * size + b"\r\n")
    answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"body_too_large" in answer


async def test_a_client_that_disconnects_within_its_body_is_not_a_bug(shared: Shared) -> None:
    address = urlsplit(str(shared.api.base_url))
    with capture_logs() as lines:
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        head = f"POST {INITIATE} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
        writer.write(f"{head}\r\n{{".encode())
        await writer.drain()
        await shared.api.get("/health/live")
        writer.close()
        while not any(line.get("path") == INITIATE for line in lines):
            await shared.api.get("/health/live")
    assert [line["event"] for line in lines if line["log_level"] not in {"debug", "info"}] == []
    assert [line["status"] for line in lines if line.get("path") == INITIATE] == [499]


async def test_a_request_that_takes_too_long_gets_504(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    async with (
        serving(with_changes(shared.settings, request_timeout=0.2)) as url,
        httpx.AsyncClient(base_url=url) as api,
    ):
        answer = problem(await api.get(link(job), headers={"Prefer": "wait=20"}), 504, "request_timeout")
        assert answer.headers["retry-after"]


async def test_a_bug_returns_a_problem_without_details(shared: Shared) -> None:
    async with shared.services.database.begin() as connection:
        await connection.execute(text("ALTER TABLE stored_files RENAME TO hidden_files"))
    try:
        with capture_logs() as lines:
            answer = problem(await shared.api.get("/v1/download/files"), 500, "internal")
    finally:
        async with shared.services.database.begin() as connection:
            await connection.execute(text("ALTER TABLE hidden_files RENAME TO stored_files"))
    assert "stored_files" not in answer.text
    assert [line["event"] for line in lines] == ["request_failed", "request"]


async def test_foreign_origins_get_no_cors_headers_by_default(shared: Shared) -> None:
    answer = await shared.api.get("/health/live", headers={"Origin": "https://app.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_allowed_origins_may_read_every_response(shared: Shared) -> None:
    origin = "https://app.example"
    settings = with_changes(shared.settings, cors_origins=(origin,), max_body_bytes=100)
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as api:
        preflight = await api.options(
            INITIATE,
            headers={
                "Origin": origin,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "content-type, idempotency-key",
            },
        )
        assert preflight.status_code == 200
        assert "POST" in preflight.headers["access-control-allow-methods"]
        answers = [
            preflight,
            await api.get("/health/live", headers={"Origin": origin}),
            await api.get(UNKNOWN, headers={"Origin": origin}),
            await api.post(INITIATE, json={"file_ids": list(range(10_000, 10_100))}, headers={"Origin": origin}),
        ]
        assert [answer.status_code for answer in answers] == [200, 200, 404, 413]
        for answer in answers:
            assert answer.headers["access-control-allow-origin"] == origin
            assert answer.headers["x-request-id"]
        other = await api.get("/health/live", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
