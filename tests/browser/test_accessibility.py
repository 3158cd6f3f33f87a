"""axe finds nothing in any state of the page, in light and dark, on a phone and a wide screen.

`HAULAGE_TEST_SHOTS` names a folder in which screenshots of all that are kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from playwright.async_api import Browser, Page, expect

from jobs.bundles.downloads import OnMissing
from jobs.services import Services
from tests.browser.pages import button, shoot, strict_window, use_session
from tests.helpers.access import session_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, ended
from tests.helpers.proxies import Proxy
from tests.helpers.running import serving, working
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.browser

SIZES = {360: 780, 820: 1180, 1440: 900}
MIB = 1024 * 1024
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"


@pytest.fixture
def axe(project: Path) -> str:
    return (project / "frontend/node_modules/axe-core/axe.min.js").read_text(encoding="utf-8")


async def faults(tab: Page, axe: str) -> list[str]:
    """What axe has against the page as it is: rule, place and why."""
    await tab.evaluate(axe)
    found: dict[str, Any] = await tab.evaluate(f"axe.run({RULES})")
    return [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in found["violations"]
        for node in fault["nodes"]
    ]


@pytest.fixture
async def states(services: Services, catalogue: Catalogue, gateway: str, api: httpx.AsyncClient) -> dict[str, str]:
    """Addresses of jobs that have ended in each way, and of one that waits."""
    names = [f"Quarterly report {year} Q{n}.pdf" for year in range(2019, 2026) for n in range(1, 5)]
    ids = [await catalogue.add(bytes([n]) * (n * 40_000 + 700), name) for n, name in enumerate(names)]
    gone = await catalogue.add(b"gone", "a file with a rather long name that was removed from the store meanwhile.tiff")
    await catalogue.remove(gone)
    jobs: dict[str, str] = {}
    async with working(services.settings):
        wishes: dict[str, tuple[list[int], OnMissing]] = {
            "ready": ([*ids, gone], OnMissing.SKIP),
            "failed": ([*ids[:3], gone, 99_999], OnMissing.FAIL),
        }
        for name, (wanted, on_missing) in wishes.items():
            job = await create(services, *wanted, archive_name=f"{name}.zip", on_missing=on_missing)
            await ended(api, f"/v1/download/job/{job.id}")
            jobs[name] = f"{gateway}/jobs/{job.id}"
    cancelled = await create(services, *ids, archive_name="cancelled.zip")
    await api.delete(f"/v1/download/job/{cancelled.id}")
    waiting = await create(services, *ids, archive_name="waiting.zip")
    jobs |= {"cancelled": f"{gateway}/jobs/{cancelled.id}", "queued": f"{gateway}/jobs/{waiting.id}"}
    return jobs | {"home": gateway, "form": gateway, "none": f"{gateway}/jobs/nonsense"}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
async def test_axe_finds_nothing(
    browser: Browser, states: dict[str, str], axe: str, theme: Literal["light", "dark"], width: int
) -> None:
    found = {}
    size: Any = {"width": width, "height": SIZES[width]}
    async with strict_window(browser, viewport=size, color_scheme=theme, reduced_motion="reduce") as window:
        tab = await window.new_page()
        for name, address in states.items():
            await tab.goto(address)
            loaded = {"home": "[data-job]", "form": "[data-job]", "none": "[data-problem]"}.get(name, "[data-file]")
            await expect(tab.locator(loaded).first).to_be_visible()
            if name == "home":
                # The last one: axe does not see that the menu's backdrop takes the clicks of the rows that the menu covers.
                await tab.get_by_role("button", name="More actions").last.click()
            if name == "form":
                await _fill(tab)
            if name == "ready":
                await tab.get_by_text("1 file was skipped").click()
                await tab.get_by_text("Verify the file").click()
            await shoot(tab, f"{name}-{width}-{theme}")
            found[name] = await faults(tab, axe)
            wide = await tab.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
            assert not wide, f"{name} can be scrolled sideways"
    assert found == {name: [] for name in states}


async def _fill(tab: Page) -> None:
    """The form with a selection, one of it missing; on narrow screens it is a sheet."""
    await tab.get_by_role("button", name="New download").or_(tab.get_by_label("Search files")).first.click()
    await tab.get_by_role("checkbox", name="2019 Q2").check()
    await tab.get_by_text("Paste file IDs instead").click()
    await tab.get_by_label("File IDs").fill("10005-10012 88888 what")
    await tab.get_by_role("button", name="Add IDs").click()
    await tab.get_by_text("10 files selected").click()
    await expect(tab.get_by_text("1 file is missing")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
async def test_axe_finds_nothing_while_a_job_runs(
    browser: Browser,
    gateway: str,
    services: Services,
    catalogue: Catalogue,
    slow_worker: Proxy,
    axe: str,
    theme: Literal["light", "dark"],
    width: int,
) -> None:
    slow_worker.rate = MIB
    ids = [await catalogue.add(bytes([n]) * (3 * MIB // 2), f"Recording {n}.flac") for n in range(8)]
    running = await create(services, *ids, archive_name="Field recordings.zip")
    size: Any = {"width": width, "height": SIZES[width]}
    async with strict_window(browser, viewport=size, color_scheme=theme) as window:
        tab = await window.new_page()
        await tab.goto(f"{gateway}/jobs/{running.id}")
        await expect(tab.get_by_text(" to go")).to_be_visible()
        slow_worker.stall()
        await shoot(tab, f"running-{width}-{theme}")
        found = await faults(tab, axe)
        await tab.goto(gateway)
        await expect(tab.get_by_role("progressbar")).to_be_visible()
        await shoot(tab, f"home-running-{width}-{theme}")
        found += await faults(tab, axe)
    assert found == []


async def test_an_empty_and_an_unreachable_server_say_so(browser: Browser, services: Services, axe: str) -> None:
    async with strict_window(browser, color_scheme="light") as window:
        tab = await window.new_page()
        async with serving(services.settings) as url:
            await tab.goto(url)
            await expect(tab.get_by_text("No downloads yet")).to_be_visible()
            await expect(tab.get_by_text("There are no files yet")).to_be_visible()
            await shoot(tab, "empty")
            found = await faults(tab, axe)
        await tab.get_by_label("Search files").fill("x")
        await expect(tab.get_by_text("Couldn't search files")).to_be_visible()
        await tab.evaluate("window.dispatchEvent(new Event('online'))")
        await expect(tab.get_by_text("No connection to the server")).to_be_visible()
        await expect(tab.get_by_text("Your downloads will be shown here")).to_be_visible()
        await shoot(tab, "offline")
        assert found + await faults(tab, axe) == []


@pytest.mark.parametrize("changes", [{"auth_mode": "required"}])
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_where_users_sign_in(
    browser: Browser,
    services: Services,
    catalogue: Catalogue,
    axe: str,
    worker: None,
    theme: Literal["light", "dark"],
) -> None:
    """The sign-in, the account and share links, on a phone and a wide screen."""
    del worker
    provider = {"public_url": "http://127.0.0.1", "oidc_issuer": "https://id.example", "oidc_client_id": "haulage"}
    job = await create(services, await catalogue.add(b"data", "a.txt"), owner="anna", archive_name="mine.zip")
    session = await session_of(services, "anna", session_id="first")
    await session_of(services, "anna")
    found: dict[str, list[str]] = {}
    async with (
        strict_window(browser, color_scheme=theme, reduced_motion="reduce") as window,
        serving(services.settings) as gateway,
        serving(with_changes(services.settings, **provider)) as with_provider,
    ):
        tab = await window.new_page()

        async def look(name: str) -> None:
            for width in (360, 1440):
                await tab.set_viewport_size({"width": width, "height": SIZES[width]})
                await shoot(tab, f"{name}-{width}-{theme}")
                found[f"{name}-{width}"] = await faults(tab, axe)
                wide = await tab.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
                assert not wide, f"{name} can be scrolled sideways"

        for name, url in (("sign-in", gateway), ("sign-in-provider", with_provider)):
            await tab.goto(url)
            await expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()
            await look(name)
        await tab.goto(f"{gateway}/sign-in#secret")
        await expect(button(tab, "Sign in")).to_be_visible()
        await look("one-time-link")
        await use_session(window, session, gateway)
        await tab.goto(f"{gateway}/account")
        await tab.get_by_text("Create an API key").click()
        await tab.get_by_label("Name").fill("backup")
        await button(tab, "Create key").click()
        await expect(tab.get_by_label("New API key")).to_be_visible()
        await button(tab, "Revoke key backup").click()
        await look("account")
        await button(tab, "Signed in as anna").click()
        await look("account-menu")
        await tab.goto(f"{gateway}/jobs/{job.id}")
        await tab.get_by_text("Share links").click()
        await button(tab, "Create share link").click()
        await expect(tab.get_by_label("New share link")).to_be_visible()
        await look("shares")
        await button(tab, "More actions: mine.zip").click()
        await button(tab, "Share…").click()
        await expect(tab.get_by_role("dialog")).to_be_visible()
        await look("shares-sheet")
    assert {name: faults for name, faults in found.items() if faults} == {}
