"""Batch jobs: they start only when no other job of their kind waits, and hold none of the others up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.concurrency import cancel_and_wait
from jobs.engine.backpressure import Backpressure
from jobs.engine.fair_share import is_batch
from jobs.engine.jobs import FileRequest, Job, Status, Turn
from jobs.engine.lifecycle import Claimed, Lifecycle, NewJob
from jobs.engine.wakeups.consumer import Consumer
from jobs.engine.wakeups.queue import queue_name
from jobs.engine.worker.poller import Poller
from jobs.engine.worker.redis_probe import RedisProbe
from jobs.engine.worker.reporter import Reporter
from jobs.engine.worker.runner import Runner
from jobs.engine.worker.sweeper import Sweeper
from jobs.engine.worker.work import Success, Work
from jobs.errors import QueueFull
from jobs.kinds import Kind
from jobs.services import Services, open_services
from jobs.settings import Settings
from jobs.work import works_of
from tests.helpers.jobs import read_job
from tests.helpers.redis_clients import redis_of
from tests.helpers.settings import UNAVAILABLE, with_changes

BATCH, OTHERS = 12, 3
PATIENCE = 60


async def create(services: Services, owner: str = "ada", *, batch: bool = False) -> Job:
    new = NewJob(kind=Kind.IMAGE, owner=owner, files=[FileRequest(file_id=0)], batch=batch)
    return await services.lifecycle.create(new)


async def nothing(connection: AsyncConnection, job: Job) -> None:
    """Writes no rows."""


class Interrupted:
    """Work whose attempts do nothing, but that during the first one other jobs are created. `started` has all of them."""

    def __init__(self, services: Services, total: int) -> None:
        self.started: list[UUID] = []
        self.others: list[Job] = []
        self.ended = asyncio.Event()
        self._services = services
        self._total = total
        self.work = Work(
            kind=Kind.IMAGE,
            concurrency=1,
            time_limit=PATIENCE,
            attempt=self._attempt,
            clean_up=self._clean_up,
            remove_orphans=self._remove_orphans,
        )

    async def _attempt(self, claimed: Claimed, _: Reporter) -> Success:
        self.started.append(claimed.job.id)
        if len(self.started) == 1:
            self.others = [await create(self._services, "otto") for _ in range(OTHERS)]
            await self._services.queue.flush()
        if len(self.started) == self._total:
            self.ended.set()
        return Success(None, nothing)

    async def _clean_up(self, _: Job, __: datetime) -> None:
        """Nothing is left."""

    async def _remove_orphans(self) -> None:
        """There are none."""


@asynccontextmanager
async def working(services: Services, work: Work) -> AsyncIterator[Runner]:
    """A worker of one kind: its wake-ups, or without Redis what it polls."""
    runner = Runner(services, work, "worker-1")
    consumer = Consumer(
        runner.kind, services.queue, services.settings, room=lambda: runner.room, deliver=runner.deliver
    )
    runner.room_changed = consumer.room_changed
    redis = RedisProbe(services)
    parts = (consumer, redis, Poller(services, runner, redis))
    tasks = [asyncio.create_task(part.run()) for part in parts]
    try:
        yield runner
    finally:
        await cancel_and_wait(*tasks)
        await runner.drain(PATIENCE, 1)


@pytest.mark.parametrize("redis", [True, False], ids=["woken", "polled"])
async def test_jobs_that_arrive_during_a_batch_start_before_what_is_left_of_it(
    services: Services, settings: Settings, redis: bool
) -> None:
    batch = [await create(services, batch=True) for _ in range(BATCH)]
    await services.queue.flush()
    changes = {} if redis else UNAVAILABLE["redis"]
    async with open_services(with_changes(settings, **changes)) as here:
        interrupted = Interrupted(here, BATCH + OTHERS)
        async with asyncio.timeout(PATIENCE), working(here, interrupted.work):
            await interrupted.ended.wait()
    first, *rest = interrupted.started
    assert first in {job.id for job in batch}
    assert set(rest[:OTHERS]) == {job.id for job in interrupted.others}
    assert len(set(interrupted.started)) == BATCH + OTHERS


async def test_the_poller_leaves_a_batch_alone_while_the_wake_up_of_another_job_is_on_its_way(
    services: Services,
) -> None:
    batch = await create(services, batch=True)
    async with services.database.begin() as connection:
        await connection.execute(text("UPDATE jobs SET due_at = now() - interval '1 hour'"))
    other = await create(services)

    class Claiming(Runner):
        def __init__(self) -> None:
            super().__init__(services, Interrupted(services, 1).work, "worker-1")
            self.turns: list[Turn] = []

        async def claim(self, job_id: UUID, fence: int) -> None:
            self.turns.append((job_id, fence))

    runner = Claiming()
    poller = Poller(services, runner, RedisProbe(services))
    await poller._poll(600)  # noqa: SLF001 - one poll
    assert runner.turns == []
    await services.lifecycle.cancel(other.id)
    await poller._poll(600)  # noqa: SLF001
    assert runner.turns == [(batch.id, batch.fence)]


async def test_wake_ups_that_were_lost_are_in_the_same_order_again(services: Services) -> None:
    batch = [await create(services, owner, batch=True) for owner in ("ada", "ada", "otto", "anonymous")]
    others = [await create(services, owner) for owner in ("ada", "ada", "anonymous")]
    await services.queue.flush()
    redis: Any = redis_of(services.queue)
    before = await redis.zrange(queue_name(Kind.IMAGE), 0, -1, withscores=True)
    named = [UUID(member.decode().partition(":")[0]) for member, _ in before]
    assert set(named[: len(others)]) == {job.id for job in others}
    assert set(named[len(others) :]) == {job.id for job in batch}
    assert named.index(batch[2].id) < named.index(batch[1].id), "owners take turns in a batch, too"
    await redis.flushall()
    async with services.database.begin() as connection:
        await connection.execute(text("UPDATE jobs SET due_at = now() - interval '1 minute'"))
    await Sweeper(services, works_of(services)).enqueue_overdue()
    assert await redis.zrange(queue_name(Kind.IMAGE), 0, -1, withscores=True) == before


async def test_a_job_is_placed_as_if_no_batch_were_waiting(services: Services) -> None:
    for _ in range(3):
        await create(services, batch=True)
    job = await create(services)
    assert job.queued_at == job.created_at


async def test_a_batch_job_has_no_position_and_changes_that_of_no_other(services: Services) -> None:
    batch = await create(services, batch=True)
    others = [await create(services) for _ in range(2)]
    await create(services, "otto", batch=True)
    found = await services.snapshots.read_many([batch.id, *(job.id for job in others)])
    assert [found[job.id].position for job in (batch, *others)] == [None, 1, 2]
    assert found[batch.id].starts_in is None
    marks = await services.snapshots.marks([batch.id])
    assert marks[batch.id].position is None


@pytest.mark.parametrize("owner", ["ada", "anonymous"])
async def test_a_batch_job_that_comes_back_is_a_batch_job_again(services: Services, owner: str) -> None:
    job = await create(services, owner, batch=True)
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    released = await services.lifecycle.release(claimed.job)
    assert released.queued_at == job.queued_at
    again = await services.lifecycle.claim(job.id, released.fence, "w")
    assert again is not None, "it is due at once"
    await services.lifecycle.cancel(job.id)
    assert is_batch((await services.lifecycle.retry(job.id)).queued_at)
    other = await create(services, owner)
    await services.lifecycle.cancel(other.id)
    assert not is_batch((await services.lifecycle.retry(other.id)).queued_at)


async def test_a_batch_job_whose_bytes_arrive_later_is_one_as_well(services: Services) -> None:
    new = NewJob(kind=Kind.UPLOAD, owner="ada", files=[FileRequest(file_id=0)], receive_for=60, batch=True)
    [job] = await services.lifecycle.create_receiving([new])
    assert is_batch((await services.lifecycle.submit(job.id)).queued_at)


async def test_a_full_batch_admits_other_jobs_and_other_jobs_admit_a_batch(services: Services) -> None:
    def limited(most: int, *, batch: bool) -> dict[Kind, Backpressure]:
        return {Kind.IMAGE: Backpressure(Kind.IMAGE, most, lambda _: None, Random(0), batch=batch)}

    lifecycle = Lifecycle(
        *(services.database, services.feed, services.queue, services.settings),
        backpressure=limited(1, batch=False),
        batch_backpressure=limited(2, batch=True),
    )

    async def admitted(*, batch: bool) -> bool:
        try:
            await lifecycle.create(NewJob(kind=Kind.IMAGE, owner="ada", files=[], batch=batch))
        except QueueFull:
            return False
        return True

    assert [await admitted(batch=True) for _ in range(3)] == [True, True, False]
    assert await lifecycle.queue_fill() == 0
    assert [await admitted(batch=False) for _ in range(2)] == [True, False]


async def test_a_batch_job_ends_like_any_other(services: Services) -> None:
    job = await create(services, batch=True)
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    await services.lifecycle.succeed(claimed.job, None)
    assert (await read_job(services, job.id)).status is Status.COMPLETED
