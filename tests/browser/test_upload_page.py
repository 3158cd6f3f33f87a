"""The view of uploads: files and folders are dropped, followed on two devices, and downloaded again as a bundle."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, Dialog, Locator, Page, Route, expect

from jobs.services import Services
from jobs.uploads.uploads import MIB
from tests.browser.pages import button, fetch, job, shoot, strict_window, use_session
from tests.browser.test_accessibility import SIZES, axe, faults
from tests.helpers.access import session_of
from tests.helpers.bundles import opened
from tests.helpers.eventually import eventually
from tests.helpers.running import serving, working
from tests.helpers.uploads import completed, created

pytestmark = pytest.mark.browser
__all__ = ["axe"]

PART = 8 * MIB
FRAMES = """
    async (box) => {
        const times = [];
        let before = performance.now();
        const end = before + 1500;
        while (before < end) {
            box.scrollTop += 400;
            const now = await new Promise(requestAnimationFrame);
            times.push(now - before);
            before = now;
        }
        return times.slice(2);
    }
"""
"""Scrolls for a while; the milliseconds between frames."""


class Gate:
    """Lets some parts through to the store, and holds back the others until it is opened."""

    def __init__(self, parts: int) -> None:
        self._parts = parts
        self._open = asyncio.Event()

    async def pass_on(self, route: Route) -> None:
        if route.request.method == "PUT":
            self._parts -= 1
            if self._parts < 0:
                await self._open.wait()
        await route.continue_()

    def open(self) -> None:
        self._open.set()


async def gated(window: BrowserContext, services: Services, parts: int) -> Gate:
    gate = Gate(parts)
    await window.route(f"{services.settings.s3_endpoint}/**", gate.pass_on)
    return gate


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Many steps lie between a click and what it leads to, each with a server of its own."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(autouse=True)
async def cors(services: Services) -> None:
    """The bucket has its CORS rule."""
    await services.storage.bucket.ensure()


async def drop(tab: Page, *paths: Path) -> None:
    """Drags files and folders from the desktop into the window, and drops them, once the view takes them."""
    await expect(tab.get_by_text("Drop files and folders here")).to_be_visible()
    session = await tab.context.new_cdp_session(tab)
    data: dict[str, Any] = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        await session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 700, "data": data})
    await session.detach()


def upload(tab: Page, name: str) -> Locator:
    return tab.locator("[data-upload-state]").filter(has_text=name)


async def in_state(tab: Page, name: str, state: str) -> None:
    await expect(upload(tab, name)).to_have_attribute("data-upload-state", state)


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


async def test_a_dropped_folder_and_files_are_uploaded_and_two_of_them_come_back_as_a_bundle(
    tab: Page, gateway: str, worker: None, tmp_path: Path
) -> None:
    del worker
    files = {"photos/sea/a.txt": b"waves", "photos/b.txt": b"sand", "notes.txt": b"notes", "empty.bin": b""}
    folder = written(tmp_path / "disk", files)
    await tab.goto(gateway)
    await tab.get_by_role("link", name="Uploads").click()
    await expect(tab).to_have_title("Uploads · Haulage")
    await expect(tab.get_by_text("No uploads yet")).to_be_visible()
    await drop(tab, folder / "photos", folder / "notes.txt", folder / "empty.bin")
    for name in files:
        await in_state(tab, name, "completed")
    await expect(tab.get_by_role("progressbar", name="All uploads")).to_have_attribute(
        "aria-valuetext", re.compile("100%, 14 B of 14 B, 4 of 4 files")
    )
    await expect(tab.get_by_role("status").last).to_have_text("4 files uploaded.")
    await tab.get_by_role("checkbox", name="Select photos/sea/a.txt").check()
    await tab.get_by_role("checkbox", name="Select notes.txt").check()
    await expect(tab.get_by_text("2 files selected, 10 B")).to_be_visible()
    await button(tab, "New download").click()
    form = tab.get_by_role("dialog")
    await form.get_by_label("Bundle name").fill("two")
    await button(form, "Start download").click()
    await tab.wait_for_url("**/jobs/*")
    await expect(job(tab, "completed")).to_be_visible()
    bundle = opened((await fetch(tab, tmp_path)).read_bytes())
    assert bundle.keys() == {"photos/sea/a.txt", "notes.txt", "manifest.json"}
    assert bundle["photos/sea/a.txt"] == b"waves"
    await tab.get_by_role("link", name="All downloads").click()
    await expect(tab.locator("[data-job]")).to_have_count(1)  # uploads are none


async def test_an_upload_is_paused_continued_seen_on_another_device_and_not_left_unasked(
    browser: Browser, window: BrowserContext, tab: Page, gateway: str, services: Services, worker: None, tmp_path: Path
) -> None:
    del worker
    gate = await gated(window, services, 1)
    film = written(tmp_path, {"film.bin": bytes(3 * PART)}) / "film.bin"
    await tab.goto(f"{gateway}/uploads")
    await tab.locator('[data-choose="files"]').set_input_files(film)
    await in_state(tab, "film.bin", "sending")
    await expect(upload(tab, "film.bin")).to_contain_text("Sending33.3%")
    await expect(tab).to_have_title("33% · Uploading 1 file · Haulage")
    async with strict_window(browser) as elsewhere:
        other = await elsewhere.new_page()
        await other.goto(f"{gateway}/uploads")
        await expect(upload(other, "film.bin")).to_contain_text("Unfinished33.3%")
        await expect(button(other, "Cancel film.bin")).to_be_visible()
        await expect(other.get_by_role("progressbar")).to_have_count(0)  # nothing is sent by this one

        questions: list[str] = []

        async def stay(dialog: Dialog) -> None:
            questions.append(dialog.type)
            await dialog.dismiss()

        tab.once("dialog", stay)
        await tab.evaluate("setTimeout(() => window.location.assign('/docs'))")
        await eventually(lambda: _true(questions == ["beforeunload"]))

        await tab.get_by_role("link", name="Downloads").click()
        await expect(tab.get_by_role("link", name="Uploads")).to_contain_text("33%")
        await tab.get_by_role("link", name="Uploads").click()
        pause = button(tab, "Pause film.bin")
        await pause.focus()
        await tab.keyboard.press("Enter")
        await in_state(tab, "film.bin", "paused")
        await expect(button(tab, "Resume film.bin")).to_be_focused()
        gate.open()
        await button(tab, "Resume all").click()
        await in_state(tab, "film.bin", "completed")
        await in_state(other, "film.bin", "completed")
        await expect(other.get_by_role("checkbox", name="Select film.bin")).to_be_visible()


async def _true(value: bool) -> bool:
    return value


async def test_a_file_that_is_not_what_its_name_says_fails_with_the_reason(
    tab: Page, gateway: str, worker: None, tmp_path: Path
) -> None:
    del worker
    folder = written(tmp_path, {"picture.png": b"<!doctype html><html><body>hello</body></html>", "a.txt": b"text"})
    await tab.goto(f"{gateway}/uploads")
    await tab.locator('[data-choose="files"]').set_input_files([folder / "picture.png", folder / "a.txt"])
    await in_state(tab, "picture.png", "failed")
    await in_state(tab, "a.txt", "completed")
    await expect(upload(tab, "picture.png")).to_contain_text("The file is not image/png, as its name says")
    await tab.get_by_text("Problems 1").click()
    await expect(tab.locator("[data-upload-state]")).to_have_count(1)
    await tab.reload()  # from now on it is one of an earlier visit
    await expect(upload(tab, "picture.png")).to_contain_text("The file is not image/png, as its name says")
    await expect(tab.get_by_role("checkbox", name="Select a.txt")).to_be_visible()


async def test_ten_thousand_files_scroll_smoothly(
    window: BrowserContext, tab: Page, gateway: str, services: Services, tmp_path: Path
) -> None:
    await gated(window, services, 0)
    folder = written(tmp_path / "many", {f"{n:05}.txt": b"x" for n in range(10_000)})
    await tab.goto(f"{gateway}/uploads")
    await drop(tab, folder)
    await expect(tab.get_by_text("All 10,000")).to_be_visible(timeout=30_000)
    assert await tab.locator("[data-upload-state]").count() < 60
    frames = sorted(await tab.get_by_role("region", name="Files that are uploaded").evaluate(FRAMES))
    assert frames[len(frames) // 2] < 50, f"milliseconds between frames: {frames}"


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_axe_finds_nothing_in_the_states_of_uploads(
    browser: Browser, services: Services, gateway: str, api: httpx.AsyncClient, axe: str, theme: Any, tmp_path: Path
) -> None:
    await created(services, bytes(100), "left by another device.bin")
    async with working(services.settings):
        for name, data in (("Annual report.txt", b"text"), ("holiday.png", b"<!doctype html><html></html>")):
            job_id = (await completed(services, data, name)).id
            path = f"/v1/upload/job/{job_id}"
            await eventually(lambda: _ended(api, path))  # noqa: B023 - awaited at once
    folder = written(tmp_path, {"film, with a rather long name that takes more than one line.bin": bytes(100)})
    found: dict[str, list[str]] = {}
    async with strict_window(browser, color_scheme=theme, reduced_motion="reduce") as window:
        gate = await gated(window, services, 0)
        tab = await window.new_page()

        async def look(name: str) -> None:
            for width, height in SIZES.items():
                await tab.set_viewport_size({"width": width, "height": height})
                await shoot(tab, f"uploads-{name}-{width}-{theme}")
                found[f"{name}-{width}"] = await faults(tab, axe)
                wide = await tab.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
                assert not wide, f"{name} can be scrolled sideways"

        await tab.goto(f"{gateway}/uploads")
        await tab.locator('[data-choose="files"]').set_input_files(list(folder.iterdir()))
        await expect(upload(tab, "film")).to_contain_text("Sending0.0%")
        await expect(upload(tab, "holiday.png")).to_contain_text("The file is not image/png")
        await tab.get_by_role("checkbox", name="Select Annual report.txt").check()
        await look("sending")
        await button(tab, "Pause all").click()
        await in_state(tab, "film", "paused")
        await button(tab, "New download").click()
        await expect(tab.get_by_role("dialog")).to_be_visible()
        await look("download")
        gate.open()
    assert {name: faults for name, faults in found.items() if faults} == {}


async def _ended(api: httpx.AsyncClient, path: str) -> bool:
    body = (await api.get(path, headers={"Cache-Control": "no-cache"})).json()
    return body["status"] in {"completed", "failed"}


@pytest.mark.parametrize("changes", [{"auth_mode": "required"}])
async def test_who_may_use_a_file_is_chosen_and_who_may_not_upload_is_told(
    window: BrowserContext, tab: Page, services: Services, worker: None, tmp_path: Path
) -> None:
    del worker
    async with serving(services.settings) as gateway:
        await use_session(window, await session_of(services, "anna"), gateway)
        await tab.goto(f"{gateway}/uploads")
        chooser = tab.get_by_label("Who may use these files")
        await expect(chooser).to_have_value("private")
        await chooser.select_option("public")
        await tab.locator('[data-choose="files"]').set_input_files(written(tmp_path, {"a.txt": b"text"}) / "a.txt")
        await in_state(tab, "a.txt", "completed")
        [row] = await services.database.fetch("SELECT owner, visibility FROM stored_files")
        assert (row["owner"], row["visibility"]) == ("anna", "public")
