"""What people rely on beside the main way: the keyboard alone, colours, notifications, a restarted server."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from jobs.services import Services
from tests.app.cli.middleboxes import Middlebox
from tests.browser.pages import button, fetch, goes, job, shown
from tests.helpers.bundles import opened
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create
from tests.helpers.running import serving, working

pytestmark = pytest.mark.browser

FOCUSED = """
    (({activeElement: it}) => it.getAttribute("aria-label") || it.labels?.[0]?.innerText || it.innerText)(document)
"""


async def tab_to(tab: Page, name: str, *, most: int = 40) -> None:
    """Presses Tab until what is called so has the focus, which must be seen."""
    for _ in range(most):
        await tab.keyboard.press("Tab")
        if name in str(await tab.evaluate(FOCUSED)):
            outline = await tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            parent = await tab.evaluate("getComputedStyle(document.activeElement.parentElement).outlineStyle")
            assert {outline, parent} != {"none"}, f"{name}: nobody sees that it has the focus"
            return
    raise AssertionError(f"{name} can't be reached by the keyboard")


async def test_the_keyboard_alone_is_enough(
    tab: Page, gateway: str, catalogue: Catalogue, worker: None, tmp_path: Path
) -> None:
    del worker
    for name in ("alpha.txt", "beta.txt"):
        await catalogue.add(name.encode(), name)
    await tab.goto(gateway)
    await expect(button(tab, "Start download")).to_be_visible()  # the page draws itself after it was loaded
    await tab.keyboard.press("Tab")
    assert await tab.evaluate(FOCUSED) == "Skip to content"
    await tab.keyboard.press("Enter")
    await tab_to(tab, "Search files")
    await tab.keyboard.type("beta")
    await expect(tab.get_by_role("checkbox", name="beta.txt")).to_be_visible()
    await expect(tab.get_by_role("checkbox", name="alpha.txt")).to_be_hidden()
    await tab_to(tab, "beta.txt")
    await tab.keyboard.press("Space")
    await tab_to(tab, "Bundle name")
    await tab.keyboard.type("by hand")
    await tab_to(tab, "Start download")
    await tab.keyboard.press("Enter")
    await expect(job(tab, "completed")).to_be_visible()
    await tab_to(tab, "Download")
    async with tab.expect_download() as starting:
        await tab.keyboard.press("Enter")
    download = await starting.value
    await download.save_as(tmp_path / "by hand.zip")
    assert opened((tmp_path / "by hand.zip").read_bytes())["beta.txt"] == b"beta.txt"


async def test_colours_are_chosen_and_kept(browser: Browser, gateway: str) -> None:
    context = await browser.new_context(color_scheme="light")
    tab = await context.new_page()
    background = "getComputedStyle(document.body).backgroundColor"
    await tab.goto(gateway)
    light = await tab.evaluate(background)
    colours = tab.get_by_label("Theme")
    await colours.select_option("dark")
    dark = await tab.evaluate(background)
    assert dark != light
    await tab.reload()
    await expect(colours).to_have_value("dark")
    assert await tab.evaluate(background) == dark
    await colours.select_option("system")
    assert await tab.evaluate(background) == light
    await tab.emulate_media(color_scheme="dark")
    assert await tab.evaluate(background) == dark
    await context.close()


SEEN = """
    window.told = [];
    window.Notification = new Proxy(window.Notification, {
        construct(real, all) { window.told.push(all[0]); return new real(...all); },
        get: (real, name) => ({permission: "granted", requestPermission: async () => "granted"})[name] ?? real[name],
    });
"""
"""Some builds of Chromium without a window deny notifications whatever was granted, so the page is told that they are."""
HIDDEN = "Object.defineProperty(document, 'visibilityState', {get: () => 'hidden'})"


async def test_who_asked_for_it_is_told_when_it_is_done(
    window: BrowserContext, gateway: str, catalogue: Catalogue, services: Services
) -> None:
    await window.grant_permissions(["notifications"], origin=gateway)
    await window.add_init_script(SEEN)
    tab = await window.new_page()
    first, second = [
        await create(services, await catalogue.add(b"x", "x.txt"), archive_name=name) for name in ("one", "two")
    ]
    await tab.goto(f"{gateway}/jobs/{first.id}")
    bell = tab.get_by_role("button", name="Notify me when done")
    await bell.click()
    await expect(tab.get_by_role("button", name="Notifications are on")).to_have_attribute("aria-pressed", "true")
    await tab.goto(gateway)
    await expect(shown(tab, second)).to_be_visible()
    await goes(tab, "live")
    await tab.evaluate(HIDDEN)
    async with working(services.settings):
        await expect(shown(tab, first)).to_have_attribute("data-status", "completed")
        await expect(shown(tab, second)).to_have_attribute("data-status", "completed")
    assert sorted(await tab.evaluate("told")) == ["one is ready", "two is ready"]


async def test_a_server_that_is_started_again_in_the_middle_costs_nothing(
    tab: Page, services: Services, catalogue: Catalogue, tmp_path: Path
) -> None:
    waiting = await create(services, await catalogue.add(b"x" * 1000, "x.txt"), archive_name="again")
    async with Middlebox("").running() as box:
        async with serving(services.settings) as box.target:
            await tab.goto(f"{box.url}/jobs/{waiting.id}")
            await goes(tab, "live")
        await expect(tab.locator("[data-connection]")).not_to_have_attribute("data-connection", "live")
        async with serving(services.settings) as box.target:
            await goes(tab, "live", 45)
            async with working(services.settings):
                await expect(job(tab, "completed")).to_be_visible(timeout=15_000)
            path = await fetch(tab, tmp_path)
    assert opened(path.read_bytes())["x.txt"] == b"x" * 1000
