"""A gateway below a path, and behind proxies that change paths and `Host`: what it serves, and where its links lead."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from app.close_codes import CloseCode
from app.gateway import Gateway
from jobs.errors import InvalidRequest
from jobs.settings import Settings
from tests.app.cli.processes import Cli
from tests.app.shared import Shared, problem
from tests.helpers.jobs import create
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT = "/haulage/a"
HTML = {"Accept": "text/html"}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def below(shared: Shared) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway with a root path."""
    async with serving(with_changes(shared.settings, root_path=ROOT)) as url, httpx.AsyncClient(base_url=url) as api:
        yield api


@pytest.fixture(params=["kept", "removed"])
def path_of(request: pytest.FixtureRequest) -> Any:
    """The path of a request after a proxy that keeps the root path, or removes it."""
    return lambda path: path if request.param == "kept" else path.removeprefix(ROOT)


async def test_links_in_responses_start_with_the_root_path(
    below: httpx.AsyncClient, shared: Shared, path_of: Any
) -> None:
    accepted = await below.post(
        path_of(f"{ROOT}/v1/download/initiate"), json={"file_ids": [10_000], "archiveName": "a"}
    )
    job = f"{ROOT}/v1/download/job/{accepted.json()['jobId']}"
    assert accepted.status_code == 202
    assert accepted.headers["location"] == accepted.json()["links"]["self"] == job
    for path in (job, f"{job}?since=0"):
        assert (await below.get(path_of(path))).json()["links"]["file"] == f"{job}/file"
    for _ in range(3):  # the last ones are served from memory
        status = (await below.get(path_of(job))).json()
        assert status["links"]["downloadUrl"] == f"{job}/download-url"
    assert (await below.post(path_of(f"{job}/retry"))).json()["instance"] == f"{job}/retry"
    first = await below.get(path_of(f"{ROOT}/v1/download/jobs?limit=1"))
    assert first.json()["jobs"][0]["links"]["self"] == job
    await create(shared.services, 10_000)
    first = await below.get(path_of(f"{ROOT}/v1/download/jobs?limit=1"))
    following = re.fullmatch(r'<(.*)>; rel="next"', first.headers["link"])
    assert following is not None
    assert following[1].startswith(f"{ROOT}/v1/download/jobs?")
    assert (await below.get(path_of(following[1]))).json()["jobs"][0]["jobId"] == accepted.json()["jobId"]
    links = (await below.get(path_of(f"{ROOT}/"))).json()["links"]
    for link in (links["openapi"], links["docs"], links["health"]):
        assert link.startswith(ROOT)
        assert (await below.get(path_of(link))).status_code == 200
    dead = await shared.dead()
    listed = (await below.get(path_of(f"{ROOT}/v1/download/dead"))).json()["jobs"]
    assert listed[0]["links"]["self"] == f"{ROOT}/v1/download/job/{dead.id}"


async def test_pages_and_what_they_load_are_below_the_root_path(below: httpx.AsyncClient, path_of: Any) -> None:
    for path in ("/", "/docs", "/jobs/whatever", ""):
        page = await below.get(path_of(ROOT + path) or "/", headers=HTML)
        assert page.status_code == 200
        paths = re.findall(r'(?:src|href|data-root)="([^"#]*)"', page.text)
        assert len(paths) > 3
        for found in paths:
            assert found.startswith(f"{ROOT}/"), found
            assert (await below.get(path_of(found))).status_code == 200, found
    assert (await below.get(path_of(f"{ROOT}/openapi.json"))).json()["servers"] == [{"url": ROOT}]


async def test_other_paths_are_not_found(below: httpx.AsyncClient, path_of: Any) -> None:
    missing = problem(await below.get(path_of(f"{ROOT}/nothing")), 404, "not_found").json()
    assert (missing["instance"], missing["detail"]) == (
        f"{ROOT}/nothing",
        f"The path {ROOT}/nothing does not exist. See {ROOT}/openapi.json for all paths.",
    )
    asset = problem(await below.get(path_of(f"{ROOT}/static/none.js")), 404, "not_found").json()
    assert f"See {ROOT}/openapi.json" in asset["detail"]
    for path in ("/haulage/about", "/haulage", f"{ROOT}x/docs"):
        assert (await below.get(path)).status_code == 404


async def test_health_is_reported_with_and_without_the_root_path(below: httpx.AsyncClient) -> None:
    for path in ("/health/live", f"{ROOT}/health/live", f"{ROOT}/health/ready"):
        assert (await below.get(path, headers={"Host": "10.42.8.201:8080"})).status_code == 200
    problem(await below.get(f"{ROOT}/docs", headers={"Host": "10.42.8.201:8080"}), 400, "wrong_host")


async def test_streams_work_below_the_root_path(below: httpx.AsyncClient, shared: Shared, path_of: Any) -> None:
    job = await shared.completed()
    async with below.stream("GET", path_of(f"{ROOT}/v1/download/stream/{job.id}")) as stream:
        text = (await stream.aread()).decode()
    assert f'"self":"{ROOT}/v1/download/job/{job.id}"' in text
    url = str(below.base_url).replace("http", "ws", 1).rstrip("/")
    async with connect(url + path_of(f"{ROOT}/v1/download/subscribe/{job.id}"), proxy=None) as websocket:
        assert f'"self":"{ROOT}/v1/download/job/{job.id}"' in str(await websocket.recv())


