"""Files are made of uploads end to end: by workers with their decoders in the sandbox, on real servers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

import psutil  # type: ignore[import-untyped]  # it has no annotations
import pytest

from jobs.engine.jobs import FileState, Job, Status
from jobs.files.states import Role
from jobs.kinds import Kind
from jobs.processing.processing import Derivative, Processing
from jobs.services import Services
from tests.helpers.bundles import stored
from tests.helpers.eventually import eventually
from tests.helpers.jobs import commands, read_job
from tests.helpers.media import encoded, photo
from tests.helpers.pdfs import pdf
from tests.helpers.running import worker_process, working
from tests.helpers.uploads import completed, objects
from tests.helpers.videos import video
from tests.jobs.processing.attempts import now_is, records, uploaded

PHOTO = encoded(photo(2000, 1000))
LARGE = encoded(photo(9000, 9000), "image/png")
"""It takes a second or two."""


async def until_ended(services: Services, job_id: UUID) -> Job:
    async def ended() -> bool:
        return (await read_job(services, job_id)).status.ended

    await eventually(ended, patience=60)
    return await read_job(services, job_id)


async def made_of(services: Services, data: bytes, name: str) -> tuple[Processing, list[Derivative]]:
    """The job that processes an upload once it has ended, and what it has made."""
    upload = await completed(services, data, name)
    assert (await until_ended(services, upload.id)).status is Status.COMPLETED
    file_id = (await services.uploads.read(upload.id)).file_id
    assert file_id is not None
    first = await services.processing.first_of(file_id)
    assert first is not None
    job = await until_ended(services, first[0])
    assert (job.kind, job.status) == (first[1], Status.COMPLETED), job.failure
    return await now_is(services, job.id), await services.processing.derivatives(file_id)


async def test_an_uploaded_image_gets_a_thumbnail_and_a_web_size(services: Services, worker: None) -> None:
    del worker
    job, made = await made_of(services, PHOTO, "sea/holiday.jpg")
    assert job.kind is Kind.IMAGE
    assert {(one.file.role, one.file.name, one.width, one.height) for one in made} == {
        (Role.THUMBNAIL, "sea/holiday-thumbnail.webp", 320, 160),
        (Role.WEB, "sea/holiday-web.webp", 1600, 800),
    }
    for one in made:
        assert (await stored(services.storage, one.file.key))[:4] == b"RIFF"


async def test_an_uploaded_pdf_gets_pages_and_text(services: Services, worker: None) -> None:
    """Of 7 pages, the first 5. What is made is known only once the file was opened."""
    del worker
    job, made = await made_of(services, pdf(7), "report.pdf")
    assert job.kind is Kind.PDF
    assert job.probe is not None
    assert job.probe.pages == 7
    pages = {one.page: one.file.name for one in made if one.file.role is Role.PAGE}
    assert pages == {n: f"report-page-{n}.webp" for n in range(1, 6)}
    [text] = [one.file for one in made if one.file.role is Role.TEXT]
    assert (text.name, text.content_type) == ("report-text.txt", "text/plain; charset=utf-8")
    assert b"Page 7 of Haulage" in await stored(services.storage, text.key)
    assert [one.page for one in made if one.file.role is Role.THUMBNAIL] == [1]
    rows = await records(services, job)
    assert {row.state for row in rows.values()} == {FileState.DONE}
    assert job.progress.files_total == job.progress.files_done == len(rows) == 7


async def test_an_uploaded_video_gets_a_poster_and_a_small_version(
    services: Services, worker: None, tmp_path: Path
) -> None:
    del worker
    data = await asyncio.to_thread(lambda: video(tmp_path / "film.mp4", size="1280x720", seconds=2).read_bytes())
    job, made = await made_of(services, data, "film.mp4")
    assert job.kind is Kind.VIDEO
    assert job.probe is not None
    assert job.probe.duration == pytest.approx(2, abs=0.3)
    by_role = {one.file.role: one for one in made}
    assert set(by_role) == {Role.POSTER, Role.VIDEO}
    assert by_role[Role.VIDEO].height == 480
    assert (await stored(services.storage, by_role[Role.VIDEO].file.key))[4:8] == b"ftyp"


@asynccontextmanager
async def decoding(services: Services) -> AsyncIterator[tuple[psutil.Process, psutil.Process]]:
    """A worker in a process of its own, and its decoder, which is stopped in the middle of its work."""
    async with worker_process(services.settings) as process:
        worker = psutil.Process(process.pid)
        found: list[psutil.Process] = []

        async def decodes() -> bool:
            with suppress(psutil.NoSuchProcess):
                found[:] = [child for child in worker.children(recursive=True) if _is_decoder(child)]
            return bool(found)

        await eventually(decodes, patience=60)
        found[0].suspend()
        yield worker, found[0]


def _is_decoder(process: psutil.Process) -> bool:
    """Whether it is the child of a launcher, which is a fork of the template for the decoder of images."""
    family = [process, *process.parents()[:2]]
    return len(family) == 3 and all(
        one.name().startswith("python") and "jobs.processing.decoders.image" in " ".join(one.cmdline())
        for one in family
    )


async def test_a_decoder_that_is_killed_midway_costs_one_attempt_and_nothing_else(services: Services) -> None:
    file, job = await uploaded(services, LARGE, "large.png")
    async with decoding(services) as (_, decoder):
        decoder.kill()
        done = await until_ended(services, job.id)
    assert (done.status, done.attempt) == (Status.COMPLETED, 2), done.failure
    assert await commands(services, job.id) == ["create", "claim", "fail", "claim", "succeed"]
    assert len(await services.processing.derivatives(file.id)) == 2


@pytest.mark.parametrize("changes", [{"lease_ttl": 3, "heartbeat_interval": 0.5, "heartbeat_timeout": 0.5}])
async def test_a_worker_that_is_killed_midway_leaves_no_child_and_no_duplicates(services: Services) -> None:
    file, job = await uploaded(services, LARGE, "large.png")
    async with decoding(services) as (worker, decoder):
        worker.kill()

        async def is_gone() -> bool:
            return not decoder.is_running() or decoder.status() == psutil.STATUS_ZOMBIE

        await eventually(is_gone)
    async with worker_process(services.settings):
        done = await until_ended(services, job.id)
    assert done.status is Status.COMPLETED
    assert "lose" in await commands(services, job.id)
    made = await services.processing.derivatives(file.id)
    assert sorted(one.output for one in made) == ["thumbnail", "web"]
    keys = {key for key in await objects(services) if key.startswith("processed/")}
    assert {one.file.key for one in made} <= keys


async def test_leases_are_kept_while_many_images_are_decoded(services: Services) -> None:
    jobs = [(await uploaded(services, LARGE, f"{n}.png", owner=f"owner {n}"))[1] for n in range(6)]
    async with working(services.settings):
        ended = [await until_ended(services, job.id) for job in jobs]
    assert {job.status for job in ended} == {Status.COMPLETED}
    assert {(job.losses, job.attempt) for job in ended} == {(0, 1)}
