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
from tests.browser.pages import shoot
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, ended
from tests.helpers.proxies import Proxy
from tests.helpers.running import serving, working

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
    context = await browser.new_context(
        viewport={"width": width, "height": SIZES[width]}, color_scheme=theme, reduced_motion="reduce"
    )
    tab = await context.new_page()
    found = {}
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
    await context.close()
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
    context = await browser.new_context(viewport={"width": width, "height": SIZES[width]}, color_scheme=theme)
    tab = await context.new_page()
    slow_worker.rate = MIB
    ids = [await catalogue.add(bytes([n]) * (3 * MIB // 2), f"Recording {n}.flac") for n in range(8)]
    running = await create(services, *ids, archive_name="Field recordings.zip")
    await tab.goto(f"{gateway}/jobs/{running.id}")
    await expect(tab.get_by_text(" to go")).to_be_visible()
    slow_worker.stall()
    await shoot(tab, f"running-{width}-{theme}")
    found = await faults(tab, axe)
    await tab.goto(gateway)
    await expect(tab.get_by_role("progressbar")).to_be_visible()
    await shoot(tab, f"home-running-{width}-{theme}")
    found += await faults(tab, axe)
    await context.close()
    assert found == []


async def test_an_empty_and_an_unreachable_server_say_so(browser: Browser, services: Services, axe: str) -> None:
    context = await browser.new_context(color_scheme="light")
    tab = await context.new_page()
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
    await context.close()
