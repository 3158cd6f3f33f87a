"""Outputs become files of the catalogue: each once, whatever ends an attempt, and none without its original."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zlib import crc32

import pytest

from jobs.engine.jobs import FileState, Status
from jobs.engine.worker.reporter import Reporter
from jobs.errors import DecoderFailed, DecoderTimeout, ErrorClass, FileGone, ScratchFull, StaleFence
from jobs.files.catalogue import mark_gone
from jobs.files.states import GoneReason, Role, ScanState
from jobs.files.texts import search_texts
from jobs.files.visibility import Visibility
from jobs.kinds import Kind
from jobs.processing.attempt import CRASHED, CRASHES
from jobs.processing.cleanup import ProcessingCleanup
from jobs.processing.processing import PLAN_VERSIONS, Selection
from jobs.processing.recipes import OnError, Wishes
from jobs.services import Services
from jobs.uploads.cleanup import FileRemoval
from tests.helpers.bundles import stored
from tests.helpers.eventually import eventually
from tests.helpers.pdfs import pdf
from tests.helpers.uploads import objects
from tests.jobs.processing.attempts import (
    PHOTO,
    attempted,
    claim,
    now_is,
    processed,
    processing_of,
    processor,
    records,
    uploaded,
)
from tests.jobs.processing.decoders.bombs import pdf_of_spaces

THUMBNAIL, WEB = "sea/holiday-thumbnail.webp", "sea/holiday-web.webp"
KILLED = "os.kill(os.getpid(), signal.SIGKILL)"
GIB = 1 << 30
EVERYTHING = Selection(types=(), missing=False, since=None)


def folders_in(scratch: Path) -> list[Path]:
    """Those of running attempts."""
    return list(scratch.glob("*/*/"))


async def test_an_image_gets_a_thumbnail_and_a_web_size_with_the_rights_of_the_original(
    services: Services, tmp_path: Path
) -> None:
    file, job = await uploaded(services, owner="olga", visibility=Visibility.SHARED, groups=("team",))
    assert (job.kind, job.owner, job.type, job.title) == (Kind.IMAGE, "olga", "image/jpeg", "holiday.jpg")
    assert set(await records(services, job)) == {THUMBNAIL, WEB}
    done = await processed(services, job, processor(services, tmp_path, job))
    assert (done.status, done.progress.files_done, done.progress.files_total) == (Status.COMPLETED, 2, 2)
    assert done.probe is not None
    assert (done.probe.width, done.probe.height) == (2000, 1000)
    found = {one.file.name: one for one in await services.processing.derivatives(file.id)}
    assert {name: (one.file.role, one.width, one.height) for name, one in found.items()} == {
        THUMBNAIL: (Role.THUMBNAIL, 320, 160),
        WEB: (Role.WEB, 1600, 800),
    }
    rows = await records(services, job)
    for name, one in found.items():
        made, row = one.file, rows[name]
        content = await stored(services.storage, made.key)
        assert (made.size, made.crc32, made.content_type) == (len(content), crc32(content), "image/webp")
        assert (made.owner, made.visibility, made.groups) == ("olga", Visibility.SHARED, ("team",))
        assert (made.parent_id, made.job_id, made.scan) == (file.id, job.id, ScanState.NONE)
        assert (row.state, row.file_id, row.size, row.bytes_done, row.crc32) == (
            FileState.DONE,
            made.id,
            made.size,
            made.size,
            made.crc32,
        )
    assert folders_in(tmp_path) == [], "nothing is left in the scratch space"


async def test_what_an_attempt_has_made_stays_when_its_decoder_dies_and_is_skipped_by_the_next(
    services: Services, tmp_path: Path
) -> None:
    file, job = await uploaded(services)
    dying = """
        emit("probed", width=20, height=10)
        make("thumbnail", b"first")
        time.sleep(0.5)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    retrying = await processed(services, job, processor(services, tmp_path, job, dying))
    assert (retrying.status, retrying.attempt) == (Status.RETRYING, 1)
    assert retrying.failure is not None
    assert retrying.failure.error_class is ErrorClass.INTERNAL
    assert "signal 9" in retrying.failure.message
    [kept] = await services.processing.derivatives(file.id)
    await services.database.fetch("UPDATE jobs SET due_at = now() WHERE id = $1", job.id)
    done = await processed(services, retrying, processor(services, tmp_path, job))
    assert (done.status, done.attempt) == (Status.COMPLETED, 2)
    found = {one.output: one for one in await services.processing.derivatives(file.id)}
    assert set(found) == {"thumbnail", "web"}
    assert found["thumbnail"] == kept
    assert await stored(services.storage, kept.file.key) == b"first"


