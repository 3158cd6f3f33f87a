"""Finding jobs of all owners, by what an operator knows of them."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import pytest

from jobs.engine.job_filters import JobFilter
from jobs.engine.jobs import Job, Status
from jobs.engine.sql.job_filters import JobFinder, Position
from jobs.errors import ErrorClass
from jobs.kinds import Kind
from jobs.services import Services
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, dead
from tests.helpers.uploads import created


def finder_of(services: Services, *, window: int, few: int) -> JobFinder:
    """The same finder, with other limits on what is read at once."""
    found = services.finder
    return JobFinder(found._reads, found._names, found._file_ids, window=window, few=few)  # noqa: SLF001


async def found(finder: JobFinder, wanted: JobFilter, limit: int = 50) -> list[UUID]:
    """The jobs of all pages, in their order."""
    jobs: list[UUID] = []
    before: Position | None = None
    while True:
        page = await finder.page(wanted, before, limit)
        assert len(page.jobs) <= limit
        jobs += [job_id for _, job_id in page.jobs]
        if page.following is None:
            return jobs
        before = page.following


@pytest.fixture
async def jobs(services: Services, catalogue: Catalogue) -> dict[str, Job]:
    """Jobs by what they are called here, the oldest first."""
    await catalogue.add(b"0", name="that of the dead jobs")
    report = await catalogue.add(b"1", name="folder/Yearly Report 2026.pdf")
    photo = await catalogue.add(b"2", name="Photo of a cat.jpg")
    return {
        "bundle": await create(services, photo, report, archive_name="holiday.zip", owner="alice"),
        "single": await create(services, report, archive_name=None, owner="bob"),
        "upload": await created(services, b"12", name="Quarterly report.docx", owner="alice"),
        "dead": await dead(services, owner="carol", archive_name="old.zip"),
        "invalid": await dead(services, ErrorClass.VALIDATION, owner="carol", archive_name="100%_sure.zip"),
    }


def names(jobs: dict[str, Job], ids: Collection[UUID]) -> list[str]:
    called = {job.id: name for name, job in jobs.items()}
    return [called[job_id] for job_id in ids]


@pytest.mark.parametrize(("window", "few"), [(5_000, 2_000), (2, 2_000), (2, 0), (1, 0)])
@pytest.mark.parametrize("limit", [1, 2, 50])
async def test_jobs_are_found_by_what_an_operator_knows(
    services: Services, jobs: dict[str, Job], window: int, few: int, limit: int
) -> None:
    """Whether they are read in their order, or found by the search indexes."""
    finder = finder_of(services, window=window, few=few)
    dead_job = jobs["dead"]
    expected = {
        str(dead_job.id): ["dead"],
        str(dead_job.id)[:23].upper(): ["dead"],
        "REPORT": ["upload", "single", "bundle"],  # the title, and the name of a file within a bundle
        "cat.jpg": ["bundle"],
        "holiday": ["bundle"],
        "alice": ["upload", "bundle"],
        "attempt 3 went": ["dead"],
        "went wrong": ["invalid", "dead"],
        "%_s": ["invalid"],
        "no such thing": [],
    }
    for text, called in expected.items():
        assert names(jobs, await found(finder, JobFilter(text=text), limit)) == called, text


async def test_conditions_are_met_together(services: Services, jobs: dict[str, Job]) -> None:
    finder = services.finder
    at = jobs["single"].created_at
    expected = [
        (JobFilter(), ["invalid", "dead", "upload", "single", "bundle"]),
        (JobFilter(dead=True), ["dead"]),
        (JobFilter(statuses=frozenset({Status.FAILED})), ["invalid", "dead"]),
        (JobFilter(statuses=frozenset({Status.QUEUED, Status.RECEIVING})), ["upload", "single", "bundle"]),
        (JobFilter(statuses=frozenset({Status.QUEUED}), dead=True), []),
        (JobFilter(kinds=frozenset({Kind.UPLOAD})), ["upload"]),
        (JobFilter(kinds=frozenset({Kind.DOWNLOAD}), owner="alice"), ["bundle"]),
        (JobFilter(since=at), ["invalid", "dead", "upload", "single"]),
        (JobFilter(until=at), ["bundle"]),
        (JobFilter(since=at, until=at + timedelta(microseconds=1)), ["single"]),
        (JobFilter(text="report", owner="alice"), ["upload", "bundle"]),
        (JobFilter(text="report", kinds=frozenset({Kind.UPLOAD})), ["upload"]),
        (JobFilter(text="report", since=jobs["upload"].created_at), ["upload"]),
    ]
    for wanted, called in expected:
        for limit in (2, 50):
            assert names(jobs, await found(finder, wanted, limit)) == called, wanted
        assert sum((await finder.count(wanted)).values()) == len(called), wanted


async def test_deleted_jobs_are_not_found(services: Services, jobs: dict[str, Job]) -> None:
    await services.lifecycle.delete(jobs["dead"].id)
    assert names(jobs, await found(services.finder, JobFilter(text="carol"))) == ["invalid"]
    assert await services.finder.count(JobFilter(dead=True)) == {}


async def test_jobs_are_counted_by_status(services: Services, jobs: dict[str, Job]) -> None:
    del jobs
    expected = {Status.FAILED: 2, Status.QUEUED: 2, Status.RECEIVING: 1}
    assert await services.finder.count(JobFilter()) == expected
    assert await services.finder.count(JobFilter(text="report")) == {Status.QUEUED: 2, Status.RECEIVING: 1}
