"""The frontend examples of docs/examples in a real Chromium, each built and served from an origin of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from playwright.async_api import Page, expect

from jobs.services import Services
from tests.helpers.bundles import opened
from tests.helpers.catalogue import Catalogue
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

IDS = [10_000, 10_001, 10_002]
"""The ids that the examples request."""


@pytest.fixture
async def library(project: Path) -> Path:
    """The folder of the built client and hooks."""
    await _npm(project, "frontend", "run", "--silent", "library")
    return project / "frontend" / "dist"


@pytest.fixture
async def files(catalogue: Catalogue) -> None:
    added = [await catalogue.add(f"file {n}".encode(), f"{n}.txt") for n in range(3)]
    assert added == IDS


@pytest.mark.usefixtures("files", "worker")
async def test_the_plain_page_downloads_and_shows_problems(
    tab: Page, services: Services, project: Path, library: Path, tmp_path: Path
) -> None:
    for folder in (project / "docs/examples/page", library):
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    with _static(tmp_path) as origin:
        async with serving(with_changes(services.settings, cors_origins=(origin,))) as gateway:
            await tab.goto(f"{origin}/?server={gateway}")
            await tab.get_by_label("File IDs").fill("1")
            await tab.get_by_role("button", name="Download").click()
            await expect(tab.get_by_role("alert")).not_to_be_empty()
            await tab.get_by_label("File IDs").fill(" ".join(map(str, IDS)))
            await tab.get_by_role("button", name="Download").click()
            await expect(tab.locator('li[data-status="completed"]')).to_contain_text("my files")
            await expect(tab.get_by_role("alert")).to_be_empty()
            await _save(tab, tmp_path)


@pytest.mark.usefixtures("files", "worker", "library")
async def test_the_nextjs_app_builds_and_downloads(
    tab: Page, services: Services, project: Path, tmp_path: Path
) -> None:
    await _npm(project, "docs/examples/nextjs", "ci", "--silent")
    port = _free_port()
    origin = f"http://127.0.0.1:{port}"
    async with serving(with_changes(services.settings, cors_origins=(origin,))) as gateway:
        await _npm(project, "docs/examples/nextjs", "run", "build", NEXT_PUBLIC_HAULAGE_SERVER=gateway)
        async with _next(project, port):
            await tab.goto(origin)
            await tab.get_by_role("button", name="Download 3 files").click()
            await expect(tab.locator('li[data-status="completed"]')).to_contain_text("my files")
            await _save(tab, tmp_path)
            await tab.reload()
            await expect(tab.locator('li[data-status="completed"]')).to_contain_text("my files")


async def _save(tab: Page, to: Path) -> None:
    async with tab.expect_download() as starting:
        await tab.get_by_role("link", name="Save").click()
    await (await starting.value).save_as(to / "saved.zip")
    assert opened((to / "saved.zip").read_bytes()).keys() == {"0.txt", "1.txt", "2.txt", "manifest.json"}


@contextmanager
def _static(folder: Path) -> Iterator[str]:
    """An origin that serves the files of a folder."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it so
        """Logs nothing."""


def _command(project: Path, folder: str, *arguments: str) -> list[str]:
    return ["sh", str(project / "frontend/npm.sh"), "--prefix", str(project / folder), *arguments]


async def _npm(project: Path, folder: str, *arguments: str, **environment: str) -> None:
    """Runs npm in a folder of the project, and fails with its output."""
    process = await asyncio.create_subprocess_exec(
        *_command(project, folder, *arguments),
        env={**os.environ, "NEXT_TELEMETRY_DISABLED": "1", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()


@asynccontextmanager
async def _next(project: Path, port: int) -> AsyncIterator[None]:
    """The built Next.js app, running on this port."""
    command = _command(project, "docs/examples/nextjs", "run", "start", "--", "--hostname", "127.0.0.1")
    process = await asyncio.create_subprocess_exec(
        *command,
        "--port",
        str(port),
        env={**os.environ, "NEXT_TELEMETRY_DISABLED": "1"},
        stdout=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=10)) as client:
            await client.get(f"http://127.0.0.1:{port}/", timeout=60)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        await process.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])