async def test_a_decoder_that_is_killed_in_every_attempt_ends_dead_with_the_reason(
    services: Services, tmp_path: Path
) -> None:
    _, job = await uploaded(services)
    by = processor(services, tmp_path, job, KILLED)
    for _ in range(job.max_attempts):
        await services.database.fetch("UPDATE jobs SET due_at = now() WHERE id = $1", job.id)
        job = await processed(services, job, by)
    assert (job.status, job.dead) == (Status.FAILED, True)
    assert job.failure is not None
    assert job.failure.message == "The image decoder was killed (signal 9)."


async def test_a_pdf_that_crashes_its_decoder_gets_what_can_be_made_in_one_attempt(
    services: Services, tmp_path: Path
) -> None:
    """PDFium aborts at the second page, of which the text is a part, too. The first page is drawn all the same."""
    file, job = await uploaded(services, pdf_of_spaces(GIB, pages=2), "books/bomb.pdf")
    done = await processed(services, job, processor(services, tmp_path, job))
    assert (done.status, done.attempt, done.dead) == (Status.COMPLETED, 1, False)
    rows = await records(services, job)
    assert {name: row.state for name, row in rows.items()} == {
        "books/bomb-thumbnail.webp": FileState.DONE,
        "books/bomb-page-1.webp": FileState.DONE,
        "books/bomb-text.txt": FileState.FAILED,
        "books/bomb-page-2.webp": FileState.FAILED,
    }
    reasons = {row.failure.message for row in rows.values() if row.failure is not None}
    assert reasons == {CRASHED}
    assert len(await services.processing.derivatives(file.id)) == 2


@pytest.mark.parametrize("number", sorted(CRASHES))
async def test_an_output_at_which_a_decoder_crashes_has_failed_and_the_others_are_made(
    services: Services, tmp_path: Path, number: int
) -> None:
    file, job = await uploaded(services)
    script = f"""
        emit("probed", width=20, height=10)
        if "thumbnail" not in request["skip"]:
            emit("started", output="thumbnail")
            open("out/thumbnail.webp", "wb").write(b"half")
            os.kill(os.getpid(), {number:d})
        assert request["skip"] == ["thumbnail"] and not os.listdir("out")
        emit("started", output="web")
        make("web")
        emit("done")
    """
    done = await processed(services, job, processor(services, tmp_path, job, script))
    assert (done.status, done.attempt, done.progress.files_done) == (Status.COMPLETED, 1, 1)
    failed = (await records(services, job))[THUMBNAIL].failure
    assert failed is not None
    assert failed.message == CRASHED
    assert [one.output for one in await services.processing.derivatives(file.id)] == ["web"]


@pytest.mark.parametrize("on_error", OnError)
async def test_a_file_at_which_two_decoders_in_a_row_crash_gets_nothing(
    services: Services, tmp_path: Path, on_error: OnError
) -> None:
    """Before they have started with an output."""
    file, job = await uploaded(services, wishes=Wishes(on_error=on_error).as_json())
    done = await processed(services, job, processor(services, tmp_path, job, "os.abort()"))
    assert (done.attempt, done.dead) == (1, False)
    assert done.status is (Status.COMPLETED if on_error is OnError.KEEP else Status.FAILED)
    rows = await records(services, job)
    assert {row.failure and row.failure.message for row in rows.values()} == {CRASHED}
    summary = (await services.processing.summaries([file.id]))[file.id]
    assert summary.error is not None
    assert CRASHED in summary.error.message


