"""What the tests of the page find on it, and do with it."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from jobs.engine.jobs import Job


def button(scope: Page | Locator, name: str) -> Locator:
    return scope.get_by_role("button", name=name, exact=True)


def job(tab: Page, status: str) -> Locator:
    return tab.locator(f'[data-job][data-status="{status}"]')


async def act(tab: Page, name: str) -> None:
    """Chooses an action of the menu of the job whose page this is."""
    await tab.get_by_role("button", name="More actions").click()
    await button(tab, name).click()


async def fetch(tab: Page, to: Path) -> Path:
    """Clicks on the download and waits for what the browser itself fetches of the store."""
    async with tab.expect_download() as starting:
        await tab.get_by_role("link", name="Download", exact=True).click()
    download = await starting.value
    path = to / str(download.suggested_filename)
    await download.save_as(path)
    return path


async def shoot(tab: Page, name: str) -> None:
    if "HAULAGE_TEST_SHOTS" in os.environ:
        folder = Path(os.environ["HAULAGE_TEST_SHOTS"])
        await tab.screenshot(path=folder / f"{name}.png", full_page=True)


async def goes(tab: Page, way: str, seconds: float = 15) -> None:
    """The page says that news come in this way."""
    await expect(tab.locator("[data-connection]")).to_have_attribute("data-connection", way, timeout=1000 * seconds)


def shown(tab: Page, job: Job) -> Locator:
    return tab.locator(f'[data-job="{job.id}"]')
