"""The page in a real Chromium, before the real stack. `make browser` installs what it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, BrowserContext, Page

from app.endpoints.pages import BUILT
from jobs.services import Services
from jobs.settings import Settings
from tests.browser.chromiums import launched
from tests.browser.pages import strict_window
from tests.helpers.proxies import Proxy, proxied
from tests.helpers.running import working
from tests.helpers.settings import with_changes


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as running:
        yield running


@pytest.fixture
async def window(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A window without a past, whose pages keep to their policy."""
    assert (BUILT / "index.html").exists(), "the page is not built: run `make page`"
    async with strict_window(browser) as context:
        yield context


@pytest.fixture
async def tab(window: BrowserContext) -> Page:
    return await window.new_page()


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Proxy]:
    """A proxy before the store, for the worker alone: a slow one leaves time to observe a running job."""
    async with proxied(settings.s3_endpoint) as proxy:
        yield proxy


@pytest.fixture
async def slow_worker(services: Services, store: Proxy) -> AsyncIterator[Proxy]:
    """A worker that reaches the store through that proxy, so that the store copies nothing by itself."""
    async with working(with_changes(services.settings, s3_endpoint=store.url)):
        yield store
        store.rate = None
        await store.heal()
