"""What people do on the page, from picking files to the opened bundle, before the real stack."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Page, expect

from jobs.services import Services
from tests.browser.pages import act, button, fetch, job
from tests.helpers.bundles import opened
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, ended
from tests.helpers.proxies import Proxy
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.browser

MIB = 1024 * 1024


async def start(tab: Page, *names: str, archive: str = "") -> str:
    """Picks these files in the form and starts; the id of the job whose page comes then."""
    for name in names:
        await tab.get_by_label("Search files").fill(name)
        await tab.get_by_role("checkbox", name=name).check()
    await tab.get_by_label("Bundle name").fill(archive)
    await button(tab, "Start download").click()
    await tab.wait_for_url("**/jobs/*")
    return str(tab.url).rpartition("/")[2]


async def completed(tab: Page, gateway: str, api: httpx.AsyncClient, catalogue: Catalogue) -> str:
    """Opens the page of a bundle that is ready; the id of its job."""
    file_id = await catalogue.add(b"x", "x.txt")
    asked = {"file_ids": [file_id], "archiveName": "gone"}
    job_id = str((await api.post("/v1/download/initiate", json=asked)).json()["jobId"])
    await tab.goto(f"{gateway}/jobs/{job_id}")
    await expect(job(tab, "completed")).to_be_visible()
    return job_id


async def test_files_are_picked_checked_packed_and_really_downloaded(
    tab: Page, gateway: str, catalogue: Catalogue, worker: None, tmp_path: Path
) -> None:
    del worker
    for n in range(30):
        await catalogue.add(f"this is {n}".encode() * 100, f"report-{n:02}.txt")
    await tab.goto(gateway)
    await tab.get_by_label("Search files").fill("report-0")
    await expect(tab.get_by_role("checkbox")).to_have_count(10 + 4)  # and the options
    await button(tab, "Select all shown").click()
    before = tab.get_by_role("region", name="Summary")
    await expect(before).to_contain_text("Files10Total size9.00 kB")
    await tab.get_by_label("Bundle name").fill("first reports")
    await button(tab, "Start download").click()
    await expect(job(tab, "completed")).to_be_visible()
    await expect(tab.get_by_role("heading", level=1)).to_have_text("first reports.zip")
    await expect(tab).to_have_title("Ready: first reports.zip · Haulage")
    path = await fetch(tab, tmp_path)
    assert path.name == "first reports.zip"
    files = opened(path.read_bytes())
    assert files.keys() == {*(f"report-{n:02}.txt" for n in range(10)), "manifest.json"}


async def test_no_byte_of_the_bundle_passes_through_the_page(
    tab: Page, gateway: str, catalogue: Catalogue, worker: None, tmp_path: Path
) -> None:
    del worker
    await catalogue.add(b"x" * MIB, "large.bin")
    asked: list[tuple[str, str]] = []
    tab.on("request", lambda request: asked.append((request.resource_type, request.url)))
    await tab.goto(gateway)
    await start(tab, "large.bin", archive="large")
    assert (await fetch(tab, tmp_path)).stat().st_size > MIB
    outside = {kind for kind, url in asked if not url.startswith(gateway)}
    assert outside == {"document"}


async def test_ids_that_were_typed_and_not_added_are_downloaded_too(
    tab: Page, gateway: str, catalogue: Catalogue, worker: None, tmp_path: Path
) -> None:
    del worker
    first, second = [await catalogue.add(name.encode(), name) for name in ("first.txt", "second.txt")]
    await tab.goto(gateway)
    await tab.get_by_role("checkbox", name="first.txt").check()
    await tab.get_by_text("Paste file IDs instead").click()
    await tab.get_by_label("File IDs").fill(f"{first} {second} 12x")
    await expect(tab.get_by_role("checkbox", name="second.txt")).to_be_checked()
    await tab.get_by_text("Paste file IDs instead").click()
    await button(tab, "Start download").click()
    await expect(tab.get_by_text("12x is not a valid file ID.")).to_be_visible()
    await expect(tab.get_by_label("File IDs")).to_be_focused()
    await tab.get_by_label("File IDs").fill(str(second))
    await tab.get_by_label("Bundle name").fill("both.zip")
    await button(tab, "Start download").click()
    await expect(job(tab, "completed")).to_be_visible()
    assert opened((await fetch(tab, tmp_path)).read_bytes()).keys() == {"first.txt", "second.txt", "manifest.json"}


async def test_what_is_missing_is_said_before_it_starts_and_can_be_left_out(
    tab: Page, gateway: str, catalogue: Catalogue, worker: None
) -> None:
    del worker
    here = await catalogue.add(b"here", "here.txt")
    await tab.goto(gateway)
    await tab.get_by_text("Paste file IDs instead").click()
    await tab.get_by_label("File IDs").fill(f"{here}, 99999 nonsense")
    await button(tab, "Add IDs").click()
    await expect(tab.get_by_text("nonsense is not a valid file ID.")).to_be_visible()
    await tab.get_by_label("File IDs").fill("")
    before = tab.get_by_role("region", name="Summary")
    await expect(before).to_contain_text("1 file is missing")
    await expect(before).to_contain_text("99999")
    await button(tab, "Start download").click()
    assert "/jobs/" not in tab.url
    await button(before, "Skip missing files").click()
    await expect(before).to_contain_text("Missing files will be skipped")
    await button(tab, "Start download").click()
    await expect(job(tab, "completed")).to_contain_text("1 file was skipped")


async def test_a_running_job_shows_how_far_it_is_and_can_be_cancelled_and_started_again(
    tab: Page, gateway: str, catalogue: Catalogue, slow_worker: Proxy
) -> None:
    for n in range(4):
        await catalogue.add(bytes([n]) * (2 * MIB), f"part-{n}.bin")
    slow_worker.rate = 0.3 * MIB
    await tab.goto(gateway)
    await start(tab, *(f"part-{n}.bin" for n in range(4)))
    bar = tab.get_by_role("progressbar")
    await expect(bar).to_have_attribute("aria-valuetext", re.compile(r"^[\d.]+%, .* of 8\.39 MB, \d of 4 files"))
    await expect(bar).to_have_attribute("aria-valuetext", re.compile(r"/s, about .* to go"))
    await expect(tab).to_have_title(re.compile(r"^\d+% · "))
    assert "data:image/svg" in str(await tab.locator('link[rel="icon"]').get_attribute("href"))
    await expect(tab.locator("[data-connection]")).to_have_attribute("data-connection", "live")
    await expect(tab.locator('[data-file-status="active"]').first).to_be_visible()
    cancel = button(tab, "Cancel")
    await cancel.focus()
    await tab.keyboard.press("Enter")
    await expect(job(tab, "cancelled")).to_be_visible()
    await expect(tab.get_by_role("status").last).to_contain_text("was cancelled")
    await expect(button(tab, "Try again")).to_be_focused()
    slow_worker.rate = None
    await tab.keyboard.press("Enter")
    await expect(job(tab, "completed")).to_be_visible()
    await expect(tab.get_by_role("link", name="Download", exact=True)).to_be_focused()


async def test_a_job_without_a_name_is_called_by_its_first_file_everywhere(
    tab: Page, gateway: str, catalogue: Catalogue, worker: None, tmp_path: Path
) -> None:
    del worker
    for name in ("Read me first.txt", "b.txt", "c.txt"):
        await catalogue.add(name.encode(), name)
    await tab.goto(gateway)
    await start(tab, "Read me first.txt", "b.txt", "c.txt")
    await expect(job(tab, "completed")).to_be_visible()
    await expect(tab.get_by_role("heading", level=1)).to_have_text("Read me first.txt and 2 more")
    await expect(tab).to_have_title("Ready: Read me first.txt and 2 more · Haulage")
    saved = (await fetch(tab, tmp_path)).name
    await expect(job(tab, "completed")).to_contain_text(f"Saved as{saved}")
    await tab.get_by_role("link", name="All downloads").click()
    await expect(job(tab, "completed")).to_contain_text("Read me first.txt and 2 more")


async def test_a_result_is_saved_by_itself_once_it_is_ready(
    tab: Page, gateway: str, catalogue: Catalogue, slow_worker: Proxy, tmp_path: Path
) -> None:
    await catalogue.add(b"x" * MIB, "later.bin")
    slow_worker.rate = 0.2 * MIB
    await tab.goto(gateway)
    await tab.get_by_role("checkbox", name="Save automatically when ready").check()
    await start(tab, "later.bin", archive="later")
    await expect(tab.get_by_role("checkbox", name="Save automatically when ready")).to_be_checked()
    await tab.reload()
    async with tab.expect_download() as starting:
        slow_worker.rate = None
        await expect(job(tab, "completed")).to_be_visible()
    await (await starting.value).save_as(tmp_path / "later.zip")
    assert opened((tmp_path / "later.zip").read_bytes())["later.bin"] == b"x" * MIB


async def test_a_reload_in_the_middle_changes_nothing(
    tab: Page, gateway: str, catalogue: Catalogue, slow_worker: Proxy
) -> None:
    await catalogue.add(b"x" * (4 * MIB), "slow.bin")
    slow_worker.rate = 0.5 * MIB
    await tab.goto(gateway)
    await start(tab, "slow.bin", archive="slow")
    await expect(tab.get_by_role("progressbar")).to_have_attribute("aria-valuenow", re.compile(r"[1-9]"))
    await tab.reload()
    await expect(job(tab, "processing")).to_be_visible()
    slow_worker.rate = None
    await expect(job(tab, "completed")).to_be_visible()
    await tab.get_by_role("link", name="All downloads").click()
    await expect(job(tab, "completed")).to_contain_text("slow.zip")


async def test_a_failed_job_says_why_and_is_tried_again(
    tab: Page, gateway: str, api: httpx.AsyncClient, catalogue: Catalogue, services: Services, worker: None
) -> None:
    del worker
    good, bad = await catalogue.add(b"good", "good.txt"), await catalogue.add(b"bad", "bad.txt")
    await catalogue.remove(bad)
    failed = await create(services, good, bad, archive_name="both.zip")
    await ended(api, f"/v1/download/job/{failed.id}")
    await tab.goto(f"{gateway}/jobs/{failed.id}")
    await expect(job(tab, "failed")).to_contain_text("Download failed")
    row = tab.locator(f'[data-file="{bad}"]')
    await expect(row).to_have_attribute("data-file-status", "failed")
    await expect(tab.locator(f'[data-file="{good}"]')).to_contain_text("Not started")
    await expect(tab.locator(".notice-body > p")).to_have_text(["Download failed", "1 of 2 files is missing."])
    await expect(tab.locator(".download")).not_to_contain_text(re.compile("onMissing|pending|packing", re.IGNORECASE))
    await expect(tab.locator(".job-actions .button")).to_have_text(["Start again without missing files"])
    await catalogue.overwrite(bad, b"bad")
    await act(tab, "Try again")
    await expect(job(tab, "completed")).to_be_visible()


async def test_only_what_was_left_out_is_asked_for_again(
    tab: Page, gateway: str, api: httpx.AsyncClient, catalogue: Catalogue, worker: None
) -> None:
    del worker
    good, bad = await catalogue.add(b"good", "good.txt"), await catalogue.add(b"bad", "bad.txt")
    await catalogue.remove(bad)
    asked = {"file_ids": [good, bad], "archiveName": "both", "onMissing": "skip"}
    first = (await api.post("/v1/download/initiate", json=asked)).json()["jobId"]
    await tab.goto(f"{gateway}/jobs/{first}")
    await expect(job(tab, "completed")).to_be_visible()
    await catalogue.overwrite(bad, b"bad")
    await act(tab, "Retry 1 skipped file")
    await expect(job(tab, "completed")).not_to_have_attribute("data-job", first)
    await expect(job(tab, "completed").locator("[data-file]")).to_have_count(1)
    await expect(tab.locator(f'[data-file="{bad}"]')).to_have_attribute("data-file-status", "done")


async def test_the_page_of_a_result_that_was_deleted_says_so(
    tab: Page, gateway: str, api: httpx.AsyncClient, catalogue: Catalogue, worker: None
) -> None:
    del worker
    job_id = await completed(tab, gateway, api, catalogue)
    await api.delete(f"/v1/download/job/{job_id}/bundle")
    await tab.reload()
    await expect(tab.get_by_text("The bundle was deleted from the store. Try again to rebuild it.")).to_be_visible()
    await expect(tab.get_by_role("link", name="Download", exact=True)).to_have_count(0)


async def test_a_click_on_a_result_that_is_no_longer_in_the_store_says_so(
    tab: Page, gateway: str, api: httpx.AsyncClient, catalogue: Catalogue, worker: None, services: Services
) -> None:
    del worker
    job_id = await completed(tab, gateway, api, catalogue)
    download = await services.downloads.read(UUID(job_id))
    assert download.result is not None
    await services.storage.objects.delete([download.result.key])
    await tab.get_by_role("link", name="Download", exact=True).click()
    await expect(tab.get_by_text("Try again to rebuild the bundle.")).to_be_visible()


async def test_an_address_of_no_job_says_so_and_after_how_long_jobs_are_deleted(tab: Page, services: Services) -> None:
    async with serving(with_changes(services.settings, job_retention=36 * 3600)) as gateway:
        await tab.goto(f"{gateway}/jobs/0191d0f0-0000-7000-8000-000000000000")
        await expect(tab.locator('[data-problem="job_not_found"]')).to_be_visible()
        await expect(tab.get_by_role("alert")).to_contain_text("Downloads are deleted 36 hours after they end.")
        await tab.goto(f"{gateway}/jobs/nonsense")
        await expect(tab.locator('[data-problem="invalid_request"]')).to_be_visible()


async def test_a_job_of_a_thousand_files_keeps_few_rows_and_the_focus(
    tab: Page, gateway: str, catalogue: Catalogue, services: Services
) -> None:
    file_ids = [await catalogue.add(b"x", f"file-{n:04}.txt") for n in range(5)]
    queued = await create(services, *file_ids, *range(50_000, 50_995))
    await tab.goto(f"{gateway}/jobs/{queued.id}")
    rows = tab.locator("[data-file]")
    await expect(rows.first).to_be_visible()
    assert await rows.count() < 60
    more = tab.locator(".file-table").get_by_text(re.compile(r"^9\d\d more below$"))
    await expect(more).to_be_visible()
    box = tab.get_by_role("region", name="Files of this download")
    await box.focus()
    await tab.keyboard.press("End")
    await expect(tab.locator('[data-file="50994"]')).to_be_visible()
    await expect(tab.get_by_text("more below")).to_have_count(0)
    assert await rows.count() < 60
    await expect(box).to_be_focused()


async def test_a_job_that_failed_of_missing_files_goes_without_them(
    tab: Page, gateway: str, api: httpx.AsyncClient, catalogue: Catalogue, services: Services, worker: None
) -> None:
    del worker
    good = await catalogue.add(b"good", "good.txt")
    failed = await create(services, good, 99_999, archive_name="both.zip")
    await ended(api, f"/v1/download/job/{failed.id}")
    await tab.goto(f"{gateway}/jobs/{failed.id}")
    await button(tab, "Start again without missing files").click()
    await expect(job(tab, "completed")).to_contain_text("1 file was skipped")
