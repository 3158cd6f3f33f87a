"""The gateway behind the real nginx and Caddy: below a path or not, which they remove or not, under any `Host`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin, Subprotocol

from jobs.services import Services
from tests.helpers.catalogue import Catalogue
from tests.helpers.reverse_proxies import in_front
from tests.helpers.running import serving
from tests.helpers.settings import with_changes
from tests.helpers.sites import PROXIES, Caddy, Nginx, ProxyName, Site

SITES = {
    "whole site": Site(),
    "path kept": Site("/haulage"),
    "path removed": Site("/haulage", removes_root=True),
    "path removed, other Host": Site("/haulage", removes_root=True, host="gateway.internal"),
    "other Host": Site(host="gateway.internal"),
}


@dataclass(frozen=True)
class Behind:
    """A gateway behind a proxy. `origin` is that of its pages, `root` its root path."""

    api: httpx.AsyncClient
    origin: str
    root: str


@pytest.fixture(params=SITES)
def site(request: pytest.FixtureRequest) -> Site:
    return SITES[request.param]


@pytest.fixture(params=PROXIES)
async def behind(
    request: pytest.FixtureRequest, tmp_path: Path, services: Services, site: Site
) -> AsyncIterator[Behind]:
    name: ProxyName = request.param
    proxy = PROXIES[name](tmp_path, site)
    changes = {"public_url": proxy.url, "trusted_proxies": "127.0.0.1", "allowed_hosts": site.host or ""}
    async with (
        serving(with_changes(services.settings, **changes)) as gateway,
        in_front(proxy, gateway) as url,
        httpx.AsyncClient(base_url=url) as api,
    ):
        yield Behind(api, url.removesuffix(site.root), site.root)


@pytest.mark.usefixtures("worker")
async def test_a_browser_and_a_program_reach_everything(behind: Behind, catalogue: Catalogue) -> None:
    file_id = await catalogue.add(b"hello", "a.txt")
    at_origin = httpx.AsyncClient(base_url=behind.origin)
    accepted = await behind.api.post("/v1/download/initiate", json={"file_ids": [file_id], "archiveName": "a"})
    job = accepted.headers["location"]
    assert job.startswith(f"{behind.root}/v1/download/job/")
    job_id = job.rpartition("/")[2]
    websockets = f"{behind.origin.replace('http', 'ws', 1)}{behind.root}/v1/download/subscribe"
    async with connect(
        f"{websockets}/{job_id}",
        origin=Origin(behind.origin),
        subprotocols=[Subprotocol("haulage.v1")],
        proxy=None,
    ) as websocket:
        messages = [str(message) async for message in websocket]
    assert websocket.close_code == 1000
    assert '"completed"' in messages[-1]
    async with at_origin:
        stream = await at_origin.get(f"{behind.root}/v1/download/stream/{job_id}")
        assert "event: completed" in stream.text
        assert stream.headers["content-type"].startswith("text/event-stream")
        status = (await at_origin.get(job)).json()
        file = await at_origin.get(status["links"]["file"])
        async with httpx.AsyncClient() as store:
            assert (await store.get(file.headers["location"])).content[:2] == b"PK"
        for path in ("/", "/docs", f"/jobs/{job_id}"):
            page = await at_origin.get(behind.root + path, headers={"Accept": "text/html"})
            for found in re.findall(r'(?:src|href)="([^"#]*)"', page.text):
                assert (await at_origin.get(found)).status_code == 200, found
        document = (await behind.api.get("/openapi.json")).json()
        assert document["servers"] == [{"url": behind.origin + behind.root}]
        if behind.root:
            redirect = await at_origin.get(behind.root)
            assert (redirect.status_code, redirect.headers["location"]) == (308, f"{behind.root}/")

    async with connect(websockets, origin=Origin("https://evil.example"), proxy=None) as foreign:
        with pytest.raises(ConnectionClosed):
            await foreign.recv()
    assert foreign.close_code == 4403


def _row(site: Site) -> str:
    """The line of the table in docs/proxies.md."""
    url = f"https://site.example{site.root}"
    removed = ("yes" if site.removes_root else "no") if site.root else "no path"
    settings = f"`PUBLIC_URL={url}`" + (f", `ALLOWED_HOSTS={site.host}`" if site.host else "")
    host = f"`{site.host}`" if site.host else "the client's"
    return f"| `{url}` | {removed} | {host} | {settings} | nginx, Caddy |"


def test_the_documented_table_has_what_is_tested(project: Path) -> None:
    page = (project / "docs" / "proxies.md").read_text(encoding="utf-8")
    table = page.partition("| people open |")[2].partition("\n\n")[0].splitlines()[2:]
    assert table == [_row(site) for site in SITES.values()]


@pytest.mark.servers
@pytest.mark.parametrize(
    ("language", "site"), [("nginx", Site("/haulage")), ("caddyfile", Site("/haulage", removes_root=True))]
)
def test_the_documented_configurations_are_those_that_are_tested(
    project: Path, tmp_path: Path, language: str, site: Site
) -> None:
    page = (project / "docs" / "proxies.md").read_text(encoding="utf-8")
    [block] = re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)
    proxy = (Nginx if language == "nginx" else Caddy)(tmp_path, site)
    proxy.targets = ["http://127.0.0.1:8080"]
    tested = [line.strip() for line in proxy.configuration()["proxy.conf"].splitlines()]
    documented = [line.strip() for line in block.splitlines() if not line.startswith("site.example")]
    remaining = iter(tested)
    assert [line for line in documented if line not in remaining] == [], "these lines are not tested in this order"