async def test_a_decoder_that_crashes_once_is_run_again_in_the_same_attempt(services: Services, tmp_path: Path) -> None:
    """As when the machine has run short of memory for a moment."""
    _, job = await uploaded(services)
    script = """
        if not os.path.exists("out/crashed"):
            open("out/crashed", "w").close()
            os.abort()
        emit("probed", width=2, height=1)
        make("thumbnail")
        make("web")
        emit("done")
    """
    done = await processed(services, job, processor(services, tmp_path, job, script))
    assert (done.status, done.attempt, done.progress.files_done) == (Status.COMPLETED, 1, 2)


async def test_a_file_crashes_no_more_than_a_few_decoders(services: Services, tmp_path: Path) -> None:
    file, job = await uploaded(services, pdf(20), "long.pdf", wishes=Wishes(pages=20).as_json())
    script = """
        emit("probed", pages=20)
        pages = [f"page-{page}" for page in range(1, 21) if f"page-{page}" not in request["skip"]]
        emit("started", output=pages[0])
        os.abort()
    """
    done = await processed(services, job, processor(services, tmp_path, job, script))
    assert (done.status, done.attempt, done.progress.files_done) == (Status.COMPLETED, 1, 0)
    assert {row.failure and row.failure.message for row in (await records(services, job)).values()} == {CRASHED}
    assert await services.processing.derivatives(file.id) == []


async def test_a_decoder_that_is_killed_from_outside_costs_an_attempt_and_nothing_else(
    services: Services, tmp_path: Path
) -> None:
    """As by the OOM killer, while it makes an output."""
    _, job = await uploaded(services)
    killed = 'emit("probed", width=2, height=1); emit("started", output="thumbnail"); os.kill(os.getpid(), 9)'
    retrying = await processed(services, job, processor(services, tmp_path, job, killed))
    assert (retrying.status, retrying.attempt) == (Status.RETRYING, 1)
    assert {row.failure for row in (await records(services, job)).values()} == {None}
    await services.database.fetch("UPDATE jobs SET due_at = now() WHERE id = $1", job.id)
    done = await processed(services, retrying, processor(services, tmp_path, job))
    assert (done.status, done.attempt, done.progress.files_done) == (Status.COMPLETED, 2, 2)


async def test_a_decoder_that_hangs_is_stopped(services: Services, tmp_path: Path) -> None:
    _, job = await uploaded(services)
    by = processor(services, tmp_path, job, "time.sleep(600)", silence=0.5)
    outcome, _ = await attempted(services, await claim(services, job), by)
    assert isinstance(outcome, DecoderTimeout)
    assert outcome.error_class.retryable


@pytest.mark.parametrize(
    "script",
    [
        'make("thumbnail")',  # before it has probed
        'emit("probed", width=2, height=1); make("page-1")',
        'emit("probed", width=2, height=1); make("thumbnail"); make("thumbnail")',
        'emit("probed", width=2, height=1); emit("made", output="web"); emit("done")',  # without a file
        'emit("probed", width=2, height=1); os.symlink("/etc/passwd", "out/web.webp"); emit("made", output="web")',
        'emit("probed", width=2, height=1); os.mkfifo("out/web.webp"); emit("made", output="web")',
        'os.rmdir("out"); os.symlink("/etc", "out"); emit("probed", width=2, height=1); emit("made", output="web")',
        (  # storing the thumbnail takes the worker longer than to read 64 KiB
            'emit("probed", width=2, height=1); make("thumbnail")\n'
            'print((json.dumps({"event": "started", "output": "web"}) + "\\n") * 3000, end="", flush=True); time.sleep(60)'
        ),
        'emit("probed", width=2, height=1); emit("done")',  # but made nothing
        'emit("probed", width=2, height=1); make("thumbnail"); make("web")',  # no last event
        'print("hello")',
        'print("x" * 5000)',
    ],
)
async def test_a_decoder_that_breaks_its_protocol_fails_and_nothing_else_of_it_is_taken(
    services: Services, tmp_path: Path, script: str
) -> None:
    file, job = await uploaded(services)
    by = processor(services, tmp_path, job, script)
    outcome, _ = await attempted(services, await claim(services, job), by)
    assert isinstance(outcome, DecoderFailed)
    found = {one.output for one in await services.processing.derivatives(file.id)}
    assert found <= {"thumbnail", "web"}
    for key in await objects(services):
        assert not (await stored(services.storage, key)).startswith(b"root:")


