"""The list of downloads: compact rows, a filter and a search, and on narrow screens the form as a sheet over it."""

from __future__ import annotations

import re
from functools import partial
from itertools import pairwise

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from jobs.services import Services
from tests.browser.pages import button, shown
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create, ended
from tests.helpers.proxies import Proxy
from tests.helpers.running import working

pytestmark = pytest.mark.browser

MIB = 1024 * 1024
WIDE, TABLET, PHONE = (1440, 900), (820, 1180), (390, 844)
LONG = "Minutes of the annual general meeting of shareholders, with all appendices and the report of the auditor, final.zip"
GAPS = """
    () => [...document.querySelectorAll('[role="row"]')].flatMap((row) => {
        const texts = [...row.querySelectorAll(':scope > [role="cell"], :scope > [role="columnheader"]')].map((cell) => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return range.getBoundingClientRect();
        }).filter(({width, height}) => width > 1 && height > 1);
        return texts.slice(1).map((text, i) => text.left - texts[i].right);
    })
"""
"""The distances in pixels between the contents of neighbouring columns."""


async def opened(browser: Browser, size: tuple[int, int], address: str) -> Page:
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]})
    tab = await context.new_page()
    await tab.goto(address)
    return tab


async def test_fifty_downloads_fit_on_two_screens(browser: Browser, gateway: str, services: Services) -> None:
    for n in range(50):
        await create(services, 10_000, archive_name=f"order {4700 + n}.zip")
    tab = await opened(browser, WIDE, gateway)
    rows = tab.locator("[data-job]")
    await expect(rows).to_have_count(50)
    assert await tab.evaluate("document.documentElement.scrollHeight") <= 2 * WIDE[1]
    await tab.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    assert await tab.evaluate("document.documentElement.scrollHeight") <= 4 * PHONE[1]


@pytest.mark.parametrize("size", [WIDE, TABLET])
async def test_columns_do_not_touch_and_long_names_take_two_lines(
    browser: Browser,
    gateway: str,
    services: Services,
    catalogue: Catalogue,
    api: httpx.AsyncClient,
    size: tuple[int, int],
) -> None:
    large = await catalogue.add(b"x" * 123_456, f"folder/{LONG}")
    job = await create(services, large, 99_999, archive_name=LONG)
    async with working(services.settings):
        await ended(api, f"/v1/download/job/{job.id}")
        done = await create(services, large, archive_name=LONG)
        await ended(api, f"/v1/download/job/{done.id}")
    await create(services, large, archive_name=None)
    tab = await opened(browser, size, gateway)
    await expect(shown(tab, done)).to_be_visible()
    name = tab.get_by_role("link", name=LONG).first
    line = await name.evaluate("(it) => parseFloat(getComputedStyle(it).lineHeight)")
    assert 1.5 * line < (await name.evaluate("(it) => it.clientHeight")) < 2.5 * line
    assert min(await tab.evaluate(GAPS)) >= 16
    await tab.goto(f"{gateway}/jobs/{job.id}")
    await expect(tab.locator("[data-file]")).to_have_count(2)
    assert min(await tab.evaluate(GAPS)) >= 16


STATES = """
    () => [...document.querySelectorAll(".job-state")].map((state) => {
        const icon = state.querySelector(".icon").getBoundingClientRect();
        const range = document.createRange();
        range.selectNodeContents(state.querySelector("time") ?? state.querySelector("span"));
        const text = range.getBoundingClientRect();
        const cell = state.getBoundingClientRect();
        return [Math.abs(icon.top + icon.height / 2 - text.top - text.height / 2), cell.right - text.right];
    })
"""
"""Of each row: how far its icon is above or below its text, and the room right of the text, in pixels."""


