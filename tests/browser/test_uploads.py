"""Uploads from a real Chromium: killed and continued, with a file that has changed, and over a line that breaks parts."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from pathlib import Path
from zlib import crc32

import httpx
import pytest
from playwright.async_api import BrowserContext, Error, Locator, Page, Playwright, Route, async_playwright, expect

from jobs.services import Services
from jobs.storage.part_signing import LIFETIME, PartSigner, SignedPut
from jobs.uploads.uploads import MIB
from tests.browser.chromiums import find
from tests.browser.sites import npm
from tests.helpers.eventually import eventually
from tests.helpers.part_proxy import PartProxy, Put, part_proxy
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

SITE = Path(__file__).parent / "uploads"
PART = 8 * MIB
SIZE = int(os.environ.get("HAULAGE_TEST_UPLOAD_SIZE", 8 * PART))
"""Bytes of the file whose upload is interrupted."""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300 + SIZE / 2_000_000)]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("library")


@pytest.fixture
async def site(project: Path, library: Path) -> Path:
    """A page that uses the built library."""
    if not (library / "uploads.js").exists():
        build = ("vite", "build", "--config", "vite.library.config.ts", "--outDir", str(library), "--logLevel", "warn")
        await npm(project, "frontend", "exec", "--", *build)
        shutil.copytree(SITE, library, dirs_exist_ok=True)
    return library


@pytest.fixture
async def store(services: Services) -> AsyncIterator[PartProxy]:
    """A proxy through which browsers reach the store."""
    await services.storage.bucket.ensure()  # with its CORS rule
    async with part_proxy(services.settings.s3_endpoint) as proxy:
        yield proxy


@pytest.fixture
async def server(services: Services, store: PartProxy, worker: None) -> AsyncIterator[str]:
    """A gateway whose links lead through the proxy."""
    del worker
    async with serving(with_changes(services.settings, s3_public_endpoint=store.url)) as url:
        yield url


@pytest.fixture
async def playwright() -> AsyncIterator[Playwright]:
    async with async_playwright() as running:
        yield running


class Uploader:
    """A Chromium with a profile, which shows the page of uploads under the policy of the gateway's own page."""

    def __init__(self, playwright: Playwright, server: str, site: Path, profile: Path) -> None:
        self._playwright = playwright
        self._server = server
        self._site = site
        self._profile = profile
        self.violations: list[str] = []

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Page]:
        chromium = find()
        context = await self._playwright.chromium.launch_persistent_context(
            self._profile,
            executable_path=chromium.path,
            # Playwright serves the page, so that Chromium does not know it to be of this machine, as the store is.
            args=["--no-sandbox", "--disable-dev-shm-usage", "--disable-features=LocalNetworkAccessChecks"],
            env={**os.environ, **chromium.environment},
        )
        try:
            yield await self._page(context)
        finally:
            with suppress(Error):  # it was killed
                await context.close()

    async def _page(self, context: BrowserContext) -> Page:
        async with httpx.AsyncClient() as client:
            front = await client.get(self._server, headers={"Accept": "text/html"})
        policy = front.headers["content-security-policy"]

        async def respond(route: Route) -> None:
            path = self._site / route.request.url.partition("/uploads-test/")[2]
            await route.fulfill(path=path, headers={"Content-Security-Policy": policy, "Content-Type": _type_of(path)})

        await context.route("**/uploads-test/**", respond)
        page = await context.new_page()
        page.on(
            "console",
            lambda message: self.violations.append(message.text) if "Security Policy" in message.text else None,
        )
        page.on("pageerror", lambda error: self.violations.append(str(error)))
        await page.goto(f"{self._server}/uploads-test/index.html")
        return page

    def kill(self) -> None:
        """Kills the browser, with no time to end anything."""
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if str(self._profile).encode() in command and b"--type=" not in command:
                os.kill(int(process.name), signal.SIGKILL)


def _type_of(path: Path) -> str:
    return "text/html" if path.suffix == ".html" else "text/javascript"


