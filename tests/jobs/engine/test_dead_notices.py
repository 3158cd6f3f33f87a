"""Notices about dead jobs: one for a kind and an error class, in the transaction in which a job becomes dead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.engine.jobs import Failure, FileRequest, Job, Status
from jobs.engine.lifecycle import NewJob
from jobs.errors import ErrorClass, StaleFence
from jobs.kinds import Kind
from jobs.notices import Notice, NoticeKind, RaisedNotice, acknowledge, list_notices, raise_notice
from jobs.services import Services, open_services
from tests.helpers.jobs import dead
from tests.helpers.samples import NETWORK

DOWNLOAD_NETWORK = "dead:download:network"


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"max_attempts": 1, "job_deadline": 3600}


@pytest.fixture
async def several(services: Services) -> AsyncIterator[list[Services]]:
    """Those of several processes, each with connections of its own."""
    async with AsyncExitStack() as stack:
        yield [services, *[await stack.enter_async_context(open_services(services.settings)) for _ in range(3)]]


async def notices(services: Services) -> list[RaisedNotice]:
    return await list_notices(services.database, only_open=True, before=None, limit=100)


async def counts(services: Services) -> dict[str, int]:
    return {one.key: one.count for one in await notices(services)}


async def held(services: Services, kind: Kind = Kind.DOWNLOAD) -> Job:
    """A job in its only attempt."""
    new = NewJob(kind=kind, owner="olga", files=[FileRequest(file_id=10_000)])
    job = await services.lifecycle.create(new)
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    return claimed.job


async def change(services: Services, assignments: str) -> None:
    async with services.database.begin() as connection:
        await connection.execute(text(f"UPDATE jobs SET {assignments}"))


async def by_failing(services: Services) -> None:
    await services.lifecycle.fail(await held(services), NETWORK)


async def by_parking(services: Services) -> None:
    job = await held(services)
    await change(services, "started_at = started_at - interval '2 hours'")
    await services.lifecycle.park(job, NETWORK, 5)


async def by_losing_its_worker(services: Services) -> None:
    await held(services)
    await change(services, "lease_until = now() - interval '1 second'")
    await services.lifecycle.lose_expired_leases()


async def by_waiting_past_its_deadline(services: Services) -> None:
    await services.lifecycle.park(await held(services), NETWORK, 5)
    await change(services, "started_at = started_at - interval '2 hours'")
    await services.lifecycle.abandon_past_deadline()


@pytest.mark.parametrize(
    ("die", "key"),
    [
        (by_failing, DOWNLOAD_NETWORK),
        (by_parking, DOWNLOAD_NETWORK),
        (by_losing_its_worker, "dead:download:worker_lost"),
        (by_waiting_past_its_deadline, DOWNLOAD_NETWORK),
    ],
)
async def test_every_death_is_noticed(services: Services, die: Callable[[Services], Awaitable[None]], key: str) -> None:
    await die(services)
    [one] = await notices(services)
    async with services.database.reading() as connection:
        [row] = (await connection.execute(text("SELECT id, status, error_message FROM jobs"))).all()
    assert row.status == Status.FAILED
    assert (one.kind, one.key, one.count, one.job_id) == (NoticeKind.DEAD, key, 1, row.id)
    assert row.error_message in one.message


async def test_a_failure_that_no_retry_can_fix_is_not_noticed(services: Services) -> None:
    job = await held(services)
    failed = await services.lifecycle.fail(job, Failure(error_class=ErrorClass.VALIDATION, message="no such file"))
    assert failed.status is Status.FAILED
    assert await notices(services) == []


@pytest.mark.parametrize("changes", [{"max_attempts": 2}])
async def test_only_the_last_attempt_is_noticed(services: Services) -> None:
    job = await services.lifecycle.fail(await held(services), NETWORK)
    assert (job.status, await notices(services)) == (Status.RETRYING, [])


async def test_the_deletion_of_a_dead_job_and_its_retry_are_not_noticed(services: Services) -> None:
    one, other = await dead(services), await dead(services)
    await acknowledge(services.database, (await notices(services))[0].id, "olga")
    await services.lifecycle.delete(one.id)
    await services.lifecycle.retry(other.id)
    assert await notices(services) == []


async def test_a_failure_that_is_not_written_is_not_noticed(services: Services) -> None:
    job = await held(services)
    await services.lifecycle.cancel(job.id)
    with pytest.raises(StaleFence):
        await services.lifecycle.fail(job, NETWORK)
    assert await notices(services) == []


async def test_500_dead_jobs_are_one_notice_with_their_number(several: list[Services]) -> None:
    """They die side by side, in four processes."""

    async def kill(services: Services) -> None:
        for _ in range(25):
            await services.lifecycle.fail(await held(services), NETWORK)

    await asyncio.gather(*(kill(services) for services in several * 5))
    assert await counts(several[0]) == {DOWNLOAD_NETWORK: 500}


async def test_sweeps_with_several_kinds_in_opposite_order_do_not_deadlock(several: list[Services]) -> None:
    """A sweep moves ten jobs in one transaction. In half of the batches the first of them is an upload."""
    kinds = [Kind.DOWNLOAD, Kind.UPLOAD]
    for number in range(100):
        batch, place = divmod(number, 10)
        await held(several[0], kinds[(batch + place) % 2])
    await change(several[0], "lease_until = created_at - interval '1 hour'")

    async def sweep(services: Services) -> None:
        while await services.lifecycle.lose_expired_leases():
            pass

    await asyncio.gather(*(sweep(services) for services in several * 2))
    assert await counts(several[0]) == {"dead:download:worker_lost": 50, "dead:upload:worker_lost": 50}


async def test_a_job_that_is_dying_delays_no_other(services: Services) -> None:
    """The transaction of the first one is open while the second one dies, and a list is read."""
    one, other = await held(services), await held(services)

    async def within(connection: AsyncConnection, job: Job) -> None:
        del job
        await raise_notice(connection, Notice(kind=NoticeKind.DEAD, key=DOWNLOAD_NETWORK, message="not committed yet"))
        async with asyncio.timeout(5):
            await services.lifecycle.fail(other, NETWORK)
            assert await counts(services) == {DOWNLOAD_NETWORK: 1}

    await services.lifecycle.write(one, within)
    assert await counts(services) == {DOWNLOAD_NETWORK: 2}
