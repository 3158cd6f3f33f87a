"""Follow-ups: jobs that exist if, and only if, another one has succeeded."""

from __future__ import annotations

import asyncio
import signal
import sys
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.engine.backpressure import Backpressure
from jobs.engine.jobs import Failure, FileRequest, Job, Status
from jobs.engine.lifecycle import FollowUp, Lifecycle, NewJob
from jobs.engine.sql.admissions import Admission, JobLimits
from jobs.engine.sql.file_records import load_files
from jobs.engine.sql.jobs import list_events
from jobs.engine.wakeups.queue import queue_name, wakeup_id
from jobs.engine.worker.outcomes import Outcomes
from jobs.engine.worker.sweeper import Sweeper
from jobs.engine.worker.work import Success
from jobs.errors import ErrorClass, StaleFence
from jobs.kinds import Kind, Phase
from jobs.services import Services
from jobs.settings import Settings
from jobs.work import works_of
from tests.helpers.jobs import create, read_job
from tests.helpers.redis_clients import redis_of
from tests.helpers.running import environment_of

NEW = NewJob(kind=Kind.IMAGE, owner="ada", files=[FileRequest(file_id=0, name="holiday-thumbnail.webp")])

PROCESSING = [Kind.IMAGE, Kind.PDF, Kind.VIDEO]


async def nothing(connection: AsyncConnection, job: Job) -> None:
    """Writes no rows."""


async def held(services: Services) -> Job:
    """A job that a worker holds."""
    job = await create(services, 10_000)
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    return claimed.job


async def followers(services: Services) -> list[Job]:
    """All jobs of kind image, in the order of their creation."""
    async with services.database.reading() as connection:
        query = text("SELECT id FROM jobs WHERE kind = 'image' ORDER BY created_at, id")
        ids = (await connection.execute(query)).scalars().all()
    return [await read_job(services, job_id) for job_id in ids]


async def waiting(services: Services, kind: Kind) -> set[str]:
    """The wake-ups of a kind that Redis has."""
    await services.queue.flush()
    redis: Any = redis_of(services.queue)
    return {member.decode() for member in await redis.zrange(queue_name(kind), 0, -1)}


async def test_a_follow_up_is_written_with_its_files_its_event_and_rows_of_its_own(services: Services) -> None:
    job = await held(services)
    seen: list[tuple[UUID, str]] = []

    async def within(connection: AsyncConnection, new: Job) -> None:
        query = text("SELECT status FROM jobs WHERE id = :id")
        seen.append((new.id, (await connection.execute(query, {"id": job.id})).scalar_one()))

    await services.lifecycle.succeed(job, None, follow_ups=[FollowUp(NEW, within), FollowUp(NEW)])
    first, second = await followers(services)
    assert seen == [(first.id, Status.COMPLETED)]
    assert (first.status, first.phase, first.owner, first.progress.files_total) == ("queued", "queued", "ada", 1)
    assert first.queued_at < second.queued_at
    async with services.database.reading() as connection:
        [record] = await load_files(connection, first.id)
        [event] = await list_events(connection, first.id)
    assert (record.index, record.file_id, record.name) == (0, 0, "holiday-thumbnail.webp")
    assert (event["command"], event["target"], event["seq"]) == ("create", "queued", 1)


async def test_followers_and_workers_learn_of_a_follow_up(services: Services) -> None:
    job = await held(services)
    await services.lifecycle.succeed(job, None, follow_ups=[FollowUp(NEW)])
    [new] = await followers(services)
    assert await waiting(services, Kind.IMAGE) == {wakeup_id(new.id, new.fence)}
    await services.feed.flush()
    assert (await services.feed.latest([new.id]) or {}).keys() == {new.id}


async def test_a_follow_up_that_cannot_be_written_leaves_the_job_as_it_was(services: Services) -> None:
    job = await held(services)

    async def refused(connection: AsyncConnection, _: Job) -> None:
        await connection.execute(text("SELECT 1 / 0"))

    with pytest.raises(Exception, match="division by zero"):
        await services.lifecycle.succeed(job, None, follow_ups=[FollowUp(NEW), FollowUp(NEW, refused)])
    assert await read_job(services, job.id) == job
    assert await followers(services) == []
    assert await waiting(services, Kind.IMAGE) == set()


