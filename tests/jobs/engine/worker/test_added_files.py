"""Files that an attempt adds to its job, once it knows what there is to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from jobs.engine.jobs import Failure, FileRecord, FileRequest, FileState
from jobs.engine.lifecycle import Claimed, NewJob
from jobs.engine.worker.reporter import Reporter
from jobs.errors import ErrorClass
from jobs.kinds import Kind
from jobs.services import Services
from tests.helpers.jobs import read_job

BUSY = Failure(error_class=ErrorClass.NETWORK, message="the line is dead")


async def claimed(services: Services) -> Claimed:
    """A job of one file that a worker holds."""
    first = FileRequest(file_id=0, name="report-thumbnail.webp")
    job = await services.lifecycle.create(NewJob(kind=Kind.PDF, owner="ada", files=[first]))
    return await claim(services, job.id, job.fence)


async def claim(services: Services, job_id: UUID, fence: int) -> Claimed:
    found = await services.lifecycle.claim(job_id, fence, "w")
    assert found is not None
    return found


def reporter_of(services: Services, held: Claimed) -> Reporter:
    return Reporter(held.job, held.records, services.lifecycle, services.feed)


def page(number: int) -> FileRecord:
    return FileRecord(index=number, file_id=0, name=f"report-page-{number}.webp", size=100)


def states(records: Sequence[FileRecord]) -> list[tuple[int, str | None, FileState]]:
    return [(record.index, record.name, record.state) for record in records]


async def test_added_files_are_recorded_and_counted(services: Services) -> None:
    held = await claimed(services)
    reporter = reporter_of(services, held)
    [thumbnail] = held.records
    reporter.resolved([replace(thumbnail, size=10), page(1), page(2)])
    assert [view.index for view in reporter.event().files] == [0, 1, 2]
    await reporter.flush()
    job = await read_job(services, held.job.id)
    assert (job.progress.files_total, job.progress.bytes_total) == (3, 210)
    assert states(await services.lifecycle.files(job.id, held.job.seq)) == [
        (0, "report-thumbnail.webp", FileState.PENDING),
        (1, "report-page-1.webp", FileState.PENDING),
        (2, "report-page-2.webp", FileState.PENDING),
    ]


async def test_files_that_were_added_at_the_very_end_are_recorded_with_the_outcome(services: Services) -> None:
    held = await claimed(services)
    reporter = reporter_of(services, held)
    reporter.resolved([*held.records, page(1)])
    reporter.done(0, None, file_id=7)
    reporter.done(1, None, file_id=8)
    ended = await services.lifecycle.succeed(held.job, None, batch=reporter.last_batch())
    assert (ended.progress.files_total, ended.progress.files_done) == (2, 2)
    assert [record.file_id for record in await services.lifecycle.files(ended.id, 0)] == [7, 8]


async def test_a_second_plan_of_an_attempt_keeps_count_of_what_is_done(services: Services) -> None:
    held = await claimed(services)
    reporter = reporter_of(services, held)
    reporter.resolved([replace(held.records[0], size=10)])
    reporter.read(0, 10)
    reporter.done(0, None, file_id=7)
    [done] = [replace(held.records[0], size=10, state=FileState.DONE, bytes_done=10, file_id=7)]
    reporter.resolved([done, page(1)])
    progress = reporter.event().progress
    assert (progress.files_done, progress.files_total) == (1, 2)
    assert (progress.bytes_done, progress.bytes_total) == (10, 110)


async def test_the_next_attempt_has_the_files_that_the_last_one_added(services: Services) -> None:
    held = await claimed(services)
    reporter = reporter_of(services, held)
    reporter.resolved([*held.records, page(1)])
    reporter.done(1, None, file_id=8)
    released = await services.lifecycle.release(held.job, reporter.last_batch())
    again = await claim(services, released.id, released.fence)
    assert again.job.progress.files_total == 2
    assert states(again.records)[1] == (1, "report-page-1.webp", FileState.PENDING)
    assert again.records[1].file_id == 8


async def test_a_file_that_the_next_plan_lacks_is_omitted_until_a_plan_has_it_again(services: Services) -> None:
    held = await claimed(services)
    reporter = reporter_of(services, held)
    reporter.resolved([*held.records, page(1), page(2)])
    released = await services.lifecycle.release(held.job, reporter.last_batch())

    again = await claim(services, released.id, released.fence)
    reporter = reporter_of(services, again)
    reporter.resolved(again.records[:2])
    await reporter.flush()
    job = await read_job(services, again.job.id)
    assert (job.progress.files_total, job.progress.files_omitted, job.progress.bytes_total) == (3, 1, 100)
    assert states(await services.lifecycle.files(job.id, 0))[2] == (2, "report-page-2.webp", FileState.OMITTED)

    released = await services.lifecycle.release(again.job)
    third = await claim(services, released.id, released.fence)
    assert third.records[2].state is FileState.PENDING
    reporter = reporter_of(services, third)
    reporter.resolved(third.records)
    assert reporter.event().progress.files_omitted == 0


async def test_a_job_whose_attempts_are_used_up_keeps_the_files_that_they_added(services: Services) -> None:
    held = await claimed(services)
    reporter = reporter_of(services, held)
    reporter.resolved([*held.records, page(1)])
    reporter.failed(1, BUSY)
    job = await services.lifecycle.fail(
        held.job, replace(BUSY, error_class=ErrorClass.VALIDATION), reporter.last_batch()
    )
    assert job.status.ended
    retried = await services.lifecycle.retry(job.id)
    assert retried.progress.files_total == 2
    [_, kept] = await services.lifecycle.files(job.id, 0)
    assert (kept.state, kept.failure) == (FileState.FAILED, BUSY)