@pytest.mark.parametrize("size", [WIDE, (1100, 800), TABLET, PHONE])
async def test_the_time_to_go_of_a_running_row_and_the_expiry_of_a_ready_one_stand_beside_their_icons(
    browser: Browser,
    gateway: str,
    services: Services,
    catalogue: Catalogue,
    api: httpx.AsyncClient,
    slow_worker: Proxy,
    size: tuple[int, int],
) -> None:
    ready = await create(services, await catalogue.add(b"x", "x.txt"), archive_name=LONG)
    await ended(api, f"/v1/download/job/{ready.id}")
    slow_worker.rate = 0.3 * MIB
    running = await create(services, await catalogue.add(b"x" * (12 * MIB), "large.bin"), archive_name=LONG)
    tab = await opened(browser, size, gateway)
    await expect(shown(tab, ready)).to_contain_text(re.compile(r"expires in (23 h|1 d)"))
    to_go = re.compile(r"about \d+ (s|min) to go[1-9]\d*\.\d%")
    await expect(shown(tab, running)).to_contain_text(to_go, timeout=30_000)
    slow_worker.stall()
    for away, room in await tab.evaluate(STATES):
        assert away <= 2
        assert room >= 0
    if size in {WIDE, TABLET}:
        assert min(await tab.evaluate(GAPS)) >= 16


ROWS = """
    () => [...document.querySelectorAll(".table-rows .file-row")]
        .map((row) => [Number(row.dataset.index), row.offsetTop + new DOMMatrix(row.style.transform).f, row.offsetHeight])
        .sort(([one], [other]) => one - other)
"""
"""Index, top and height in pixels of the rows of the table of files that are in the document."""


async def fits(tab: Page, count: int) -> bool:
    """Whether each row begins where the one before ends, and the table is not higher than so many of the highest row."""
    rows = await tab.evaluate(ROWS)
    gaps = [below - top - height for (_, top, height), (_, below, _) in pairwise(rows)]
    total = await tab.evaluate("document.querySelector('.table-rows').offsetHeight")
    return not any(gaps) and total <= count * max(height for _, _, height in rows)


async def test_a_window_of_another_width_gives_every_row_its_height(
    browser: Browser, gateway: str, services: Services, catalogue: Catalogue
) -> None:
    ids = [await catalogue.add(b"x", f"{n:02} {LONG}") for n in range(60)]
    job = await create(services, *ids, archive_name="many.zip")
    async with working(services.settings):
        tab = await opened(browser, PHONE, f"{gateway}/jobs/{job.id}")
        await expect(shown(tab, job)).to_have_attribute("data-status", "completed")
    box = tab.get_by_role("region", name="Files of this download")
    while await tab.locator(f'[data-file="{ids[-1]}"]').count() == 0:
        await box.evaluate("(it) => { it.scrollTop += it.clientHeight; return new Promise(requestAnimationFrame) }")
    await box.evaluate("(it) => { it.scrollTop = 0 }")
    await expect(tab.locator(f'[data-file="{ids[0]}"]')).to_be_visible()
    for size in (WIDE, TABLET, PHONE, WIDE):
        await tab.set_viewport_size({"width": size[0], "height": size[1]})
        await eventually(partial(fits, tab, len(ids)))


async def test_downloads_are_filtered_by_status_and_searched_by_name(
    tab: Page, gateway: str, services: Services, catalogue: Catalogue
) -> None:
    old = await create(services, await catalogue.add(b"x", "Read me first.txt"), 10_001, archive_name=None)
    for _ in range(50):
        await create(services, 10_000, archive_name="order.zip")
    cancelled = await create(services, 10_000, archive_name="order.zip")
    await services.lifecycle.cancel(cancelled.id)
    await tab.goto(gateway)
    rows = tab.locator("[data-job]")
    await expect(rows).to_have_count(50)
    await tab.get_by_label("Search downloads").fill("READ ME")
    await expect(rows).to_have_count(1)
    await expect(shown(tab, old)).to_contain_text("Read me first.txt and 1 more")
    await tab.get_by_label("Show", exact=True).select_option("Cancelled or expired")
    await expect(tab.get_by_text("No downloads match.")).to_be_visible()
    await button(tab, "Show all downloads").click()
    await expect(rows).to_have_count(50)
    await tab.get_by_label("Show", exact=True).select_option("Cancelled or expired")
    await expect(rows).to_have_count(1)
    await expect(shown(tab, cancelled)).to_be_visible()


async def test_running_downloads_come_first(tab: Page, gateway: str, services: Services) -> None:
    running = await create(services, 10_000, archive_name="running.zip")
    for _ in range(3):
        await services.lifecycle.cancel((await create(services, 10_000)).id)
    await tab.goto(gateway)
    await expect(tab.locator("[data-job]")).to_have_count(4)
    await expect(tab.locator("[data-job]").first).to_have_attribute("data-job", str(running.id))


