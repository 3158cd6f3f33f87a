"""The account of who has signed in: sessions, API keys; and share links to results."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from jobs.access.sessions import list_sessions
from jobs.services import Services
from tests.browser.pages import button, shown, strict_window, use_session
from tests.helpers.access import session_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create

pytestmark = pytest.mark.browser


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"auth_mode": "required"}


@pytest.fixture
async def anna(tab: Page, gateway: str, services: Services) -> Page:
    """A tab in which she has signed in."""
    await use_session(tab.context, await session_of(services, "anna", session_id="first"), gateway)
    return tab


async def really(tab: Page, action: str) -> None:
    """Clicks on a button that asks once more."""
    await button(tab, action).click()
    await button(tab, f"Really? {action}").click()


async def test_a_key_is_created_shown_once_copied_and_revoked(anna: Page, gateway: str) -> None:
    await anna.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await anna.goto(gateway)
    await button(anna, "Signed in as anna").click()
    await anna.get_by_role("link", name="Account").click()
    await expect(anna).to_have_url(f"{gateway}/account")
    await expect(anna.get_by_role("heading", name="Account", level=1)).to_be_focused()
    await expect(anna.get_by_text("You have no API keys.")).to_be_visible()
    await anna.get_by_text("Create an API key").click()
    await button(anna, "Create key").click()
    await expect(anna.get_by_text("Enter a name.")).to_be_visible()
    await anna.get_by_label("Name").fill("backup")
    for scope in ("jobs:write", "results:read", "files:read"):
        await anna.get_by_role("checkbox", name=scope).uncheck()
    await anna.get_by_label("Valid for").select_option("90 days")
    await button(anna, "Create key").click()
    field = anna.get_by_label("New API key")
    await expect(field).to_be_focused()
    await button(anna, "Copy key").click()
    key = await field.input_value()
    assert await anna.evaluate("navigator.clipboard.readText()") == key
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(base_url=gateway, headers=headers) as script:
        assert (await script.get("/v1/download/jobs")).status_code == 200
        assert (await script.get("/v1/download/files")).status_code == 403
        await anna.reload()
        row = anna.locator("[data-key]")
        await expect(row).to_contain_text("backup")
        await expect(row).to_contain_text("jobs:read")
        assert key not in await anna.content()
        await button(anna, "Revoke key backup").click()
        await anna.get_by_role("heading", level=1).click()  # elsewhere: nothing happens
        await really(anna, "Revoke key backup")
        await expect(row).to_have_count(0)
        assert (await script.get("/v1/download/jobs")).status_code == 401


async def test_sessions_are_ended_one_by_one_and_everywhere_else(
    browser: Browser, anna: Page, gateway: str, services: Services, catalogue: Catalogue
) -> None:
    await create(services, await catalogue.add(b"data", "a.txt"), owner="anna")
    for name in ("second", "third", "fourth"):
        session = await session_of(services, "anna", session_id=name)
    await session_of(services, "otto", session_id="ottos")
    async with strict_window(browser) as elsewhere:
        await use_session(elsewhere, session, gateway)
        fourth = await elsewhere.new_page()
        await fourth.goto(gateway)
        await expect(fourth.locator("[data-job]")).to_be_visible()
        await anna.goto(f"{gateway}/account")
        rows = anna.locator("[data-session]")
        await expect(rows).to_have_count(4)
        await expect(anna.locator('[data-session="first"]')).to_contain_text("This session")
        await anna.locator('[data-session="second"]').get_by_role("button").click()
        await anna.locator('[data-session="second"]').get_by_role("button").click()
        await expect(rows).to_have_count(3)
        await button(anna, "Sign out everywhere else").click()
        await expect(rows).to_have_count(1)
        await expect(fourth.get_by_role("heading", name="Sign in")).to_be_visible()
    left = {session.id for session in await list_sessions(services.database, None, 3600)}
    assert left == {"first", "ottos"}


async def test_a_share_link_is_created_counted_and_revoked(
    anna: Page, gateway: str, services: Services, catalogue: Catalogue, worker: None
) -> None:
    del worker
    job = await create(services, await catalogue.add(b"data", "a.txt"), owner="anna", archive_name="mine.zip")
    await anna.goto(gateway)
    row = shown(anna, job)
    await expect(row).to_have_attribute("data-status", "completed")
    menu = row.get_by_role("button", name="More actions")
    await menu.click()
    await button(anna, "Share…").click()
    sheet = anna.get_by_role("dialog")
    await sheet.get_by_label("Number of uses").fill("2")
    await sheet.get_by_label("Password").fill("swordfish")
    await button(anna, "Create share link").click()
    url = await sheet.get_by_label("New share link").input_value()
    shares = anna.locator("[data-share]")
    await expect(shares).to_contain_text("Used 0 of 2 times · with a password")
    await anna.keyboard.press("Escape")
    await expect(menu).to_be_focused()
    async with httpx.AsyncClient(follow_redirects=True) as other:
        assert (await other.get(url)).status_code == 401
        assert (await other.get(url, auth=("", "swordfish"))).content[:2] == b"PK"
        await row.get_by_role("link", name="mine.zip", exact=True).click()
        await anna.get_by_text("Share links").click()
        await expect(shares).to_contain_text("Used 1 of 2 times")
        await shares.get_by_role("button").click()
        await shares.get_by_role("button").click()
        await expect(shares).to_have_count(0)
        assert (await other.get(url, auth=("", "swordfish"))).status_code == 404
