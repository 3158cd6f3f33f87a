"""Sweeping: what died in between is mended, and what only seems to be dead is left alone."""

from __future__ import annotations

import asyncio
import re
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from jobs.breakers import Circuit
from jobs.bundles.commands import with_result
from jobs.concurrency import cancel_and_wait
from jobs.engine import lifecycle
from jobs.engine.jobs import Job, Status
from jobs.engine.sql import sweeps
from jobs.engine.wakeups.queue import wakeup_id
from jobs.engine.worker import sweeper
from jobs.engine.worker.retention import Retention
from jobs.engine.worker.sweeper import Sweeper
from jobs.errors import DatabaseUnavailable
from jobs.kinds import Kind
from jobs.services import Services, open_services
from jobs.settings import Settings
from jobs.work import works_of
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create, read
from tests.helpers.proxies import proxied
from tests.helpers.redis_clients import redis_of
from tests.helpers.samples import RESULT
from tests.helpers.settings import with_changes

LEASE = 1.5
PATIENCE = 20


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"lease_ttl": LEASE, "heartbeat_interval": 0.3, "heartbeat_timeout": 0.5, "database_timeout": 0.5}


async def lost(services: Services) -> Job:
    """A job whose worker has fallen silent."""
    job = await held(services)
    await change(services, job.id, "lease_until = now() - interval '1 second'")
    return job


async def held(services: Services) -> Job:
    """A job that a worker holds."""
    job = await create(services, 10_000)
    claimed = await services.lifecycle.claim(job.id, job.fence, "silent")
    assert claimed is not None
    return claimed.job


async def change(services: Services, job_id: UUID, assignment: str) -> None:
    async with services.database.begin() as connection:
        await connection.execute(text(f"UPDATE jobs SET {assignment} WHERE id = :id"), {"id": job_id})


@pytest.fixture(autouse=True)
async def old_server(services: Services) -> None:
    """PostgreSQL has been there for a lease."""
    while (await sweeps.find_due(services.database, 0)).uptime < LEASE:
        pass


async def test_all_that_a_dead_worker_held_is_taken_at_once(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "SWEEP_BATCH", 2)
    monkeypatch.setattr("jobs.engine.worker.sweeper.SWEEP_BATCH", 2)
    jobs = [await lost(services) for _ in range(5)]
    await Sweeper(services, works_of(services)).sweep()
    assert {(await read(services, job.id)).status for job in jobs} == {Status.QUEUED}


async def test_nobody_is_taken_for_dead_until_all_could_be_heard_after_an_outage(
    services: Services, settings: Settings
) -> None:
    job = await lost(services)
    async with (
        proxied(str(settings.database_url)) as database,
        open_services(with_changes(settings, database_url=database.url)) as cut_off,
    ):
        sweeper = Sweeper(cut_off, works_of(cut_off))
        database.stall()
        began = monotonic()
        while monotonic() - began < LEASE:
            with pytest.raises(DatabaseUnavailable):
                await sweeper.lose_expired_leases()
        await database.heal()
        await eventually(lambda: cut_off.database.breaker.state is not Circuit.OPEN)
        began = monotonic()
        await sweeper.lose_expired_leases()
        assert (await read(services, job.id)).status is Status.PROCESSING
        async with asyncio.timeout(PATIENCE):
            while (await read(services, job.id)).status is Status.PROCESSING:
                await sweeper.lose_expired_leases()
        assert monotonic() - began > settings.heartbeat_interval + settings.heartbeat_timeout


async def test_leases_shorter_than_the_pause_between_sweeps_are_lost_all_the_same(
    services: Services, settings: Settings
) -> None:
    async with open_services(with_changes(settings, sweep_interval=LEASE)) as slow:
        sweeping = asyncio.create_task(Sweeper(slow, works_of(slow)).run())
        try:
            async with asyncio.timeout(PATIENCE):
                for _ in range(2):  # the second one with a pause before it
                    job = await lost(services)
                    while (await read(services, job.id)).status is Status.PROCESSING:
                        pass
        finally:
            await cancel_and_wait(sweeping)