@pytest.mark.parametrize("on_error", OnError)
async def test_an_image_that_can_not_be_decoded_is_kept_and_its_processing_says_why(
    services: Services, tmp_path: Path, on_error: OnError
) -> None:
    broken = PHOTO[:2000] + bytes(2000)
    file, job = await uploaded(services, broken, wishes=Wishes(on_error=on_error).as_json())
    done = await processed(services, job, processor(services, tmp_path, job))
    rows = await records(services, job)
    assert {row.state for row in rows.values()} == {FileState.FAILED}
    reasons = {row.failure.message for row in rows.values() if row.failure is not None}
    assert len(reasons) == 1
    summary = (await services.processing.summaries([file.id]))[file.id]
    assert summary.error is not None
    if on_error is OnError.KEEP:
        assert (done.status, summary.error.message) == (Status.COMPLETED, reasons.pop())
    else:
        assert (done.status, done.dead) == (Status.FAILED, False)
        assert reasons.pop() in summary.error.message
    assert file.available
    assert await services.processing.derivatives(file.id) == []


async def test_only_the_worker_that_holds_the_job_adds_files(services: Services, tmp_path: Path) -> None:
    file, job = await uploaded(services)
    stale = await claim(services, job, "stale")
    released = await services.lifecycle.release(stale.job)
    current = await claim(services, released, "current")
    by = processor(services, tmp_path, job)
    with pytest.raises(StaleFence):
        await by.attempt(stale, Reporter(stale.job, stale.records, services.lifecycle, services.feed))
    outcome, reporter = await attempted(services, current, by)
    assert not isinstance(outcome, Exception)
    await services.lifecycle.succeed(current.job, None, outcome.within, reporter.last_batch())
    assert len(await services.processing.derivatives(file.id)) == 2


async def test_a_worker_that_dies_between_two_outputs_leaves_no_duplicates(services: Services, tmp_path: Path) -> None:
    """It is cancelled without a word, and another one takes over."""
    file, job = await uploaded(services)
    held = await claim(services, job)
    by = processor(services, tmp_path, job, 'emit("probed", width=2, height=1); make("thumbnail"); time.sleep(60)')
    dying = asyncio.create_task(attempted(services, held, by))

    async def has_one() -> bool:
        return len(await services.processing.derivatives(file.id)) == 1

    await eventually(has_one)
    dying.cancel()
    with suppress(asyncio.CancelledError):
        await dying
    done = await processed(services, await services.lifecycle.release(held.job), processor(services, tmp_path, job))
    assert (done.status, done.progress.files_done) == (Status.COMPLETED, 2)
    assert sorted(one.output for one in await services.processing.derivatives(file.id)) == ["thumbnail", "web"]


