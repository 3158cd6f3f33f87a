"""The API reference at /docs in a real browser: Swagger UI from the gateway's own files, under its policy.

`HAULAGE_TEST_SHOTS` names a folder in which its screenshot is kept.
"""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from app.endpoints.pages import IMMUTABLE
from tests.browser.pages import shoot

pytestmark = pytest.mark.browser


async def test_the_api_reference_shows_every_operation_and_sends_a_request(tab: Page, gateway: str) -> None:
    requested: list[str] = []
    tab.on("request", lambda request: requested.append(request.url))
    async with tab.expect_response("**/assets/docs-*.js") as found:
        await tab.goto(f"{gateway}/docs")
    assert (await found.value).headers["cache-control"] == IMMUTABLE
    document = await (await tab.request.get(f"{gateway}/openapi.json")).json()
    operations = sum(len(methods) for methods in document["paths"].values())
    await expect(tab.locator(".opblock")).to_have_count(operations)
    await shoot(tab, "docs")
    health = tab.locator(".opblock", has=tab.locator('[data-path="/health/live"]')).first
    await health.locator(".opblock-summary-control").click()
    await health.get_by_role("button", name="Try it out").click()
    await health.get_by_role("button", name="Execute").click()
    await expect(health.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    assert {url for url in requested if not url.startswith((gateway, "data:"))} == set()