async def test_a_redis_that_hangs_holds_up_no_lost_lease(
    services: Services, settings: Settings, environment: dict[str, str]
) -> None:
    unwoken = await create(services, 10_000)
    await change(services, unwoken.id, "due_at = now() - interval '10 seconds'")
    async with proxied(environment["REDIS_URL"]) as redis:
        redis.stall()
        deaf = with_changes(settings, redis_url=redis.url, redis_timeout=30)
        async with open_services(deaf) as cut_off:
            sweeping = asyncio.create_task(Sweeper(cut_off, works_of(cut_off)).run())
            try:
                async with asyncio.timeout(5):
                    for _ in range(2):  # the second one when the other sweeps have begun to wait
                        job = await lost(services)
                        while (await read(services, job.id)).status is Status.PROCESSING:
                            pass
            finally:
                await cancel_and_wait(sweeping)


async def test_a_backlog_that_redis_has_lost_is_in_its_old_order_after_one_round(services: Services) -> None:
    redis: Any = redis_of(services.queue)
    jobs = [await create(services, 10_000) for _ in range(150)]
    await services.queue.flush()
    await redis.flushall()
    jobs.append(await create(services, 10_000))  # its wake-up is not lost
    await services.queue.flush()
    for job in jobs[:-1]:
        await change(services, job.id, "due_at = now() - interval '10 seconds'")
    await change(services, jobs[-1].id, "due_at = now() + interval '1 hour'")  # however long that took
    assert await Sweeper(services, works_of(services)).enqueue_overdue() == 150
    queued = [name.decode() for name in await redis.zrange("haulage:queue:download", 0, -1)]
    assert queued == [wakeup_id(job.id, job.fence) for job in jobs]


async def test_all_that_is_due_is_found_and_done(services: Services) -> None:
    redis: Any = redis_of(services.queue)
    long_ago = "now() - interval '10 seconds'"
    silent = await lost(services)
    expiring = await services.lifecycle.succeed(await held(services), 3600, with_result(RESULT))
    littering = await create(services, 10_000)
    await services.lifecycle.cancel(littering.id)
    unwoken = await create(services, 10_000)
    await services.queue.flush()
    await redis.flushall()
    for job, column in ((expiring, "expires_at"), (littering, "cleanup_at"), (unwoken, "due_at")):
        await change(services, job.id, f"{column} = {long_ago}")
    due = (await read(services, littering.id)).cleanup_at

    async def done() -> bool:
        lost_now, expired, cleaned = [await read(services, job.id) for job in (silent, expiring, littering)]
        return (
            lost_now.status is Status.QUEUED
            and expired.status is Status.EXPIRED
            and cleaned.cleanup_at != due
            and await redis.zscore("haulage:queue:download", wakeup_id(unwoken.id, unwoken.fence)) is not None
        )

    sweeping = asyncio.create_task(Sweeper(services, works_of(services)).run())
    try:
        async with asyncio.timeout(PATIENCE):
            while not await done():
                pass
    finally:
        await cancel_and_wait(sweeping)


@pytest.mark.parametrize(
    ("statement", "indexes"),
    [
        (sweeps._FIND_DUE, {"leases", "waiting", "expiring", "cleanup"}),  # noqa: SLF001
        (sweeps._FIND_OVERDUE[Kind.DOWNLOAD], {"queue"}),  # noqa: SLF001
    ],
)
async def test_an_index_answers_whether_there_is_anything_to_do(
    services: Services, statement: str, indexes: set[str]
) -> None:
    plan = statement.replace("$1", "3").replace("$2", "10")
    async with services.database.begin() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))  # in an empty table it would be the cheapest
        rows = (await connection.execute(text(f"EXPLAIN {plan}"))).scalars().all()
    assert set(re.findall(r"(?:using|on) jobs_(\w+)", "\n".join(rows))) == indexes


async def test_what_is_done_rarely_is_rare_whatever_the_random_numbers_are(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    async def kept(_: Retention) -> None:
        calls.append("partitions")

    monkeypatch.setattr(Retention, "keep_partitions", kept)
    monkeypatch.setattr(sweeper, "uniform", min)  # the lowest one
    sweeping = Sweeper(services, works_of(services))
    running = asyncio.create_task(sweeping.run())
    await eventually(lambda: sweeping._last_response)  # noqa: SLF001 - it checks what is due several times a second
    await cancel_and_wait(running)
    assert calls == []
