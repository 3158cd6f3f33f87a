"""The frontend examples of docs/examples in a real Chromium, each built and served from an origin of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from jobs.services import Services
from tests.browser.sites import copy_library, free_port, install, npm, started, static
from tests.helpers.bundles import opened
from tests.helpers.catalogue import Catalogue
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

IDS = [10_000, 10_001, 10_002]
"""The ids that the examples request."""


@pytest.fixture
async def files(catalogue: Catalogue) -> None:
    added = [await catalogue.add(f"file {n}".encode(), f"{n}.txt") for n in range(3)]
    assert added == IDS


@pytest.mark.usefixtures("files", "worker")
async def test_the_plain_page_downloads_and_shows_problems(
    tab: Page, services: Services, project: Path, tmp_path: Path
) -> None:
    shutil.copytree(project / "docs/examples/page", tmp_path, dirs_exist_ok=True)
    await copy_library(project, tmp_path)
    with static(tmp_path) as origin:
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


@pytest.mark.usefixtures("files", "worker")
async def test_the_nextjs_app_builds_and_downloads(
    tab: Page, services: Services, project: Path, tmp_path: Path
) -> None:
    folder, port = "docs/examples/nextjs", free_port()
    await install(project, folder)
    origin = f"http://127.0.0.1:{port}"
    async with serving(with_changes(services.settings, cors_origins=(origin,))) as gateway:
        await npm(project, folder, "run", "build", NEXT_PUBLIC_HAULAGE_SERVER=gateway)
        async with started(project, folder, port, "--hostname", "127.0.0.1", "--port", str(port)):
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
