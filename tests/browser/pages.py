"""What the tests of the page find on it, and do with it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Response,
    expect,
)

from jobs.engine.jobs import Job

POLICY = "content-security-policy"


@asynccontextmanager
async def strict_window(browser: Browser, **options: Any) -> AsyncIterator[BrowserContext]:
    """A window without a past. Fails if a script breaks, if one does what the page's policy forbids, or if a policy allows
    inline scripts. `options`: those of Playwright's `new_context`."""
    context = await browser.new_context(**options)
    faults: list[str] = []
    context.on("console", lambda message: faults.extend(_violation(message)))
    context.on("weberror", lambda error: faults.append(str(error.error)))
    context.on("response", lambda response: faults.extend(_loose_policy(response)))
    try:
        yield context
    finally:
        await context.close()
    assert faults == []


def _violation(message: ConsoleMessage) -> list[str]:
    return [message.text] if "Content Security Policy" in message.text or "Trusted" in message.text else []


def _loose_policy(response: Response) -> list[str]:
    """The policy of a page that allows inline scripts, or other pages than those of tests that have none."""
    policy = response.headers.get(POLICY, "")
    scripts = [part for part in policy.split(";") if part.split()[:1] == ["script-src"]]
    return [f"{response.url}: {part}" for part in scripts if "unsafe" in part or "nonce" in part]


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


async def use_session(window: BrowserContext, headers: dict[str, str], url: str) -> None:
    """Gives a window the session of these headers, for the site at this URL."""
    name, _, value = headers["Cookie"].partition("=")
    await window.add_cookies([{"name": name, "value": value, "url": url}])