@pytest.fixture
async def uploader(playwright: Playwright, server: str, site: Path, tmp_path: Path) -> AsyncIterator[Uploader]:
    found = Uploader(playwright, server, site, tmp_path / "profile")
    yield found
    assert found.violations == []


def row(page: Page, state: str) -> Locator:
    return page.locator(f'li[data-state="{state}"]')


def written(path: Path, size: int) -> Path:
    with path.open("wb") as file:
        for _ in range(-(-size // MIB)):
            file.write(os.urandom(min(MIB, size - file.tell())))
    return path


def crc32_of(path: Path) -> int:
    found = 0
    with path.open("rb") as file:
        while piece := file.read(MIB):
            found = crc32(piece, found)
    return found


async def until_completed(page: Page) -> int:
    """The id of the file in the catalogue."""
    await expect(row(page, "completed")).to_have_count(1, timeout=60_000 + SIZE / 2_000)
    return int(str(await row(page, "completed").get_attribute("data-file-id")))


class Valve:
    """Lets this many parts pass to the store, and holds back the others until it is opened."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._opened = asyncio.Event()

    async def __call__(self, _: int) -> None:
        if self._left:
            self._left -= 1
        else:
            await self._opened.wait()

    def open(self) -> None:
        self._opened.set()


async def until_known(server: str, count: int) -> None:
    """The server knows of so many parts of the only open upload."""

    async def known() -> bool:
        async with httpx.AsyncClient(base_url=server) as api:
            jobs = (await api.get("/v1/upload/jobs?status=receiving")).json()["jobs"]
            if not jobs:
                return False
            parts = (await api.get(f"/v1/upload/{jobs[0]['jobId']}/parts")).json()["parts"]
        return bool(sum(part["sent"] for part in parts) == count)

    await eventually(known, patience=60)


async def bundled(server: str, ids: list[int], to: Path) -> Path:
    """A bundle of these files, fetched."""
    async with httpx.AsyncClient(base_url=server, timeout=60) as api:
        job = (await api.post("/v1/download/initiate", json={"file_ids": ids, "archiveName": "b"})).json()["jobId"]

        async def ready() -> bool:
            status = (await api.get(f"/v1/download/job/{job}", headers={"Cache-Control": "no-cache"})).json()
            assert status["status"] not in {"failed", "cancelled"}, status
            return bool(status["status"] == "completed")

        await eventually(ready, patience=120)
        async with api.stream("GET", f"/v1/download/job/{job}/file", follow_redirects=True) as response:
            assert response.status_code == 200
            with to.open("wb") as file:
                async for piece in response.aiter_bytes():
                    file.write(piece)
    return to


async def unzip(option: str, path: Path) -> str:
    command = ["unzip", option, str(path)]
    done = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, text=True)
    return str(done.stdout)


async def test_a_killed_browser_sends_less_than_a_tenth_again(
    uploader: Uploader, server: str, store: PartProxy, tmp_path: Path
) -> None:
    path = written(tmp_path / "film.bin", SIZE)
    before_kill = round(0.4 * SIZE / PART)
    # In a small file, the parts that are on their way would be more than a tenth: they are held back.
    valve = Valve(before_kill if SIZE < 2**30 else SIZE)
    store.before = valve
    async with uploader.opened() as page:
        await page.set_input_files("#add", path)
        await store.until_accepted(before_kill)
        if SIZE < 2**30:
            await until_known(server, before_kill)
        uploader.kill()
        store.cut()
    before = list(store.statuses)
    async with uploader.opened() as page:
        await expect(row(page, "needs-file")).to_contain_text("film.bin")
        valve.open()
        await page.set_input_files("#pick", path)
        first = await until_completed(page)
    print(f"{store.received - SIZE:,} of {SIZE:,} bytes were sent again")  # noqa: T201 - shown by pytest -s
    if SIZE < 2**30:
        known = {number for number, status in before if status == 200}
        assert not known & {number for number, _ in store.statuses[len(before) :]}, store.statuses
    # A part that a busy machine has taken too long for is sent again, which is more than a tenth of a small file.
    assert store.received <= SIZE + max(PART, 0.1 * SIZE), store.statuses
    other = written(tmp_path / "other.bin", 1000)
    async with uploader.opened() as page:
        await page.set_input_files("#add", other)
        second = await until_completed(page)
    bundle = await bundled(server, [first, second], tmp_path / "b.zip")
    await unzip("-tq", bundle)
    listed = await unzip("-v", bundle)
    assert f"{crc32_of(path):08x}" in listed
    assert f"{crc32_of(other):08x}" in listed


async def test_a_file_that_has_changed_is_noticed_and_uploaded_anew(
    uploader: Uploader, server: str, store: PartProxy, tmp_path: Path
) -> None:
    path = written(tmp_path / "film.bin", 2 * PART + 1)
    store.before = valve = Valve(1)
    async with uploader.opened() as page:
        await page.set_input_files("#add", path)
        await until_known(server, 1)
    with path.open("r+b") as file:  # every part, since any of them may be the one that the store has
        for start in (0, PART, 2 * PART):
            file.seek(start)
            byte = file.read(1)[0]
            file.seek(start)
            file.write(bytes([byte ^ 1]))
    valve.open()
    async with uploader.opened() as page:
        await expect(row(page, "needs-file")).to_have_count(1)
        await page.set_input_files("#pick", path)
        file_id = await until_completed(page)
        await expect(row(page, "completed")).to_have_attribute("data-changed", "true")
    async with httpx.AsyncClient(base_url=server) as api:
        file = (await api.get(f"/v1/files/{file_id}")).json()
        jobs = (await api.get("/v1/upload/jobs")).json()["jobs"]
    assert file["crc32"] == f"{crc32_of(path):08x}"
    assert [job["status"] for job in jobs] == ["completed", "cancelled"]


class BrokenLine:
    """Damages each of five parts once on its way, each in a way of its own."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._other: str | None = None
        self._both = asyncio.Event()

    async def __call__(self, put: Put) -> None:
        number = put.part
        if number in self._seen:
            return
        self._seen.add(number)
        if number == 1:
            put.body = put.body[:1000] + bytes([put.body[1000] ^ 4]) + put.body[1001:]
        elif number == 2:
            put.body = put.body[:-1]
        elif number == 3:
            put.body += b"x"
        else:  # the URLs of parts 4 and 5 are swapped
            own = put.target
            if self._other is None:
                self._other = own
                await self._both.wait()
            else:
                self._both.set()
            put.target, self._other = self._other, own


async def test_parts_that_are_damaged_on_their_way_are_refused_and_sent_again(
    uploader: Uploader, server: str, store: PartProxy, tmp_path: Path
) -> None:
    path = written(tmp_path / "film.bin", 5 * PART)
    store.fault = BrokenLine()
    async with uploader.opened() as page:
        await page.set_input_files("#add", path)
        file_id = await until_completed(page)
    first: dict[int, int] = {}
    for number, status in store.statuses:
        first.setdefault(number, status)
    assert first[1] == 400, first
    assert set(first.values()) <= {400, 403, 0}, first
    assert sorted(number for number, status in store.statuses if status == 200) == [1, 2, 3, 4, 5]
    async with httpx.AsyncClient(base_url=server) as api:
        file = (await api.get(f"/v1/files/{file_id}")).json()
    assert file["crc32"] == f"{crc32_of(path):08x}"


async def test_urls_that_have_expired_are_signed_again(
    uploader: Uploader, store: PartProxy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    late = {"by": LIFETIME + 60}
    sign = PartSigner.sign_object

    def sign_late(signer: PartSigner, key: str, size: int, crc32: int) -> SignedPut:
        now = signer._now  # noqa: SLF001 - the gateway runs in this process
        signer._now = lambda: now() - timedelta(seconds=late["by"])  # noqa: SLF001
        try:
            return sign(signer, key, size, crc32)
        finally:
            signer._now = now  # noqa: SLF001
            late["by"] = 0

    monkeypatch.setattr(PartSigner, "sign_object", sign_late)
    path = written(tmp_path / "film.bin", 1000)
    async with uploader.opened() as page:
        await page.set_input_files("#add", path)
        await until_completed(page)
    assert [status for _, status in store.statuses] == [403, 200]
