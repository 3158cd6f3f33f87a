"""Previews of uploaded files: they appear as they are made, in the list and the grid, and open in a viewer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, Route, expect

from jobs.kinds import Kind
from jobs.services import Services
from tests.browser.pages import button, shoot, strict_window
from tests.browser.test_accessibility import axe, faults
from tests.browser.test_upload_page import upload, written
from tests.helpers.media import encoded, photo
from tests.helpers.pdfs import pdf
from tests.helpers.running import working
from tests.helpers.settings import with_changes
from tests.helpers.videos import video

pytestmark = pytest.mark.browser
__all__ = ["axe"]

SIZES = {390: 844, 820: 1180, 1440: 900}
TEXT = "It was a dark and stormy night.\n"
SHIFTS = """
    window.shifts = 0;
    new PerformanceObserver((list) => {
        for (const { value } of list.getEntries()) window.shifts += value;
    }).observe({ type: "layout-shift", buffered: true });
"""
"""Sums up how far things have moved on the page (https://wicg.github.io/layout-instability)."""


def samples(folder: Path) -> list[Path]:
    """A photo of which most is missing, a text, a photo, and a PDF of 7 pages, by name."""
    whole = encoded(photo(2400, 1800))
    files = {"photo.jpg": whole, "report.pdf": pdf(7), "notes.txt": TEXT.encode(), "broken.jpg": whole[:2000]}
    return sorted(written(folder, files).iterdir())


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Between an upload and its preview lie two jobs, and a program that is started for it."""
    expect.set_options(timeout=40_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(autouse=True)
async def cors(services: Services) -> None:
    """The bucket has its CORS rule."""
    await services.storage.bucket.ensure()


async def send(tab: Page, files: list[Path]) -> None:
    await tab.locator('[data-choose="files"]').set_input_files(files)
    for path in files:
        await expect(completed(tab, path.name)).to_be_visible()


def completed(tab: Page, name: str) -> Locator:
    """An upload once it is completed. Until the page knows the job that it has created, the server's list shows it, too."""
    return tab.locator('[data-upload-state="completed"]').filter(has_text=name)


async def is_loaded(image: Locator) -> None:
    """The image was fetched from the store, and decoded."""
    await expect(image).to_have_js_property("complete", value=True)
    assert await image.evaluate("(image) => image.naturalWidth") > 0


async def test_previews_are_made_seen_as_they_come_and_shown_one_after_the_other(
    tab: Page, gateway: str, services: Services, tmp_path: Path
) -> None:
    await tab.goto(f"{gateway}/uploads")
    receiving = with_changes(services.settings, worker_kinds=(Kind.DOWNLOAD, Kind.UPLOAD))
    async with working(receiving):
        await send(tab, samples(tmp_path / "disk"))
    await expect(upload(tab, "photo.jpg")).to_contain_text("Waiting for previews")
    await expect(upload(tab, "photo.jpg").locator("img")).to_have_count(0)
    async with working(services.settings, "worker-2"):
        await is_loaded(upload(tab, "photo.jpg").locator("img"))
        await is_loaded(upload(tab, "report.pdf").locator("img"))
        await expect(upload(tab, "broken.jpg")).to_contain_text("No preview: ")
        await expect(tab.get_by_text("previews")).to_have_count(0)
    await expect(completed(tab, "broken.jpg")).to_be_visible()

    await button(tab, "Show photo.jpg").click()
    viewer = tab.get_by_role("dialog")
    image = viewer.get_by_role("img", name="photo.jpg")
    await is_loaded(image)
    assert await image.evaluate("(image) => image.naturalWidth") == 1600
    await expect(viewer).to_contain_text(re.compile("2400 . 1800"))
    await tab.keyboard.press("ArrowRight")
    await is_loaded(viewer.get_by_role("img", name="Page 1"))
    await expect(viewer.get_by_role("img")).to_have_count(5)
    await expect(viewer).to_contain_text("The first 5 of 7 pages are shown.")
    await button(viewer, "Text").click()
    await expect(viewer.locator("pre")).to_contain_text("Page 7 of Haulage")
    await tab.keyboard.press("ArrowLeft")
    await tab.keyboard.press("ArrowLeft")
    await expect(viewer.locator("pre")).to_have_text(TEXT)
    await tab.keyboard.press("ArrowLeft")
    await expect(viewer).to_contain_text("No preview could be made")
    await tab.keyboard.press("Escape")
    await expect(viewer).to_have_count(0)
    await expect(button(tab, "Show photo.jpg")).to_be_focused()


async def test_the_focus_stays_in_the_viewer(tab: Page, gateway: str, worker: None, tmp_path: Path) -> None:
    del worker
    await tab.goto(f"{gateway}/uploads")
    await send(tab, samples(tmp_path / "disk"))
    await button(tab, "Show notes.txt").click()
    viewer = tab.get_by_role("dialog")
    await expect(viewer.locator("pre")).to_be_visible()
    for _ in range(12):
        await tab.keyboard.press("Tab")
        assert await tab.evaluate(
            "document.activeElement.closest('dialog') !== null || document.activeElement === document.body"
        )
    await button(viewer, "Next file").click()
    await expect(button(viewer, "Next file")).to_be_focused()
    await button(viewer, "Close").click()
    await expect(button(tab, "Show notes.txt")).to_be_focused()


async def test_the_catalogue_shows_thumbnails_as_list_and_grid_and_remembers_which(
    tab: Page, gateway: str, worker: None, tmp_path: Path
) -> None:
    del worker
    await tab.goto(f"{gateway}/uploads")
    await send(tab, samples(tmp_path / "disk"))
    await is_loaded(upload(tab, "photo.jpg").locator("img"))
    await is_loaded(upload(tab, "report.pdf").locator("img"))
    await button(tab, "Grid").click()
    await is_loaded(upload(tab, "photo.jpg").locator("img"))
    await expect(button(tab, "Grid")).to_have_attribute("aria-pressed", "true")
    await tab.get_by_role("link", name="Downloads").click()
    await expect(button(tab, "Grid")).to_have_attribute("aria-pressed", "true")
    await expect(tab.get_by_text("No downloads yet")).to_be_visible()  # jobs that make previews are none
    for layout in ("Grid", "List"):
        await button(tab, layout).click()
        await is_loaded(button(tab, "Show photo.jpg").locator("img"))
        await expect(tab.get_by_role("checkbox")).to_have_count(4 + 4)  # files, not what was made of them; and options
        await expect(button(tab, "Show broken.jpg")).to_have_count(0)
    await button(tab, "Show report.pdf").click()
    await is_loaded(tab.get_by_role("dialog").get_by_role("img", name="Page 1"))
    await tab.keyboard.press("Escape")
    await expect(tab.get_by_text("No files selected")).to_be_visible()


@pytest.mark.parametrize("layout", ["List", "Grid"])
async def test_nothing_moves_when_images_arrive(
    tab: Page, gateway: str, worker: None, tmp_path: Path, layout: str
) -> None:
    del worker
    await tab.goto(f"{gateway}/uploads")
    await send(tab, samples(tmp_path / "disk"))
    await is_loaded(upload(tab, "photo.jpg").locator("img"))
    await is_loaded(upload(tab, "report.pdf").locator("img"))
    await button(tab, layout).click()
    arrived = asyncio.Event()

    async def hold(route: Route) -> None:
        await arrived.wait()
        await route.continue_()

    await tab.route("**/content", hold)
    await tab.add_init_script(SHIFTS)
    await tab.goto(f"{gateway}/uploads", wait_until="commit")
    await expect(upload(tab, "photo.jpg").locator("img")).to_be_visible()
    await expect(upload(tab, "report.pdf").locator("img")).to_be_visible()
    before = await tab.evaluate("window.shifts")
    arrived.set()
    await is_loaded(upload(tab, "photo.jpg").locator("img"))
    await is_loaded(upload(tab, "report.pdf").locator("img"))
    assert await tab.evaluate("window.shifts") == before


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_in_the_states_of_previews(
    browser: Browser, services: Services, gateway: str, axe: str, theme: Any, tmp_path: Path
) -> None:
    found: dict[str, list[str]] = {}
    async with strict_window(browser, color_scheme=theme, reduced_motion="reduce") as window:
        tab = await window.new_page()

        async def look(name: str) -> None:
            for width, height in SIZES.items():
                await tab.set_viewport_size({"width": width, "height": height})
                await shoot(tab, f"previews-{name}-{width}-{theme}")
                found[f"{name}-{width}"] = await faults(tab, axe)
                wide = await tab.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
                assert not wide, f"{name} can be scrolled sideways"

        await tab.goto(f"{gateway}/uploads")
        async with working(services.settings):
            await send(tab, samples(tmp_path / "disk"))
            await is_loaded(upload(tab, "photo.jpg").locator("img"))
            await is_loaded(upload(tab, "report.pdf").locator("img"))
            await expect(upload(tab, "broken.jpg")).to_contain_text("No preview: ")
            await expect(tab.get_by_text("previews")).to_have_count(0)
        await look("list")
        await button(tab, "Grid").click()
        await look("grid")
        await button(tab, "Show broken.jpg").click()
        viewer = tab.get_by_role("dialog")
        await expect(viewer).to_contain_text("No preview could be made")
        await look("failed")
        for name, shown in (
            ("text", viewer.locator("pre")),
            ("image", viewer.get_by_role("img", name="photo.jpg")),
            ("pages", viewer.get_by_role("img", name="Page 1")),
        ):
            await tab.keyboard.press("ArrowRight")
            await expect(shown).to_be_visible()
            await look(name)
    assert {name: faults for name, faults in found.items() if faults} == {}


async def test_a_video_has_a_player_that_loads_no_more_than_it_needs(
    tab: Page, gateway: str, worker: None, tmp_path: Path
) -> None:
    del worker
    await tab.goto(f"{gateway}/uploads")
    await send(tab, [video(tmp_path / "clip.mp4", size="640x360", seconds=3)])
    await is_loaded(upload(tab, "clip.mp4").locator("img"))
    await button(tab, "Show clip.mp4").click()
    player = tab.get_by_role("dialog").locator("video")
    await expect(player).to_have_js_property("videoWidth", 640)
    await expect(player).to_have_js_property("paused", value=True)
    await expect(player).to_have_attribute("preload", "metadata")
    await expect(player).to_have_attribute("poster", re.compile(r"/v1/files/\d+/content$"))
    await shoot(tab, "previews-video")