async def test_the_share_link_of_a_row_is_the_stable_one(
    window: BrowserContext, gateway: str, services: Services, catalogue: Catalogue, api: httpx.AsyncClient
) -> None:
    await window.grant_permissions(["clipboard-read", "clipboard-write"], origin=gateway)
    tab = await window.new_page()
    job = await create(services, await catalogue.add(b"shared", "shared.txt"), archive_name=None)
    async with working(services.settings):
        await ended(api, f"/v1/download/job/{job.id}")
    await tab.goto(gateway)
    more = button(tab, "More actions: shared.txt")
    await more.focus()
    await tab.keyboard.press("Enter")
    await button(tab, "Copy share link").click()
    await expect(button(tab, "Copied")).to_be_visible()
    link = str(await tab.evaluate("navigator.clipboard.readText()"))
    assert link == f"{gateway}/v1/download/job/{job.id}/file"
    assert (await api.get(link, follow_redirects=True)).content == b"shared"
    await tab.keyboard.press("Escape")
    await expect(button(tab, "Copy job ID")).to_be_hidden()
    await expect(more).to_be_focused()


@pytest.mark.parametrize("size", [TABLET, PHONE])
async def test_on_narrow_screens_the_list_comes_first_and_the_form_is_a_sheet(
    browser: Browser, gateway: str, services: Services, catalogue: Catalogue, size: tuple[int, int]
) -> None:
    await catalogue.add(b"x", "alpha.txt")
    job = await create(services, 10_000, archive_name="first.zip")
    tab = await opened(browser, size, gateway)
    await expect(shown(tab, job)).to_be_in_viewport()
    await expect(tab.get_by_label("Search files")).to_be_hidden()
    await button(tab, "New download").click()
    sheet = tab.get_by_role("dialog", name="New download")
    await sheet.get_by_role("checkbox", name="alpha.txt").check()
    await expect(button(sheet, "Start download")).to_be_in_viewport()
    await tab.keyboard.press("Escape")
    await expect(sheet).to_be_hidden()
    await expect(button(tab, "New download")).to_be_focused()
    await button(tab, "New download").click()
    await expect(sheet.get_by_text("1 file selected")).to_be_visible()
    await button(sheet, "Start download").click()
    await tab.wait_for_url("**/jobs/*")


async def test_files_are_selected_by_range_and_shown_by_folder(tab: Page, gateway: str, catalogue: Catalogue) -> None:
    for n, name in enumerate(["a/1.txt", "a/2.txt", "b/3.txt", "4.txt", "5.txt"]):
        await catalogue.add(b"x" * 1000 * (n + 1), name)
    await tab.goto(gateway)
    await tab.get_by_role("checkbox", name="10003").check()
    await tab.get_by_role("checkbox", name="10001").click(modifiers=["Shift"])
    boxes = tab.locator(".choice").get_by_role("checkbox")
    assert [await box.is_checked() for box in await boxes.all()] == [False, True, True, True, False]
    await tab.get_by_text("5.txt", exact=True).click(modifiers=["Shift"])
    await expect(tab.get_by_text("4 files selected14.0 kB")).to_be_visible()
    await tab.get_by_text("4 files selected").click()
    folders = tab.locator(".selection .folder")
    await expect(folders).to_contain_text(["Without a folder2 files, 9.00 kB", "a1 file, 2.00 kB", "b1 file, 3.00 kB"])
    await button(tab, "Remove folder b from selection").click()
    await expect(tab.get_by_text("3 files selected11.0 kB")).to_be_visible()


async def test_both_pages_have_the_same_edges(browser: Browser, gateway: str, services: Services) -> None:
    job = await create(services, 10_000)
    edges = []
    for path in ("/", f"/jobs/{job.id}"):
        tab = await opened(browser, WIDE, gateway + path)
        await expect(tab.locator("[data-job]").first).to_be_visible()
        boxes = [await tab.locator(name).first.bounding_box() for name in (".home, .download", ".jobs, .file-table")]
        edges.append([(round(box["x"]), round(box["x"] + box["width"])) for box in boxes if box])
    assert edges[0] == edges[1]
