"""How soon the page shows what a worker says, with a thousand rows, and how smoothly lists scroll, in a real Chromium."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.engine.jobs import Job
from jobs.files.catalogue import StoredFile, insert_file
from jobs.owners import ANONYMOUS
from tests.bench.arena import Arena
from tests.bench.effort import Effort, percentile
from tests.bench.files import put_files
from tests.bench.report import Figure
from tests.helpers.catalogue import next_id
from tests.helpers.jobs import create
from tests.helpers.proxies import proxied

if TYPE_CHECKING:
    from playwright.async_api import Page

ROWS = 1_000
CATALOGUE = 5_000
SLOW = 0.4
"""Seconds by which the store answers late, so that the files end one after the other."""
PROMISE = 150
"""Milliseconds from an event to its paint, for 95 of 100."""
STEP = 200
"""Pixels that a list is scrolled by in each frame: several rows."""
LONG = 50
"""Milliseconds of a frame that people notice."""
SCRIPT = Path(__file__).with_name("paints.js")


async def measure(arena: Arena, _: Effort) -> list[Figure]:
    """One job of a thousand files, and a catalogue of five thousand."""
    from tests.browser.chromiums import launched  # noqa: PLC0415 - only `make browser` installs what it needs

    ids = await put_files(arena.services, ROWS, 4096)
    async with arena.gateway() as port, launched() as browser:
        context = await browser.new_context(viewport={"width": 1280, "height": 900})
        await context.add_init_script(path=SCRIPT)
        tab = await context.new_page()
        url = f"http://127.0.0.1:{port}"
        paints = await _paints(arena, tab, url, await create(arena.services, *ids))
        rows = await _frames(tab, "Files of this download")
        await _fill_catalogue(arena, CATALOGUE - ROWS)
        await tab.goto(url)
        await _load_all(tab, CATALOGUE)
        listed = await _frames(tab, "Files found")
        await context.close()
    came, said = ([one[side] for one in paints] for side in (0, 1))
    return [
        Figure(
            f"Event to paint, {ROWS:,} rows: from the message in the browser",
            _times(came),
            f"p95 ≤ {PROMISE} ms",
            percentile(came, 0.95) <= PROMISE,
        ),
        Figure("The same from the worker's timestamp (`ts`)", _times(said)),
        Figure(f"Frames while {ROWS:,} file rows scroll", _smoothness(rows)),
        Figure(f"Frames while {CATALOGUE:,} rows of the catalogue scroll", _smoothness(listed)),
    ]


async def _paints(arena: Arena, tab: Page, url: str, job: Job) -> list[list[float]]:
    """Milliseconds of every event that a file was finished, from its message and from the worker's timestamp."""
    await tab.goto(f"{url}/jobs/{job.id}")
    await tab.locator('[data-connection="live"]').wait_for()
    async with proxied(arena.settings.s3_endpoint) as store:
        store.delay = SLOW
        async with arena.worker(s3_endpoint=store.url, s3_part_copy="never"):
            await tab.locator('[data-job][data-status="completed"]').wait_for(timeout=300_000)
    paints: list[list[float]] = await tab.evaluate("paints")
    if len(paints) < 20:
        message = f"Only {len(paints)} events were seen on their way."
        raise RuntimeError(message)
    return paints


async def _frames(tab: Page, label: str) -> list[float]:
    frames: list[float] = await tab.evaluate(f"scrollThrough({label!r}, {STEP})")
    return frames


async def _fill_catalogue(arena: Arena, count: int) -> None:
    """Files that are only in the catalogue: nobody asks for them."""
    async with arena.services.database.begin() as connection:
        for number in range(count):
            file_id = await next_id(connection)
            file = StoredFile(
                id=file_id,
                key=f"files/{file_id}",
                name=f"another file {number}.bin",
                size=number,
                etag=None,
                crc32=None,
                sha256=None,
                content_type="application/octet-stream",
                owner=ANONYMOUS,
            )
            await insert_file(connection, file)


async def _load_all(tab: Page, count: int) -> None:
    """Scrolls to the end of what is found until all of it is."""
    box = tab.get_by_role("group", name="Files found")
    await box.get_by_role("checkbox").first.wait_for()
    while await box.locator("li").first.get_attribute("aria-setsize") != str(count):
        await box.evaluate("box => { box.scrollTop = box.scrollHeight }")
        await tab.wait_for_timeout(50)


def _times(times: Sequence[float]) -> str:
    return (
        f"p50 {percentile(times, 0.5):.0f} ms, p95 {percentile(times, 0.95):.0f} ms, most {max(times):.0f} ms, "
        f"of {len(times)} events"
    )


def _smoothness(frames: Sequence[float]) -> str:
    long = sum(frame > LONG for frame in frames)
    return (
        f"p50 {percentile(frames, 0.5):.0f} ms, p95 {percentile(frames, 0.95):.0f} ms, most {max(frames):.0f} ms; "
        f"{long} of {len(frames)} longer than {LONG} ms"
    )