async def test_equal_work_is_done_once_an_owner(services: Services, tmp_path: Path) -> None:
    """The second file has the same content, by SHA-256: its outputs share the objects of the first one's."""
    first, one = await uploaded(services, owner="olga")
    second, two = await uploaded(services, name="again.jpg", owner="olga")
    other, three = await uploaded(services, owner="otto")
    sha256 = "0" * 64
    await services.database.fetch("UPDATE stored_files SET sha256 = $1 WHERE role = 'original'", sha256)
    assert (await processed(services, one, processor(services, tmp_path, one))).status is Status.COMPLETED
    never = processor(services, tmp_path, two, "os.abort()")
    done = await processed(services, two, never)
    assert (done.status, done.progress.files_done) == (Status.COMPLETED, 2)
    made = {one.output: one.file for one in await services.processing.derivatives(first.id)}
    shared = {one.output: one.file for one in await services.processing.derivatives(second.id)}
    for output, file in shared.items():
        assert (file.key, file.crc32, file.size) == (made[output].key, made[output].crc32, made[output].size)
        assert file.name == f"again-{output}.webp"
    assert (await processed(services, three, processor(services, tmp_path, three, KILLED))).status is (Status.RETRYING)
    async with services.database.begin() as connection:
        await mark_gone(connection, first.id, GoneReason.DELETED)
    later = datetime.now(UTC) + timedelta(hours=2)
    await FileRemoval(services.database, services.storage, services.settings, lambda: later).remove()
    for file in shared.values():
        assert await stored(services.storage, file.key), "the object goes with its last file"
    assert other.available


async def test_an_equal_output_that_the_store_has_lost_is_made_again(services: Services, tmp_path: Path) -> None:
    file, job = await uploaded(services)
    await processed(services, job, processor(services, tmp_path, job))
    [lost, _] = await services.processing.derivatives(file.id)
    await services.storage.objects.delete([lost.file.key])
    [again] = (await services.processing.reprocess(EVERYTHING, Wishes(), 0)).jobs
    assert (await processed(services, again, processor(services, tmp_path, again))).status is Status.COMPLETED
    found = await services.processing.derivatives(file.id)
    assert sorted(one.output for one in found) == ["thumbnail", "web"]
    assert {one.file.job_id for one in found} == {again.id}, "they have replaced the older ones"


async def test_to_process_a_file_again_in_the_same_way_changes_nothing(services: Services, tmp_path: Path) -> None:
    file, job = await uploaded(services)
    await processed(services, job, processor(services, tmp_path, job))
    before = await services.processing.derivatives(file.id)
    done = await services.processing.reprocess(EVERYTHING, Wishes(), 0)
    [again] = done.jobs
    assert done.after is None
    assert (await services.processing.reprocess(EVERYTHING, Wishes(), 0)).jobs == [], "it is waiting"
    ended = await processed(services, again, processor(services, tmp_path, again, "os.abort()"))
    assert (ended.status, ended.progress.files_done) == (Status.COMPLETED, 2)
    assert await services.processing.derivatives(file.id) == before
    missing = Selection(types=(), missing=True, since=None)
    assert (await services.processing.reprocess(missing, Wishes(), 0)).jobs == []


async def found_by_text(services: Services, words: str) -> list[int]:
    return [one.file.id for one in await search_texts(services.database, None, words, None, 0, 10)]


async def test_a_pdf_is_found_by_the_words_of_its_text_until_it_is_deleted(services: Services, tmp_path: Path) -> None:
    file, job = await uploaded(services, pdf(3), "books/haulage.pdf")
    assert await found_by_text(services, "haulage") == []
    await processed(services, job, processor(services, tmp_path, job))
    for words in ("haulage", '"page 3 of haulage"'):
        assert await found_by_text(services, words) == [file.id]
    assert await found_by_text(services, '"page 4"') == []
    async with services.database.begin() as connection:
        await mark_gone(connection, file.id, GoneReason.DELETED)
    assert await found_by_text(services, "haulage") == []
    later = datetime.now(UTC) + timedelta(hours=2)
    await FileRemoval(services.database, services.storage, services.settings, lambda: later).remove()
    assert await services.database.fetch("SELECT FROM file_texts") == []


async def test_a_pdf_of_the_same_content_is_found_too(services: Services, tmp_path: Path) -> None:
    first, one = await uploaded(services, pdf(2), "one.pdf")
    second, two = await uploaded(services, pdf(2), "two.pdf")
    await services.database.fetch("UPDATE stored_files SET sha256 = $1 WHERE role = 'original'", "0" * 64)
    await processed(services, one, processor(services, tmp_path, one))
    done = await processed(services, two, processor(services, tmp_path, two, "os.abort()"))
    assert (done.status, done.progress.files_done) == (Status.COMPLETED, 4)
    assert await found_by_text(services, "haulage") == [first.id, second.id]


