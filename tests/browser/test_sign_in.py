"""Signing in by a one-time link, with the cookie on every transport, and signing out."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from app.access.credentials import digest_of, new_secret
from app.access.principals import Role
from jobs.access.sessions import add_sign_in_link
from jobs.access.users import save_user
from jobs.services import Services
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create

pytestmark = pytest.mark.browser


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"auth_mode": "required"}


async def test_a_link_signs_in_and_sign_out_ends_everything(
    tab: Page, gateway: str, services: Services, catalogue: Catalogue
) -> None:
    await tab.goto(gateway)
    await expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
    secret = new_secret()
    await save_user(services.database, "anna", Role.USER)
    await add_sign_in_link(services.database, digest_of(secret), "anna", 900)
    job = await create(services, await catalogue.add(b"data", "a.txt"), owner="anna")
    hidden = await create(services, await catalogue.add(b"data", "b.txt"), owner="otto")
    async with tab.expect_websocket() as opened:
        await tab.goto(f"{gateway}/sign-in#{secret}")
        await expect(tab.get_by_role("status")).to_have_text("The link signs you in.")
        assert await tab.context.cookies() == [], "nobody is signed in without a click"
        await tab.get_by_role("button", name="Sign in").click()
        await tab.wait_for_url(f"{gateway}/")
        await expect(tab.get_by_text("anna", exact=True)).to_be_visible()
    await expect(tab.locator(f'[data-job="{job.id}"]')).to_have_attribute("data-status", "queued")
    await expect(tab.locator(f'[data-job="{hidden.id}"]')).to_have_count(0)
    socket = await opened.value
    await services.lifecycle.cancel(job.id)
    await expect(tab.locator(f'[data-job="{job.id}"]')).to_have_attribute("data-status", "cancelled")
    [cookie] = await tab.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("haulage_session", True, "Lax")
    await tab.goto(f"{gateway}/sign-in#{new_secret()}")
    await expect(tab.get_by_role("status")).to_contain_text("You are signed in as anna")
    await tab.goto(gateway)
    await tab.get_by_role("button", name="Sign out").click()
    await expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
    assert socket.is_closed()
    assert await tab.context.cookies() == []
    await tab.goto(f"{gateway}/sign-in#{secret}")
    await tab.get_by_role("button", name="Sign in").click()
    await expect(tab.get_by_role("status")).to_contain_text("used before")
