"""A paused queue: nothing of it is claimed once the pause has been confirmed, however a claim comes about."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.engine.jobs import FileRequest, Job, Status
from jobs.engine.lifecycle import NewJob
from jobs.engine.sql import jobs as job_rows
from jobs.engine.sql.paused_queues import list_paused, pause_queue, resume_queue
from jobs.engine.sql.sweeps import Sweep, find_due, find_overdue
from jobs.engine.transitions import Claim, apply
from jobs.engine.wakeups.queue import queue_name
from jobs.engine.worker.conditions import PATIENCE, PAUSED_FOR_LONG, Conditions
from jobs.errors import QueuePaused
from jobs.kinds import Kind
from jobs.notices import NoticeKind, list_notices
from jobs.services import Services, open_services
from jobs.settings import Settings
from tests.helpers.eventually import eventually
from tests.helpers.jobs import count_processing, create, read, read_job, until_ended
from tests.helpers.redis_clients import redis_of
from tests.helpers.running import working
from tests.helpers.settings import UNAVAILABLE, with_changes


async def pause(services: Services, kind: Kind = Kind.DOWNLOAD, reason: str | None = None) -> None:
    async with services.database.begin() as connection:
        await pause_queue(connection, kind, "oskar", reason)


async def resume(services: Services, kind: Kind = Kind.DOWNLOAD) -> None:
    async with services.database.begin() as connection:
        await resume_queue(connection, kind)


async def locks_that_wait(services: Services) -> int:
    query = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    [row] = await services.database.fetch(query)
    return int(row["count"])


async def claim_within(connection: AsyncConnection, job: Job) -> None:
    """A claim that is not committed yet."""
    locked, now = await job_rows.lock_job_to_claim(connection, job.id)
    after, event = apply(locked, Claim(worker="w", lease=10), now)
    await job_rows.save_claim(connection, locked, after, event)


async def test_a_pause_waits_for_the_claims_that_have_begun(services: Services) -> None:
    job = await create(services, 10_000)
    async with services.database.begin() as connection:
        await claim_within(connection, job)
        pausing = asyncio.create_task(pause(services))
        await eventually(lambda: locks_that_wait(services))
        assert not pausing.done()
    await pausing
    assert (await read(services, job.id)).status is Status.PROCESSING
    assert set(await list_paused(services.database)) == {Kind.DOWNLOAD}


async def test_a_claim_that_begins_during_a_pause_is_refused(services: Services) -> None:
    job = await create(services, 10_000)
    async with services.database.begin() as connection:
        await pause_queue(connection, Kind.DOWNLOAD, "oskar", None)
        claiming = asyncio.create_task(services.lifecycle.claim(job.id, job.fence, "w"))
        await eventually(lambda: locks_that_wait(services))
    with pytest.raises(QueuePaused):
        await claiming
    assert await read_job(services, job.id) == job


async def test_no_claim_commits_after_the_pause_however_they_race(services: Services) -> None:
    for _ in range(10):
        jobs = [await create(services, 10_000) for _ in range(12)]
        claims = [asyncio.create_task(services.lifecycle.claim(job.id, job.fence, "w")) for job in jobs]
        await pause(services)
        claimed = await count_processing(services)
        await asyncio.gather(*claims, return_exceptions=True)
        assert await count_processing(services) == claimed
        await resume(services)


async def test_only_its_own_kind_is_paused(services: Services) -> None:
    await pause(services, Kind.UPLOAD)
    job = await create(services, 10_000)
    assert await services.lifecycle.claim(job.id, job.fence, "w") is not None


@pytest.mark.parametrize("redis", [True, False], ids=["woken", "polled"])
async def test_workers_run_what_waits_once_the_queue_is_resumed(
    services: Services, settings: Settings, catalogue: Any, redis: bool
) -> None:
    file_id = await catalogue.add(b"x")
    changes = {} if redis else UNAVAILABLE["redis"]
    await pause(services)
    async with working(with_changes(settings, heartbeat_interval=0.2, **changes)):
        jobs = [await create(services, file_id) for _ in range(8)]
        canary = await services.lifecycle.create(NewJob(kind=Kind.UPLOAD, owner="a", files=[FileRequest(file_id=0)]))

        async def is_claimed() -> bool:
            return (await read_job(services, canary.id)).fence > 1

        await eventually(is_claimed)  # the worker is up, and another kind goes on
        overdue = timedelta(seconds=5)
        await services.database.fetch("UPDATE jobs SET due_at = due_at - $1::interval WHERE kind = 'download'", overdue)
        beats = "SELECT seen_at FROM workers"
        for _ in range(5):  # several rounds of sweeper and poller
            [last] = await services.database.fetch(beats)

            async def has_another(last: Any = last) -> bool:
                return bool((await services.database.fetch(beats))[0]["seen_at"] > last["seen_at"])

            await eventually(has_another)
        assert {(await read(services, job.id)).fence for job in jobs} == {1}
        await resume(services)
        for job in jobs:
            assert (await until_ended(services, job)).status is Status.COMPLETED


async def test_a_running_job_goes_on(services: Services) -> None:
    job = await create(services, 10_000)
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    await pause(services)
    released = await services.lifecycle.release(claimed.job)
    assert released.status is Status.QUEUED, "its outcome is written"


async def test_wake_ups_stay_in_the_queue_in_their_order(services: Services, settings: Settings) -> None:
    redis: Any = redis_of(services.queue)
    await pause(services)
    async with working(with_changes(settings, heartbeat_interval=0.2, wake_grace=600, sweep_interval=600)):
        await eventually(lambda: services.database.fetch("SELECT FROM workers"))
        jobs = [await create(services, 10_000, owner="ada") for _ in range(3)]
        await services.queue.flush()

        async def are_queued() -> bool:
            waiting = [member.decode() for member in await redis.zrange(queue_name(Kind.DOWNLOAD), 0, -1)]
            return waiting == [f"{job.id}:1" for job in jobs]

        await eventually(are_queued)


async def test_nothing_is_overdue_or_past_its_deadline_in_a_paused_queue(
    services: Services, settings: Settings
) -> None:
    job = await create(services, 10_000)
    long_ago = "due_at = now() - interval '1 day', started_at = now() - interval '1 day', status = 'retrying'"
    await services.database.fetch(f"UPDATE jobs SET {long_ago}")
    assert Sweep.OVERDUE in (await find_due(services.database, 0)).sweeps
    await pause(services)
    assert Sweep.OVERDUE not in (await find_due(services.database, 0)).sweeps
    assert await find_overdue(services.database, Kind.DOWNLOAD, 0, 10) == []
    async with open_services(with_changes(settings, job_deadline=60)) as strict:
        assert await strict.lifecycle.abandon_past_deadline() == []
        await resume(services)
        assert [one.id for one in await strict.lifecycle.abandon_past_deadline()] == [job.id]


async def test_a_pause_lasts_and_keeps_the_first_reason(services: Services) -> None:
    await pause(services, reason="the store moves")
    first = (await list_paused(services.database))[Kind.DOWNLOAD]
    await pause(services, reason="again")
    assert (await list_paused(services.database))[Kind.DOWNLOAD] == first
    assert (first.paused_by, first.reason) == ("oskar", "the store moves")
    await resume(services)
    await resume(services)
    assert await list_paused(services.database) == {}


async def test_a_queue_that_was_paused_and_forgotten_is_noticed(services: Services) -> None:
    now = 1_000.0
    checks = Conditions(services, clock=lambda: now)

    async def noticed() -> list[str]:
        nonlocal now
        for _ in range(2):
            await checks.check()
            now += PATIENCE
        found = await list_notices(services.database, only_open=True, before=None, limit=10)
        return [one.message for one in found if one.kind is NoticeKind.QUEUE_PAUSED]

    await pause(services, reason="the store moves")
    await create(services, 10_000)
    assert await noticed() == []
    await services.database.fetch(
        "UPDATE paused_queues SET paused_at = paused_at - $1::interval", timedelta(seconds=PAUSED_FOR_LONG)
    )
    [message] = await noticed()
    assert message.startswith("Jobs of kind download wait: oskar has paused their queue at ")
    assert message.endswith(" UTC (the store moves). Resume it with `haulage queues resume download`.")