async def test_a_pdf_that_was_processed_before_its_text_was_indexed_is_found_once_it_is_processed_again(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, job = await uploaded(services, pdf(2), "old.pdf")
    with monkeypatch.context() as earlier:
        earlier.setitem(PLAN_VERSIONS, Kind.PDF, 1)
        await processed(services, job, processor(services, tmp_path, job))
    await services.database.fetch("DELETE FROM file_texts")
    [again] = (await services.processing.reprocess(EVERYTHING, Wishes(), 0)).jobs
    await processed(services, again, processor(services, tmp_path, again))
    assert await found_by_text(services, "haulage") == [file.id]


async def test_a_file_that_is_deleted_meanwhile_gets_none(services: Services, tmp_path: Path) -> None:
    file, job = await uploaded(services)
    held = await claim(services, job)
    script = 'emit("probed", width=2, height=1); time.sleep(1); make("thumbnail"); make("web"); emit("done")'
    working = asyncio.create_task(attempted(services, held, processor(services, tmp_path, job, script)))

    async def is_probed() -> bool:
        return (await now_is(services, job.id)).probe is not None

    await eventually(is_probed)
    async with services.database.begin() as connection:
        await mark_gone(connection, file.id, GoneReason.DELETED)
    outcome, _ = await working
    assert isinstance(outcome, FileGone)
    assert "deleted" in outcome.message
    assert await services.processing.derivatives(file.id) == []


async def test_without_scratch_space_a_job_waits_uncharged(services: Services, tmp_path: Path) -> None:
    _, job = await uploaded(services)
    by = processor(services, tmp_path, job)
    async with by.scratch.folder(by.scratch.size):
        parked = await processed(services, job, by)
    assert (parked.status, parked.attempt) == (Status.RETRYING, 0)
    assert parked.failure is not None
    assert "scratch space" in parked.failure.message
    with pytest.raises(ScratchFull):
        async with by.scratch.folder(1 << 60):
            pass


async def test_objects_without_a_file_are_removed_and_others_are_not(services: Services, tmp_path: Path) -> None:
    """What a worker has left that was killed between the store and the catalogue."""
    _, job = await uploaded(services)
    done = await processed(services, job, processor(services, tmp_path, job))
    kept = {key for key in await objects(services) if key.startswith("processed/")}
    assert len(kept) == 2
    left = f"processed/{job.id}/web-{job.fence}.webp"
    newer = f"processed/{job.id}/web-{done.fence + 1}.webp"
    foreign = "processed/readme.txt"
    for key in (left, newer, foreign):
        await services.storage.objects.put(key, b"x", "image/webp")
    cleanup = ProcessingCleanup(services.database, services.storage)
    assert done.finished_at is not None
    again = await cleanup.clean_up(done, done.finished_at)
    assert again is not None
    assert await cleanup.clean_up(done, again) is None
    now = {key for key in await objects(services) if key.startswith("processed/")}
    assert now == kept | {newer, foreign}
    later = datetime.now(UTC) + timedelta(days=2)
    await ProcessingCleanup(services.database, services.storage, lambda: later).remove_orphans()
    now = {key for key in await objects(services) if key.startswith("processed/")}
    assert now == kept | {foreign}


async def test_nothing_is_made_of_what_was_not_scanned_whole_or_should_not_be(services: Services) -> None:
    file, _ = await uploaded(services)
    follow_up = services.processing.follow_up
    assert follow_up(file, "image/jpeg", {}) is not None
    assert follow_up(file, None, {}) is None
    assert follow_up(file, "application/zip", {}) is None
    for scan in (ScanState.UNSCANNABLE, ScanState.INFECTED):
        assert follow_up(replace(file, scan=scan), "image/jpeg", {}) is None
    assert (await processing_of(services, file)).kind is Kind.IMAGE
