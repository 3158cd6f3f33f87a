"""Grants in a page of another origin, which has nothing else: the example of docs/examples/embed in a real Chromium."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from playwright.async_api import Page, Request, Route, WebSocket, expect

from app.access.tokens import LEEWAY
from jobs.access import grants
from jobs.files.visibility import Visibility
from jobs.services import Services
from tests.browser.filters import filtering
from tests.browser.sites import free_port, install, npm, started, static
from tests.helpers.bundles import opened
from tests.helpers.catalogue import Catalogue
from tests.helpers.issuers import Issuer, ec_key
from tests.helpers.proxies import Proxy
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FOLDER = "docs/examples/embed"
IDS = [10_000, 10_001, 10_002]
"""The files of the example's grants."""
MIB = 1024**2
PLACEHOLDER = "http://haulage.example"
"""The server's address in the built page, which is replaced by that of the gateway."""
SHORT = 25.0
"""Seconds until the server ends what a short grant allows. It says so at once, since that is soon."""


class App:
    """The page of an app. `lifetimes`: seconds for which its next grants are valid; 300 after these."""

    def __init__(self, tab: Page, origin: str, key: ECKey) -> None:
        self.tab = tab
        self.lifetimes: list[float] = []
        self.expires: list[float] = []
        """When the grants that the page has got expire, in seconds since 1970."""
        self.sockets: list[WebSocket] = []
        self.sent: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        self.requests: list[Request] = []
        self._origin = origin
        self._key = key

    async def open(self, folder: Path, server: str) -> None:
        """Opens the page in this folder, for which Haulage is at `server`."""
        _name_server(folder, server)
        await self.tab.route(f"{self._origin}/grant", self._sign)
        self.tab.on("websocket", self._connected)
        self.tab.on("request", self._requested)
        await self.tab.goto(self._origin)

    def asked(self, path: str) -> int:
        """How often the page has requested this path."""
        return sum(path in request.url for request in self.requests)

    async def goes(self, way: str) -> None:
        await expect(self.tab.locator("output")).to_have_text(way, timeout=15_000)

    async def start(self) -> None:
        """Starts a download, and waits until it has made some progress."""
        await self.tab.get_by_role("button", name="Download my photos").click()
        await expect(self.tab.locator('li[data-status="processing"] progress[value]')).to_be_visible(timeout=15_000)

    async def save(self, to: Path) -> None:
        await expect(self.tab.locator('li[data-status="completed"]')).to_contain_text("photos.zip", timeout=30_000)
        async with self.tab.expect_download() as starting:
            await self.tab.get_by_role("button", name="Save").click()
        await (await starting.value).save_as(to / "saved.zip")
        assert opened((to / "saved.zip").read_bytes()).keys() == {"0.bin", "1.bin", "2.bin", "manifest.json"}

    async def _sign(self, route: Route) -> None:
        seconds = self.lifetimes.pop(0) if self.lifetimes else 300.0
        self.expires.append(time.time() + seconds)
        token = Issuer("portal").token(
            self._key,
            sub="user-7",
            jti="photos",
            exp=int(time.time() + seconds - LEEWAY),
            number=len(self.expires),
            grant={"files": IDS, "archiveName": "photos"},
        )
        await route.fulfill(body=token, content_type="text/plain")

    def _requested(self, request: Request) -> None:
        self.requests.append(request)

    def _connected(self, socket: WebSocket) -> None:
        self.sockets.append(socket)
        socket.on("framesent", lambda text: self.sent.append(json.loads(text)))
        socket.on("framereceived", lambda text: self.received.append(json.loads(text)))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the built page is kept for all tests."""
    return tmp_path_factory.mktemp("built")


@pytest.fixture
async def folder(project: Path, built: Path, tmp_path: Path) -> Path:
    """The folder of the page."""
    if not (built / "index.html").exists():
        await install(project, FOLDER)
        await npm(project, FOLDER, "run", "build", VITE_HAULAGE_SERVER=PLACEHOLDER)
        shutil.copytree(project / FOLDER / "dist", built, dirs_exist_ok=True)
    return Path(shutil.copytree(built, tmp_path / "page"))


@pytest.fixture
def origin(folder: Path) -> Iterator[str]:
    with static(folder) as url:
        yield url


@pytest.fixture
def changes(origin: str) -> dict[str, Any]:
    return {"auth_mode": "required", "cors_origins": (origin,)}


@pytest.fixture
async def files(catalogue: Catalogue) -> None:
    """Files that only their owner and grants may read."""
    for number in range(3):
        data = bytes([number]) * (2 * MIB)
        added = await catalogue.add(data, f"{number}.bin", owner="portal", visibility=Visibility.PRIVATE)
        assert added == IDS[number]


@pytest.fixture
async def app(tab: Page, origin: str, services: Services, files: None) -> App:
    del files
    key = ec_key("k1")
    await grants.add_key(services.database, "k1", "portal", key.as_dict(private=False))
    return App(tab, origin, key)


async def test_a_grant_starts_follows_and_downloads_with_nothing_else(
    app: App, folder: Path, gateway: str, slow_worker: Proxy, tmp_path: Path
) -> None:
    slow_worker.rate = MIB
    await app.open(folder, gateway)
    await app.start()
    await app.goes("live")
    slow_worker.rate = None
    await app.save(tmp_path)
    [socket] = app.sockets
    assert "/v1/download/subscribe?ticket=" in socket.url
    assert {message["type"] for message in app.sent} == {"follow"}
    assert any(0 < message["progress"]["percent"] < 100 for message in app.received if message["type"] == "progress")
    assert len(app.expires) == 1
    assert await app.tab.context.cookies() == []


async def test_a_grant_is_followed_by_an_event_stream_where_websockets_are_refused(
    app: App, folder: Path, gateway: str, slow_worker: Proxy, tmp_path: Path
) -> None:
    slow_worker.rate = MIB
    async with filtering(gateway) as filtered:
        filtered.refused = (b"Upgrade: websocket",)
        await app.open(folder, filtered.url)
        await app.start()
        await app.goes("sse")
        slow_worker.rate = None
        await app.save(tmp_path)
    [stream] = [request.url for request in app.requests if "/v1/download/stream" in request.url]
    assert "&ticket=" in stream


async def test_a_grant_expires_midway_without_a_visible_break(
    app: App, folder: Path, gateway: str, slow_worker: Proxy, tmp_path: Path
) -> None:
    slow_worker.rate = 0.03 * MIB
    app.lifetimes = [SHORT]
    await app.open(folder, gateway)
    await app.start()
    await app.goes("live")
    await _watch(app.tab)
    await _until_expired(app)
    await expect(app.tab.locator("output")).to_have_text("live")
    assert not app.sockets[0].is_closed()
    slow_worker.rate = None
    await app.save(tmp_path)
    assert len(app.sockets) == 1
    assert [message["type"] for message in app.received].count("reauth") == 1
    types = [message["type"] for message in app.sent]  # after a silence the client also follows again, as a probe
    assert (types.count("reauth"), set(types)) == (1, {"follow", "reauth"})
    assert len(app.expires) == 2
    assert app.asked("/v1/access/tickets") == 1
    known = 0
    for message in app.received:
        if "seq" in message:
            assert message["since"] <= known
            known = message["seq"]
    assert app.received[-1]["type"] == "completed"
    assert set(await app.tab.evaluate("seen")) <= {"live", "idle"}


async def test_an_event_stream_is_replaced_before_its_grant_expires(
    app: App, folder: Path, gateway: str, slow_worker: Proxy, tmp_path: Path
) -> None:
    slow_worker.rate = 0.03 * MIB
    app.lifetimes = [SHORT]
    async with filtering(gateway) as filtered:
        filtered.refused = (b"Upgrade: websocket",)
        await app.open(folder, filtered.url)
        await app.start()
        await app.goes("sse")
        await _watch(app.tab)
        await _until_expired(app)
        await expect(app.tab.locator("output")).to_have_text("sse")
        slow_worker.rate = None
        await app.save(tmp_path)
    assert app.asked("/v1/download/stream") == 2
    assert len(app.expires) == 2
    assert set(await app.tab.evaluate("seen")) <= {"sse", "idle"}


async def test_the_page_is_told_within_three_seconds_that_its_grant_was_revoked_and_stops(
    app: App, folder: Path, gateway: str, services: Services, slow_worker: Proxy
) -> None:
    slow_worker.rate = 0.03 * MIB
    await app.tab.clock.install()
    await app.open(folder, gateway)
    await app.start()
    await app.goes("live")
    before = len(app.requests)
    assert await grants.revoke_key(services.database, "k1")
    await expect(app.tab.get_by_text("Your access has ended.")).to_be_visible(timeout=3_000)
    await app.goes("idle")
    # Both grants are refused: that of the page, and the only other one that it gets from the app.
    paths = [request.url.partition("/v1/")[2] for request in app.requests[before:] if "/v1/" in request.url]
    assert paths == ["access/tickets"] * 2
    assert len(app.expires) == 2
    stopped = len(app.requests)
    await app.tab.clock.fast_forward("10:00")
    await app.goes("idle")
    assert len(app.requests) == stopped
    assert len(app.sockets) == 1


@pytest.mark.usefixtures("files", "worker")
async def test_the_app_of_the_example_signs_grants_for_its_page(
    tab: Page, services: Services, project: Path, folder: Path, tmp_path: Path
) -> None:
    del folder  # it has installed the example
    key, port = ec_key("k1"), free_port()
    (tmp_path / "app.pem").write_bytes(key.as_pem(private=True))
    await grants.add_key(services.database, "k1", "portal", key.as_dict(private=False))
    origin = f"http://127.0.0.1:{port}"
    async with serving(with_changes(services.settings, cors_origins=(origin,))) as gateway:
        await npm(project, FOLDER, "run", "build", VITE_HAULAGE_SERVER=gateway)
        environment = {"APP_KEY": str(tmp_path / "app.pem"), "APP_KEY_ID": "k1", "PORT": str(port)}
        async with started(project, FOLDER, port, **environment):
            await tab.goto(origin)
            app = App(tab, origin, key)
            await tab.get_by_role("button", name="Download my photos").click()
            await app.save(tmp_path)
    rows = await services.database.fetch("SELECT owner FROM jobs")
    assert [row["owner"] for row in rows] == ["app:portal|user-7"]


def _name_server(folder: Path, server: str) -> None:
    for script in folder.glob("assets/*.js"):
        script.write_text(script.read_text().replace(PLACEHOLDER, server))


async def _until_expired(app: App) -> None:
    """Waits until the first grant has expired, and the hub has seen that: it looks once a second."""
    await asyncio.sleep(app.expires[0] + 2 - time.time())
    await expect(app.tab.locator('li[data-status="processing"]')).to_be_visible()


async def _watch(tab: Page) -> None:
    """Keeps what the page says of its connection in `seen`."""
    await tab.evaluate(
        """() => {
            const output = document.querySelector("output");
            window.seen = [output.textContent];
            const observer = new MutationObserver(() => window.seen.push(output.textContent));
            observer.observe(output, { characterData: true, childList: true, subtree: true });
        }"""
    )
