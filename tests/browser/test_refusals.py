"""What the page says when the server refuses: why, how long to wait, and that nothing is lost."""

from __future__ import annotations

import re
from http import HTTPStatus

import httpx
import pytest
from playwright.async_api import Locator, Page, Route, expect

from jobs.services import Services
from tests.browser.pages import act, button, job
from tests.helpers.busy_store import http_response, intercepting
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, ended
from tests.helpers.proxies import proxied
from tests.helpers.running import serving, working
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.browser

WAITS = "Try again in "


def problem(tab: Page, code: str) -> Locator:
    return tab.get_by_role("alert").filter(has=tab.locator(f'[data-problem="{code}"]'))


async def pick(tab: Page, name: str) -> None:
    await tab.get_by_label("Search files").fill(name)
    await tab.get_by_role("checkbox", name=name).check()
    await expect(tab.get_by_role("region", name="Summary")).to_contain_text("Download size")


async def test_without_files_it_does_not_start_and_says_so(tab: Page, gateway: str) -> None:
    await tab.goto(gateway)
    await button(tab, "Start download").click()
    await expect(tab.get_by_text("Select at least one file.")).to_be_visible()
    assert "/jobs/" not in tab.url


async def test_more_than_a_thousand_files_are_refused_before_it_starts(tab: Page, gateway: str) -> None:
    await tab.goto(gateway)
    await tab.get_by_text("Paste file IDs instead").click()
    await tab.get_by_label("File IDs").fill("10000-11000")
    await button(tab, "Add IDs").click()
    await expect(tab.get_by_text("A download can have at most 1,000 files, but 1,001 are selected.")).to_be_visible()
    await button(tab, "Start download").click()
    assert "/jobs/" not in tab.url


async def test_a_full_queue_tells_the_place_and_the_time_and_keeps_what_was_picked(
    tab: Page, services: Services, catalogue: Catalogue
) -> None:
    waiting = await create(services, await catalogue.add(b"first", "first.txt"))
    await catalogue.add(b"second", "second.txt")
    async with serving(with_changes(services.settings, max_queued=1)) as url:
        await tab.goto(url)
        await pick(tab, "second.txt")
        await button(tab, "Start download").click()
        refusal = problem(tab, "queue_full")
        await expect(refusal).to_contain_text("The download would have been number 2 in the queue.")
        await expect(refusal).to_contain_text(WAITS)
        await expect(tab.get_by_text("1 file selected")).to_be_visible()
        async with working(services.settings):
            await expect(tab.locator(f'[data-job="{waiting.id}"]')).to_have_attribute("data-status", "completed")
            await button(tab, "Start download").click()
            await expect(job(tab, "completed")).to_be_visible()


async def test_a_database_that_is_away_is_said_with_the_time_to_wait(
    tab: Page, services: Services, catalogue: Catalogue
) -> None:
    await catalogue.add(b"x", "x.txt")
    async with proxied(str(services.settings.database_url)) as database:
        async with serving(with_changes(services.settings, database_url=database.url)) as url:
            await tab.goto(url)
            await pick(tab, "x.txt")
            await database.refuse()
            await button(tab, "Start download").click()
            refusal = problem(tab, "database_unavailable")
            await expect(refusal).to_contain_text(WAITS, timeout=15_000)
            await expect(tab.get_by_text("1 file selected")).to_be_visible()
            await database.heal()
            async with working(services.settings):
                await _until_started(tab)
                await expect(job(tab, "completed")).to_be_visible()


async def _until_started(tab: Page) -> None:
    """People press the button again until it works: the circuit takes a moment to close."""
    for _ in range(20):
        await button(tab, "Start download").click()
        try:
            await tab.wait_for_url("**/jobs/*", timeout=1_000)
        except Exception:  # noqa: BLE001 - playwright's own
            continue
        return
    raise AssertionError("it never started")


async def test_an_answer_that_is_not_the_servers_is_told_apart(tab: Page, gateway: str, catalogue: Catalogue) -> None:
    """A proxy's page in between, say of a sign-in."""
    await catalogue.add(b"x", "x.txt")
    async with intercepting(gateway) as between:
        await tab.goto(between.url)
        await pick(tab, "x.txt")
        asks = re.compile(rb"^POST /v1/download/initiate ")
        between.respond = lambda head: http_response("502 Bad Gateway", b"<h1>no</h1>") if asks.match(head) else None
        await button(tab, "Start download").click()
        await expect(tab.get_by_role("alert")).to_contain_text("Couldn't start the download")
        between.respond = lambda _: None
        await button(tab, "Start download").click()
        await tab.wait_for_url("**/jobs/*")


async def test_a_proxy_that_asks_to_wait_is_heard(tab: Page, gateway: str, catalogue: Catalogue) -> None:
    """As nginx and others limit requests: 429, a page of their own, and sometimes the time to wait."""
    await catalogue.add(b"x", "x.txt")
    limited = (
        b"HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/html\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"
    )
    async with intercepting(gateway) as between:
        await tab.goto(between.url)
        await pick(tab, "x.txt")
        between.respond = lambda head: limited if head.startswith(b"POST /v1/download/initiate ") else None
        await button(tab, "Start download").click()
        refusal = tab.get_by_role("alert")
        await expect(refusal).to_contain_text("The server is busy. Try again in a moment.")
        await expect(refusal).to_contain_text(re.compile(r"Try again in [5-7] s"))
        await expect(tab.get_by_text("1 file selected")).to_be_visible()


async def test_where_all_places_of_followers_are_taken_it_asks_now_and_then(
    tab: Page, catalogue: Catalogue, services: Services
) -> None:
    queued = await create(services, await catalogue.add(b"x", "x.txt"), archive_name="x")
    async with (
        serving(with_changes(services.settings, max_followers=1)) as url,
        httpx.AsyncClient(base_url=url) as other,
        other.stream("GET", f"/v1/download/stream/{queued.id}") as taking,
    ):
        await anext(taking.aiter_bytes())
        await tab.goto(f"{url}/jobs/{queued.id}")
        async with working(services.settings):
            await expect(job(tab, "completed")).to_be_visible(timeout=30_000)


async def test_what_has_moved_on_meanwhile_is_said_and_shown_as_it_is(
    tab: Page, gateway: str, api: httpx.AsyncClient, services: Services
) -> None:
    failed = await create(services, 99_999)
    async with working(services.settings):
        await ended(api, f"/v1/download/job/{failed.id}")
    await tab.goto(f"{gateway}/jobs/{failed.id}")
    await expect(button(tab, "Choose other files")).to_be_visible()

    async def retried_by_another_page_first(route: Route) -> None:
        assert (await api.post(f"/v1/download/job/{failed.id}/retry")).status_code == HTTPStatus.ACCEPTED
        await route.continue_()

    await tab.route("**/retry", retried_by_another_page_first)
    await act(tab, "Try again")
    await expect(problem(tab, "illegal_transition")).to_contain_text("It changed in the meantime")
    await expect(job(tab, "queued")).to_be_visible()
