"""The page in a real Chromium, before the real stack. `make browser` installs what it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

from app.endpoints.pages import BUILT
from tests.browser.chromiums import launched


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as running:
        yield running


@pytest.fixture
async def window(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A window without a past. A script that breaks, or does what the page's policy forbids, fails the test."""
    assert (BUILT / "index.html").exists(), "the page is not built: run `make page`"
    context = await browser.new_context()
    faults: list[str] = []
    context.on("console", lambda message: faults.extend(_fault(message)))
    context.on("weberror", lambda error: faults.append(str(error.error)))
    yield context
    await context.close()
    assert faults == []


@pytest.fixture
async def tab(window: BrowserContext) -> Page:
    return await window.new_page()


def _fault(message: ConsoleMessage) -> list[str]:
    return [message.text] if "Content Security Policy" in message.text or "Trusted" in message.text else []
