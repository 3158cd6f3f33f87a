"""The operators' page: live figures, search, a job's timeline, bulk actions, queues, workers, and who sees what."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from app.access.principals import Role
from jobs.services import Services
from tests.browser.pages import button, goes, shoot, strict_window, use_session
from tests.browser.test_accessibility import faults
from tests.helpers.access import session_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, dead, read_job
from tests.helpers.proxies import Proxy
from tests.helpers.running import serving, working
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.browser

MIB = 1024 * 1024
SIZES = {390: 844, 820: 1180, 1440: 900}
SLOW = 20_000
"""Milliseconds for what a worker does in the background: an action begins up to 7 s after it was agreed to."""


@pytest.fixture
def axe(project: Path) -> str:
    return (project / "frontend/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


def figure(tab: Page, name: str) -> Locator:
    """The value of one of the figures at the top."""
    return tab.locator(".tiles > div", has=tab.get_by_text(name, exact=True)).locator("dd")


async def test_the_overview_is_live(
    tab: Page, gateway: str, services: Services, catalogue: Catalogue, slow_worker: Proxy
) -> None:
    slow_worker.rate = MIB // 4
    files = [await catalogue.add(bytes([n]) * (3 * MIB // 2), f"{n}.flac") for n in range(8)]
    await tab.goto(f"{gateway}/operator")
    await goes(tab, "live")
    await expect(figure(tab, "Running")).to_have_text(re.compile("^0"))
    await expect(tab.locator('[data-dependency="database"]')).to_contain_text("Up")
    await expect(figure(tab, "Workers")).to_contain_text("1 of 1")
    job = await create(services, *files, archive_name="Field recordings.zip", owner="anna")
    await expect(figure(tab, "Running")).to_have_text(re.compile("^1"), timeout=SLOW)
    await expect(tab.locator('[data-queue="download"]')).to_contain_text("1 of ")
    running = tab.locator("[data-worker]").locator(f'[data-job="{job.id}"]')
    await expect(running).to_contain_text("Field recordings.zip")
    await expect(running).to_contain_text("anna")
    await expect(running.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile(r"\d+"))
    slow_worker.rate = None
    await expect(running).to_have_count(0, timeout=SLOW)
    await expect(figure(tab, "Success rate")).to_contain_text("100%", timeout=SLOW)
    await expect(tab.get_by_role("img", name=re.compile("Jobs a minute in the last hour: Created 1"))).to_be_visible()


async def test_without_websockets_it_comes_by_a_stream(tab: Page, gateway: str) -> None:
    await tab.add_init_script("delete window.WebSocket")
    await tab.goto(f"{gateway}/operator")
    await goes(tab, "sse")
    await expect(figure(tab, "Gateways")).to_contain_text("1 of 1")


async def test_a_dead_job_is_found_by_its_error_and_shows_each_attempt(
    tab: Page, gateway: str, services: Services, catalogue: Catalogue
) -> None:
    await create(services, await catalogue.add(b"data", "a.txt"), archive_name="other.zip", owner="otto")
    job = await dead(services, archive_name="lost.zip", owner="anna")
    await tab.goto(f"{gateway}/operator/jobs")
    rows = tab.locator("tbody[data-job]")
    await expect(rows).to_have_count(2)
    await expect(tab.get_by_text("2 jobs match")).to_be_visible()
    for sought in ("attempt 3 went", "anna", str(job.id), "lost"):
        await tab.get_by_label("Search jobs").fill(sought)
        await expect(rows).to_have_count(1)
        await expect(rows).to_contain_text("Dead")
        await tab.get_by_label("Search jobs").fill("")
        await expect(rows).to_have_count(2)
    await tab.get_by_label("Dead only").check()
    await expect(rows).to_have_count(1)
    await expect(tab).to_have_url(f"{gateway}/operator/jobs?dead=true")
    await tab.get_by_role("link", name="lost.zip").click()
    await expect(tab).to_have_url(f"{gateway}/operator/jobs/{job.id}")
    await expect(tab.get_by_role("heading", name="lost.zip", level=1)).to_be_focused()
    attempts = tab.locator("[data-attempt]")
    await expect(attempts).to_have_count(3)
    await expect(attempts.last).to_contain_text("attempt 3 went wrong")
    await expect(tab.get_by_role("table", name="Events").get_by_role("row")).to_have_count(8)
    await tab.go_back()
    await expect(tab.get_by_label("Dead only")).to_be_checked()


async def test_a_queued_job_says_why_it_waits(
    tab: Page, gateway: str, services: Services, catalogue: Catalogue
) -> None:
    job = await create(services, await catalogue.add(b"data", "a.txt"))
    await tab.goto(f"{gateway}/operator/jobs/{job.id}")
    await expect(tab.locator("[data-reason]")).to_have_attribute("data-reason", "no_worker")
    async with working(services.settings):
        await expect(tab.locator('[data-job][data-status="completed"]')).to_be_visible()
    await expect(tab.locator("[data-reason]")).to_have_count(0)


async def test_all_that_match_are_counted_then_retried(tab: Page, gateway: str, services: Services) -> None:
    jobs = [await dead(services, archive_name=f"lost-{n}.zip") for n in range(12)]
    await tab.goto(f"{gateway}/operator/jobs?dead=true&q=lost")
    await button(tab, "Retry all…").click()
    await expect(tab.get_by_role("heading", name="Retry 12 jobs?")).to_be_focused()
    await tab.keyboard.press("Escape")
    await expect(button(tab, "Retry all…")).to_be_focused()
    await button(tab, "Retry all…").click()
    await button(tab, "Retry 12 jobs").click()
    action = tab.locator("[data-action]")
    await expect(action).to_contain_text("Starts in")
    await button(tab, "Undo: Retry 12 jobs").click()
    await expect(action).to_contain_text("Undone before it started")
    assert (await read_job(services, jobs[0].id)).status == "failed"
    late = await dead(services, archive_name="lost-late.zip")
    await button(tab, "Retry all…").click()
    await expect(tab.get_by_role("heading", name="Retry 13 jobs?")).to_be_visible()
    async with working(services.settings):
        await button(tab, "Retry 13 jobs").click()
        await expect(action.first).to_contain_text("13 of 13 done", timeout=SLOW)
        await expect(action.first).to_have_attribute("data-state", "completed")
        await expect(tab.get_by_text("Retry 13 jobs: 13 of 13 done.")).to_be_attached()
    assert (await read_job(services, late.id)).attempt <= 1


async def test_one_job_is_cancelled_from_its_page(
    tab: Page, gateway: str, services: Services, catalogue: Catalogue
) -> None:
    file = await catalogue.add(b"data", "a.txt")
    job, other = [await create(services, file) for _ in range(2)]
    await tab.goto(f"{gateway}/operator/jobs/{job.id}")
    await button(tab, "Cancel").click()
    await button(tab, "Really? Cancel").click()
    async with working(with_changes(services.settings, worker_kinds=["upload"])):
        await expect(tab.locator('[data-job][data-status="cancelled"]')).to_be_visible(timeout=SLOW)
    assert (await read_job(services, other.id)).status == "queued"


async def test_a_queue_is_paused_with_a_reason_and_resumed(
    tab: Page, gateway: str, services: Services, catalogue: Catalogue, worker: None
) -> None:
    del worker
    await tab.goto(f"{gateway}/operator")
    queue = tab.locator('[data-queue="download"]')
    await button(tab, "Pause Downloads").click()
    await expect(tab.get_by_label("Reason")).to_be_focused()
    await tab.keyboard.type("the store moves")
    await button(queue, "Pause Downloads").last.click()
    await expect(queue).to_contain_text("Paused", timeout=SLOW)
    await expect(queue).to_contain_text("the store moves")
    job = await create(services, await catalogue.add(b"data", "a.txt"))
    await expect(figure(tab, "Waiting")).to_have_text(re.compile("^1"), timeout=SLOW)
    await tab.goto(f"{gateway}/operator/jobs/{job.id}")
    await expect(tab.locator("[data-reason]")).to_have_attribute("data-reason", "queue_paused")
    await tab.get_by_role("link", name="Overview").click()
    await button(tab, "Resume Downloads").click()
    await expect(queue).to_contain_text("Open", timeout=SLOW)
    await expect(figure(tab, "Waiting")).to_have_text(re.compile("^0"), timeout=SLOW)


async def test_a_worker_is_drained_and_resumed(tab: Page, gateway: str, worker: None) -> None:
    del worker
    await tab.goto(f"{gateway}/operator")
    row = tab.locator("[data-worker]")
    await expect(row).to_have_attribute("data-state", "running")
    await button(tab, "Drain worker-1").click()
    await button(tab, "Really? Drain worker-1").click()
    await expect(row).to_have_attribute("data-state", "drained", timeout=SLOW)
    await button(tab, "Resume worker-1").click()
    await expect(row).to_have_attribute("data-state", "running", timeout=SLOW)


async def test_a_notice_is_acknowledged(tab: Page, gateway: str, services: Services) -> None:
    await dead(services)
    await tab.goto(f"{gateway}/operator")
    notice = tab.locator("[data-notice]")
    await expect(notice).to_have_count(1)
    await notice.get_by_role("button").click()
    await expect(tab.get_by_text("No open notices.")).to_be_visible()


@pytest.mark.parametrize("changes", [{"auth_mode": "required"}])
async def test_support_sees_all_without_the_buttons_and_users_see_nothing(
    browser: Browser, services: Services, gateway: str
) -> None:
    await dead(services, owner="anna", archive_name="lost.zip")
    acts = re.compile("^(Pause|Drain|Retry|Cancel|Delete|Acknowledge|Undo|Stop)")
    async with strict_window(browser) as window:
        await use_session(window, await session_of(services, "sara", Role.SUPPORT), gateway)
        tab = await window.new_page()
        await tab.goto(gateway)
        await button(tab, "Signed in as sara").click()
        await tab.get_by_role("link", name="Operations").click()
        await goes(tab, "live")
        await expect(tab.locator('[data-queue="download"]')).to_be_visible()
        await expect(tab.get_by_text("With the role support")).to_be_visible()
        await expect(tab.get_by_role("button", name=acts)).to_have_count(0)
        await tab.get_by_role("link", name="Jobs", exact=True).click()
        await expect(tab.locator("tbody[data-job]")).to_contain_text("anna")
        await expect(tab.get_by_role("button", name=acts)).to_have_count(0)
        await tab.get_by_role("link", name="lost.zip").click()
        await expect(tab.locator("[data-attempt]")).to_have_count(3)
        await expect(tab.get_by_role("button", name=acts)).to_have_count(0)
    async with strict_window(browser) as window:
        await use_session(window, await session_of(services, "anna"), gateway)
        tab = await window.new_page()
        await tab.goto(f"{gateway}/operator")
        await expect(tab.get_by_role("heading", name="This page is for operators")).to_be_visible()
        await tab.goto(gateway)
        await button(tab, "Signed in as anna").click()
        await expect(tab.get_by_role("link", name="Account")).to_be_visible()
        await expect(tab.get_by_role("link", name="Operations")).to_have_count(0)
    async with strict_window(browser) as window:
        tab = await window.new_page()
        await tab.goto(f"{gateway}/operator")
        await expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
async def test_axe_finds_nothing_on_the_operators_page(
    browser: Browser,
    gateway: str,
    services: Services,
    catalogue: Catalogue,
    store: Proxy,
    axe: str,
    theme: Literal["light", "dark"],
    width: int,
) -> None:
    """In each of its views, on a phone, a tablet and a wide screen; `HAULAGE_TEST_SHOTS` keeps the screenshots."""
    size: Any = {"width": width, "height": SIZES[width]}
    found: dict[str, list[str]] = {}
    lost = [
        await dead(services, archive_name=f"Quarterly report {n}.zip", owner="bulk-import@example.com") for n in (1, 2)
    ]
    files = [await catalogue.add(bytes([n]) * (3 * MIB // 2), f"Recording {n}.flac") for n in range(8)]
    running = await create(services, *files, archive_name="Field recordings.zip", owner="anna")
    store.rate = MIB
    async with (
        working(with_changes(services.settings, s3_endpoint=store.url)),
        strict_window(browser, viewport=size, color_scheme=theme, reduced_motion="reduce") as window,
    ):
        tab = await window.new_page()

        async def look(name: str) -> None:
            await shoot(tab, f"operator-{name}-{width}-{theme}")
            found[name] = await faults(tab, axe)
            wide = await tab.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            assert not wide, f"{name} can be scrolled sideways"

        await tab.goto(f"{gateway}/operator")
        await expect(tab.locator("[data-worker] [role=progressbar]")).to_be_visible()
        store.stall()
        await expect(tab.locator("[data-notice]")).to_be_visible()
        await button(tab, "Pause Uploads").click()
        await tab.get_by_text("Show as a table").click()
        await look("overview")
        await tab.goto(f"{gateway}/operator/jobs?since=24h")
        await expect(tab.locator("tbody[data-job]")).to_have_count(3)
        await button(tab, "Retry all…").click()
        await button(tab, "Retry 2 jobs").click()
        await expect(tab.locator("[data-action]")).to_be_visible()
        await button(tab, "Delete dead…").click()
        await expect(tab.locator("#bulk-title")).to_be_visible()
        await look("jobs")
        for name, job in (("dead", lost[0]), ("running", running)):
            await tab.goto(f"{gateway}/operator/jobs/{job.id}")
            await expect(tab.locator("[data-attempt]").first).to_be_visible()
            await look(name)
        store.rate = None
        await store.heal()
        await tab.goto(f"{gateway}/operator/jobs/00000000-0000-4000-8000-000000000000")
        await expect(tab.locator("[data-problem]")).to_be_visible()
        await look("none")
    assert {name: faults for name, faults in found.items() if faults} == {}


async def test_a_gateway_that_is_away_is_said_to_be(browser: Browser, services: Services) -> None:
    async with strict_window(browser) as window:
        tab = await window.new_page()
        async with serving(services.settings) as url:
            await tab.goto(f"{url}/operator")
            await goes(tab, "live")
        await goes(tab, "offline", 25)
        await expect(tab.get_by_text("Figures are as they were")).to_be_visible()
        options: Any = {"has_text": "1 of 1"}
        await expect(figure(tab, "Gateways").filter(**options)).to_be_visible()
