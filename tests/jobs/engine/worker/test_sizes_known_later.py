"""Files whose sizes an attempt finds out while it reads them."""

from __future__ import annotations

from dataclasses import replace

from jobs.engine.jobs import FileState, Progress
from jobs.engine.worker.reporter import Reporter
from jobs.services import Services
from tests.helpers.jobs import create


async def reporter_of(services: Services, *file_ids: int) -> Reporter:
    job = await create(services, *file_ids)
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    reporter = Reporter(claimed.job, claimed.records, services.lifecycle, services.feed)
    reporter.resolved([replace(claimed.records[0], size=100), *claimed.records[1:]], range(1, len(file_ids)))
    return reporter


async def test_the_total_is_unknown_until_all_sizes_are_known(services: Services) -> None:
    reporter = await reporter_of(services, 1, 2, 3)
    reporter.read(1, 30)
    assert reporter.progress == Progress(files_total=3, bytes_total=None, bytes_done=30)
    assert reporter.event().progress.percent is None
    reporter.sized(1, 50)
    assert reporter.progress.bytes_total is None
    reporter.sized(2, 0)
    assert reporter.progress == Progress(files_total=3, bytes_total=150, bytes_done=30)
    reporter.sized(1, None)
    assert reporter.progress.bytes_total is None


async def test_what_is_read_again_or_left_out_does_not_count(services: Services) -> None:
    reporter = await reporter_of(services, 1, 2, 3)
    reporter.sized(1, 50)
    reporter.read(1, 30)
    reporter.restarted(1)
    assert reporter.progress.bytes_done == 0
    reporter.read(1, 50)
    reporter.read(2, 7)
    third = reporter.event().files[2]
    assert third.bytes_done == 7
    [_, second, record] = [reporter._records[index] for index in range(3)]  # noqa: SLF001 - as an attempt has them
    reporter.refined(replace(record, state=FileState.OMITTED))
    reporter.refined(replace(second, state=FileState.PENDING, bytes_done=0, key="a"))
    assert reporter.progress == Progress(files_total=3, files_omitted=1, bytes_total=150, bytes_done=50)
    assert [(file.status, file.bytes_done) for file in reporter.event().files] == [
        (FileState.PENDING, 0),
        (FileState.ACTIVE, 50),
        (FileState.OMITTED, 0),
    ]
