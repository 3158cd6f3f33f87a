"""What only a download has is written with its job, in one transaction."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from jobs.bundles.commands import with_result, with_shared_result
from jobs.engine.jobs import Status
from jobs.errors import ResultGone
from jobs.services import Services
from tests.helpers.jobs import create, read
from tests.helpers.samples import RESULT


async def test_a_retried_download_has_no_result_until_it_completes_again(services: Services) -> None:
    job = await create(services, 10_000)
    for fence in (1, 5):
        claimed = await services.lifecycle.claim(job.id, fence, "w")
        assert claimed is not None
        assert (await read(services, job.id)).result is None
        await services.lifecycle.succeed(claimed.job, 60, with_result(RESULT))
        assert (await read(services, job.id)).result == RESULT
        await services.lifecycle.expire(job.id)
        assert (await read(services, job.id)).result == RESULT
        await services.lifecycle.retry(job.id)
        assert (await read(services, job.id)).result is None


async def test_a_result_that_cannot_be_recorded_completes_nothing(services: Services) -> None:
    job = await create(services, 10_000)
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    with pytest.raises(ResultGone):
        await services.lifecycle.succeed(claimed.job, 60, with_shared_result(RESULT))
    found = await read(services, job.id)
    assert (found.status, found.fence, found.result) == (Status.PROCESSING, claimed.job.fence, None)
    assert len(await services.lifecycle.events(job.id, 0, 10)) == 2


async def test_the_database_refuses_half_a_result_or_half_an_upload(services: Services) -> None:
    await create(services, 10_000)
    for assignment in ("result_kind = 'bundle'", "upload_id = 'u'", "result_kind = 'nothing'"):
        async with services.database.begin() as connection:
            with pytest.raises(Exception, match="violates check constraint"):
                await connection.execute(text(f"UPDATE download_jobs SET {assignment}"))
            await connection.rollback()
