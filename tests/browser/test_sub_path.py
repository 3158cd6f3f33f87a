"""The page below a path, behind the real nginx and Caddy: it follows, navigates and downloads as it does at the root."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from jobs.services import Services
from tests.browser.pages import fetch, goes
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create
from tests.helpers.reverse_proxies import in_front
from tests.helpers.running import serving, working
from tests.helpers.settings import with_changes
from tests.helpers.sites import PROXIES, ProxyName, Site

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("proxy_name", "site"),
    [("nginx", Site("/haulage")), ("caddy", Site("/haulage", removes_root=True, host="gateway.internal"))],
)
async def test_a_job_is_opened_followed_and_downloaded_below_a_path(
    tab: Page, services: Services, catalogue: Catalogue, tmp_path: Path, proxy_name: ProxyName, site: Site
) -> None:
    proxy = PROXIES[proxy_name](tmp_path, site)
    settings = with_changes(services.settings, public_url=proxy.url, allowed_hosts=site.host or "")
    origin = proxy.url.removesuffix(site.root)
    requested: list[str] = []
    tab.on("request", lambda request: requested.append(request.url))
    tab.on("websocket", lambda socket: requested.append(socket.url.replace("ws", "http", 1)))
    ids = [await catalogue.add(b"x" * 1000, f"{n}.txt") for n in range(3)]
    async with serving(settings) as gateway, in_front(proxy, gateway):
        job = await create(services, *ids, archive_name="below.zip")
        await services.storage.bucket.ensure()  # with its CORS rule
        await tab.goto(proxy.url)  # it redirects to the path with a final slash
        await goes(tab, "live")
        shown = tab.locator(f'[data-job="{job.id}"]')
        async with working(services.settings):
            await expect(shown).to_have_attribute("data-status", "completed")
            await tab.get_by_role("link", name="Uploads").click()
            await expect(tab).to_have_url(f"{proxy.url}/uploads")
            await tab.locator('[data-choose="files"]').set_input_files(
                {"name": "up.txt", "mimeType": "text/plain", "buffer": b"up"}
            )
            await expect(tab.locator('[data-upload-state="completed"]')).to_be_visible()
            await tab.get_by_role("link", name="Downloads").click()
        await shown.get_by_role("link", name="below.zip", exact=True).click()
        await expect(tab).to_have_url(f"{proxy.url}/jobs/{job.id}")
        await tab.reload()
        await expect(tab.get_by_role("heading", level=1)).to_have_text("below.zip")
        assert (await fetch(tab, tmp_path)).read_bytes()[:2] == b"PK"
        await tab.locator("a.brand").click()
        await expect(tab).to_have_url(f"{proxy.url}/")
        await tab.goto(f"{proxy.url}/docs")
        health = tab.locator(".opblock", has=tab.locator('[data-path="/health/live"]')).first
        await health.locator(".opblock-summary-control").click()
        await health.get_by_role("button", name="Try it out").click()
        await health.get_by_role("button", name="Execute").click()
        await expect(health.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    mine = [url for url in requested if url.startswith(origin)]
    assert [url for url in mine if not url.startswith(proxy.url)] == []
    assert f"{proxy.url}/v1/download/subscribe" in mine
    assert f"{proxy.url}/health/live" in mine