@pytest.mark.parametrize("root", ["/v1", "/jobs/a", "/health", "/static", "/openapi.json"])
async def test_a_root_path_like_a_path_of_the_gateway_is_refused(shared: Shared, root: str) -> None:
    with pytest.raises(InvalidRequest, match="ROOT_PATH must not start with /"):
        Gateway(with_changes(shared.settings, root_path=root))


async def test_the_public_url_is_in_absolute_links(shared: Shared) -> None:
    settings = with_changes(shared.settings, public_url="https://Site.example/haulage/")
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as api:
        document = (await api.get("/openapi.json", headers={"Host": "site.example"})).json()
        assert document["servers"] == [{"url": "https://site.example/haulage"}]
        accepted = await api.post("/v1/download/initiate", json={"file_ids": [10_000]})
        assert accepted.headers["location"].startswith("/haulage/v1/")


@dataclass(frozen=True)
class Handshake:
    """A WebSocket handshake, and whether it is accepted. A proxy may send any `Host`."""

    host: str
    origin: str
    accepted: bool


@pytest.mark.parametrize(
    ("changes", "handshakes"),
    [
        (
            {"public_url": "https://site.example/haulage", "allowed_hosts": ("gateway.internal",)},
            [
                Handshake("gateway.internal:8080", "https://site.example", accepted=True),
                Handshake("site.example", "https://site.example", accepted=True),
                Handshake("site.example:443", "https://SITE.example", accepted=True),
                Handshake("gateway.internal:8080", "http://gateway.internal:8080", accepted=True),
                Handshake("gateway.internal:8080", "http://site.example", accepted=False),
                Handshake("gateway.internal:8080", "https://site.example.evil.example", accepted=False),
                Handshake("site.example", "https://evil.example", accepted=False),
            ],
        ),
        (
            {"allowed_hosts": ("site.example",), "cors_origins": ("https://*.app.example", "https://b.example")},
            [
                Handshake("site.example:443", "https://site.example", accepted=True),
                Handshake("site.example:80", "http://site.example", accepted=True),
                Handshake("site.example", "https://x.y.app.example", accepted=True),
                Handshake("site.example", "https://b.example", accepted=True),
                Handshake("site.example:8080", "https://site.example", accepted=False),
                Handshake("site.example", "https://app.example", accepted=False),
                Handshake("site.example", "http://x.app.example", accepted=False),
                Handshake("site.example", "https://evil.example/.app.example", accepted=False),
            ],
        ),
    ],
)
async def test_only_pages_of_the_public_url_and_of_allowed_origins_open_websockets(
    shared: Shared, changes: dict[str, Any], handshakes: list[Handshake]
) -> None:
    async with serving(with_changes(shared.settings, **changes)) as url:
        port = int(url.rpartition(":")[2])
        for it in handshakes:
            code = await _close_code(port, it)
            assert code == (None if it.accepted else CloseCode.FORBIDDEN.code), it


async def _close_code(port: int, handshake: Handshake) -> int | None:
    """The code with which a WebSocket is closed at once; None if it stays open."""
    address = f"ws://{handshake.host}/v1/download/subscribe"
    origin = Origin(handshake.origin)
    async with connect(address, host="127.0.0.1", port=port, origin=origin, proxy=None) as websocket:
        try:
            await websocket.send("hello")
            await websocket.recv()
        except ConnectionClosed:
            return websocket.close_code
        return None


async def test_wildcards_stand_for_names_below(shared: Shared) -> None:
    settings = with_changes(
        shared.settings, allowed_hosts=("*.site.example",), cors_origins=("https://*.app.example", "https://b.example")
    )
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as api:
        for host, status in {
            "a.site.example:80": 200,
            "A.B.site.example": 200,
            "site.example": 400,
            "asite.example": 400,
            ".site.example": 400,
            "a/.site.example": 400,
            "127.0.0.1": 400,
        }.items():
            assert (await api.get("/docs", headers={"Host": host})).status_code == status, host
        for origin, allowed in {
            "https://a.b.app.example": "https://a.b.app.example",
            "https://b.example": "https://b.example",
            "https://app.example": None,
            "http://a.app.example": None,
            "https://a.app.example.evil.example": None,
        }.items():
            answer = await api.get("/health/live", headers={"Origin": origin})
            assert answer.headers.get("access-control-allow-origin") == allowed, origin


async def test_settings_of_the_address_survive_a_copy(shared: Shared) -> None:
    settings = with_changes(shared.settings, public_url="https://site.example/a")
    assert Settings(**settings.model_dump()) == settings
    assert settings.root_path == "/a"


@pytest.mark.parametrize("end", ["", "/"])
async def test_the_command_line_uses_a_server_below_a_path(
    below: httpx.AsyncClient, shared: Shared, tmp_path: Path, end: str
) -> None:
    job = await create(shared.services, 10_000)
    cli = Cli(tmp_path, {"HAULAGE_SERVER": f"{str(below.base_url).rstrip('/')}{ROOT}{end}"})
    shown = (await cli("jobs", "show", job.id, "--json")).json
    assert str(shown).count(f"{ROOT}/v1/download/job/{job.id}/file") == 1
    assert (await cli("jobs", "cancel", job.id)).code == 0