async def test_a_stale_worker_creates_no_follow_up(services: Services) -> None:
    job = await held(services)
    await services.lifecycle.release(job)
    with pytest.raises(StaleFence):
        await services.lifecycle.succeed(job, None, follow_ups=[FollowUp(NEW)])
    assert await followers(services) == []


async def test_an_outcome_that_is_written_twice_has_one_follow_up(services: Services) -> None:
    job = await held(services)
    outcomes, success = Outcomes(services), Success(None, nothing, [FollowUp(NEW)])
    await asyncio.gather(*(outcomes.write(job, success) for _ in range(3)))
    assert len(await followers(services)) == 1


async def test_an_attempt_that_fails_has_no_follow_up(services: Services) -> None:
    job = await held(services)
    await Outcomes(services).write(job, Failure(error_class=ErrorClass.NETWORK, message="the line is dead"))
    assert await followers(services) == []


async def test_neither_a_full_queue_nor_the_limits_of_the_owner_hold_a_follow_up_back(services: Services) -> None:
    full = {kind: Backpressure(kind, 1, lambda _: None, services.lifecycle._random) for kind in Kind}  # noqa: SLF001
    lifecycle = Lifecycle(services.database, services.feed, services.queue, services.settings, backpressure=full)
    limited = replace(NEW, admission=Admission(JobLimits(plan="small", per_hour=1, running=1)))
    for _ in range(3):
        job = await held(services)
        await lifecycle.succeed(job, None, follow_ups=[FollowUp(limited)])
    assert len(await followers(services)) == 3


KILLED_AFTER_COMMIT = """
import asyncio, os, signal, sys
from uuid import UUID
from jobs.engine.jobs import FileRequest
from jobs.engine.lifecycle import FollowUp, Lifecycle, NewJob
from jobs.kinds import Kind
from jobs.services import open_services
from jobs.settings import Settings

async def killed(*_):
    os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with open_services(Settings()) as services:
        job = (await services.lifecycle.claim(UUID(sys.argv[1]), 1, "w")).job
        Lifecycle._announce_move = killed
        new = NewJob(kind=Kind.IMAGE, owner="ada", files=[FileRequest(file_id=0)])
        await services.lifecycle.succeed(job, None, follow_ups=[FollowUp(new)])

asyncio.run(main())
"""


async def test_the_sweeper_wakes_a_worker_for_a_follow_up_whose_announcement_died_with_its_process(
    services: Services, settings: Settings
) -> None:
    job = await create(services, 10_000)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED_AFTER_COMMIT, str(job.id)), env=environment_of(settings)
    )
    assert await process.wait() == -signal.SIGKILL
    assert (await read_job(services, job.id)).status is Status.COMPLETED
    [new] = await followers(services)
    assert await waiting(services, Kind.IMAGE) == set()
    async with services.database.begin() as connection:
        await connection.execute(text("UPDATE jobs SET due_at = now() - interval '1 minute' WHERE kind = 'image'"))
    await Sweeper(services, works_of(services)).enqueue_overdue()
    assert await waiting(services, Kind.IMAGE) == {wakeup_id(new.id, new.fence)}


async def test_a_job_of_a_new_kind_is_claimed_in_its_phase(services: Services) -> None:
    job = await held(services)
    await services.lifecycle.succeed(job, None, follow_ups=[FollowUp(replace(NEW, kind=kind)) for kind in PROCESSING])
    async with services.database.reading() as connection:
        query = text("SELECT id FROM jobs WHERE kind IN ('image', 'pdf', 'video')")
        ids = (await connection.execute(query)).scalars().all()
    for job_id in ids:
        claimed = await services.lifecycle.claim(job_id, 1, "w")
        assert claimed is not None
        assert claimed.job.phase is Phase.PROCESSING
