"""Signing in by a one-time link, at a provider and by a proxy, with the session on every transport; and signing out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect
from pydantic import SecretStr

from app.access.credentials import digest_of, new_secret
from app.access.principals import Role
from jobs.access.sessions import add_sign_in_link, revoke_session
from jobs.access.users import save_user
from jobs.services import Services
from tests.browser.pages import button, goes, shown, strict_window, use_session
from tests.helpers.access import session_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create
from tests.helpers.openid_provider import CLIENT_SECRET, running_provider
from tests.helpers.reverse_proxies import in_front
from tests.helpers.running import serving
from tests.helpers.settings import with_changes
from tests.helpers.signing_in_nginx import SECRET, SigningInNginx
from tests.helpers.sites import Nginx, Site

pytestmark = pytest.mark.browser


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"auth_mode": "required"}


def sign_in_panel(tab: Page) -> Locator:
    return tab.get_by_role("heading", name="Sign in")


def account_menu(tab: Page, user: str) -> Locator:
    return button(tab, f"Signed in as {user}")


async def sign_out(tab: Page, user: str) -> None:
    await account_menu(tab, user).click()
    await button(tab, "Sign out").click()


async def one_time_link(services: Services, gateway: str, user: str) -> str:
    secret = new_secret()
    await save_user(services.database, user, Role.USER)
    await add_sign_in_link(services.database, digest_of(secret), user, 900)
    return f"{gateway}/sign-in#{secret}"


async def use_link(tab: Page, link: str) -> None:
    await tab.goto(link)
    await button(tab, "Sign in").click()


async def test_a_link_signs_in_and_sign_out_ends_everything(
    tab: Page, gateway: str, services: Services, catalogue: Catalogue
) -> None:
    await tab.goto(gateway)
    await expect(sign_in_panel(tab)).to_be_visible()
    await expect(tab.get_by_text("haulage users signin NAME")).to_be_visible()
    link = await one_time_link(services, gateway, "anna")
    job = await create(services, await catalogue.add(b"data", "a.txt"), owner="anna")
    hidden = await create(services, await catalogue.add(b"data", "b.txt"), owner="otto")
    async with tab.expect_websocket() as opened:
        await tab.goto(link)
        await expect(tab.get_by_role("status")).to_have_text("The link signs you in.")
        assert await tab.context.cookies() == [], "nobody is signed in without a click"
        await button(tab, "Sign in").click()
        await tab.wait_for_url(f"{gateway}/")
        await expect(account_menu(tab, "anna")).to_be_visible()
    await expect(shown(tab, job)).to_have_attribute("data-status", "queued")
    await expect(shown(tab, hidden)).to_have_count(0)
    socket = await opened.value
    await services.lifecycle.cancel(job.id)
    await expect(shown(tab, job)).to_have_attribute("data-status", "cancelled")
    [cookie] = await tab.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("haulage_session", True, "Lax")
    await tab.goto(f"{gateway}/sign-in#{new_secret()}")
    await expect(tab.get_by_role("status")).to_contain_text("You are signed in as anna")
    await tab.goto(gateway)
    await sign_out(tab, "anna")
    await expect(sign_in_panel(tab)).to_be_visible()
    assert socket.is_closed()
    assert await tab.context.cookies() == []
    await use_link(tab, link)
    await expect(tab.get_by_role("status")).to_contain_text("used before")


async def test_a_link_can_be_used_after_too_many_failed_attempts_of_others(
    tab: Page, gateway: str, services: Services
) -> None:
    link = await one_time_link(services, gateway, "anna")
    await tab.goto(link)
    while (await tab.request.post(f"{gateway}/v1/access/session", data={"link": "x"})).status != 429:
        pass
    await button(tab, "Sign in").click()
    await expect(tab.get_by_role("status")).to_contain_text("try again in")
    status = 429
    while status == 429:
        async with tab.expect_response("**/v1/access/session") as response:
            await button(tab, "Sign in").click()
        status = (await response.value).status
    await expect(account_menu(tab, "anna")).to_be_visible()


async def test_sign_out_ends_the_streams_of_other_tabs_which_go_on_after_the_next_sign_in(
    browser: Browser, window: BrowserContext, gateway: str, services: Services, catalogue: Catalogue
) -> None:
    """A tab of the same browser, and another browser with the same session, which only the server can tell."""
    job = await create(services, await catalogue.add(b"data", "a.txt"), owner="anna")
    session = await session_of(services, "anna")
    await use_session(window, session, gateway)
    first, second = await window.new_page(), await window.new_page()
    async with strict_window(browser) as elsewhere:
        await use_session(elsewhere, session, gateway)
        third = await elsewhere.new_page()
        for tab in (second, third, first):
            await tab.goto(f"{gateway}/jobs/{job.id}")
            await goes(tab, "live")
        await sign_out(first, "anna")
        for tab in (second, third):
            await expect(sign_in_panel(tab)).to_be_visible()
            await expect(tab.get_by_text("Your session has ended")).to_be_visible()
            await expect(tab).to_have_title("Sign in · Haulage")
            assert "a.txt" not in await tab.content()
        await use_link(first, await one_time_link(services, gateway, "anna"))
        await goes(second, "live")
        await expect(shown(second, job)).to_have_attribute("data-status", "queued")
        await expect(second).to_have_url(f"{gateway}/jobs/{job.id}")
        await expect(sign_in_panel(third)).to_be_visible()


async def test_another_user_of_the_browser_sees_nothing_of_the_last_one(
    tab: Page, gateway: str, services: Services, catalogue: Catalogue
) -> None:
    await use_session(tab.context, await session_of(services, "anna", session_id="annas"), gateway)
    job = await create(services, await catalogue.add(b"data", "a.txt"), owner="anna", archive_name="a")
    await tab.goto(gateway)
    await goes(tab, "live")
    await tab.get_by_label("Search downloads").fill("a")
    await tab.get_by_label("Bundle name").fill("secret")
    await expect(shown(tab, job)).to_be_visible()
    await revoke_session(services.database, "annas")
    await expect(sign_in_panel(tab)).to_be_visible(timeout=10_000)
    other = await tab.context.new_page()
    await use_link(other, await one_time_link(services, gateway, "otto"))
    await expect(account_menu(tab, "otto")).to_be_visible()
    await expect(tab.get_by_text("No downloads yet")).to_be_visible()
    await expect(tab.get_by_label("Bundle name")).to_have_value("")


async def test_a_session_that_expires_midway_goes_on_after_the_sign_in_at_a_provider(
    tab: Page, services: Services, catalogue: Catalogue, tmp_path: Path
) -> None:
    """In the same list, with what was entered. The provider is a certified one."""
    site = Nginx(tmp_path, Site())
    for name in ("report.txt", "other.txt"):
        await catalogue.add(b"data", name)
    async with running_provider(tmp_path, f"{site.url}/sign-in/oidc/callback") as provider:
        settings = with_changes(
            services.settings,
            public_url=site.url,
            oidc_issuer=provider.url,
            oidc_client_id="haulage",
            oidc_client_secret=SecretStr(CLIENT_SECRET),
            oidc_name="Example ID",
        )
        alice = f"{urlsplit(provider.url).netloc}|alice"
        jobs = [await create(services, 10_000, archive_name=name, owner=alice) for name in ("report", "other")]
        async with serving(settings) as gateway, in_front(site, gateway) as url:
            await use_session(tab.context, await session_of(services, alice, lifetime=10), url)
            await tab.goto(url)
            await expect(tab.get_by_role("table").locator("[data-job]")).to_have_count(2)
            await tab.get_by_label("Search downloads").fill("report")
            await tab.get_by_role("checkbox", name="other.txt").check()
            await tab.get_by_label("Bundle name").fill("mine")
            await expect(sign_in_panel(tab)).to_be_visible(timeout=20_000)
            await expect(tab.get_by_text("Your session has ended")).to_be_visible()
            await expect(sign_in_panel(tab)).to_be_focused()
            await tab.get_by_role("link", name="Sign in with Example ID").click()
            await expect(account_menu(tab, alice)).to_be_visible()
            assert tab.url == f"{url}/"
            await expect(tab.get_by_label("Search downloads")).to_have_value("report")
            await expect(shown(tab, jobs[0])).to_be_visible()
            await expect(shown(tab, jobs[1])).to_have_count(0)
            await expect(tab.get_by_text("1 file selected")).to_be_visible()
            await expect(tab.get_by_label("Bundle name")).to_have_value("mine")
            await goes(tab, "live")
            await sign_out(tab, alice)
            await expect(sign_in_panel(tab)).to_be_visible()
            await tab.goto(f"{url}/jobs/{jobs[1].id}")
            await tab.get_by_role("link", name="Sign in with Example ID").click()
            await expect(tab.get_by_role("heading", level=1)).to_have_text("other")
            assert tab.url == f"{url}/jobs/{jobs[1].id}"


async def test_a_proxy_signs_in_by_its_header(
    tab: Page, services: Services, catalogue: Catalogue, tmp_path: Path
) -> None:
    """The real nginx with `auth_request`, whose own sign-in is a cookie."""
    settings = with_changes(
        services.settings,
        auth_proxy_user="Remote-User",
        auth_proxy_groups="Remote-Groups",
        auth_proxy_secret=SecretStr(SECRET),
        trusted_proxies=("127.0.0.1",),
    )
    mine = await create(services, await catalogue.add(b"data", "a.txt"), owner="anna")
    hidden = await create(services, await catalogue.add(b"data", "b.txt"), owner="otto")
    proxy = SigningInNginx(tmp_path, "$cookie_proxy_user")
    async with serving(settings) as gateway, in_front(proxy, gateway) as url:
        await tab.goto(url)
        await expect(tab.get_by_role("heading")).to_contain_text("401")
        await tab.context.add_cookies([{"name": "proxy_user", "value": "anna", "url": url}])
        await tab.goto(url)
        await goes(tab, "live")
        await expect(shown(tab, mine)).to_have_attribute("data-status", "queued")
        await expect(shown(tab, hidden)).to_have_count(0)
        await account_menu(tab, "anna").click()
        await expect(button(tab, "Sign out")).to_have_count(0)
        await tab.get_by_role("link", name="Account").click()
        await expect(tab.get_by_text("A proxy signs you in")).to_be_visible()
        await tab.context.clear_cookies()
        await tab.get_by_text("Create an API key").click()
        await tab.get_by_label("Name").fill("backup")
        await button(tab, "Create key").click()
        await expect(sign_in_panel(tab)).to_be_visible()
        await tab.context.add_cookies([{"name": "proxy_user", "value": "anna", "url": url}])
        await button(tab, "Reload the page").click()
        await expect(tab.get_by_role("heading", level=1)).to_have_text(re.compile("Account"))
