"""Wake-ups: none is lost that comes early or finds no room, and no fault of Redis changes how many jobs run at once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from jobs.concurrency import CANCEL_INTERVAL, cancel_and_wait
from jobs.engine.jobs import Job, Overdue, Status
from jobs.engine.sql.jobs import list_events
from jobs.engine.wakeups import consumer
from jobs.engine.wakeups.consumer import Consumer
from jobs.engine.wakeups.wake_up_buffer import to_place
from jobs.engine.worker.runner import Runner
from jobs.kinds import Kind
from jobs.services import Services
from jobs.settings import Settings
from jobs.work import works_of
from jobs.worker import worker_name
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.gates import gate
from tests.helpers.jobs import commands, create, read, until_completed, until_processing
from tests.helpers.proxies import proxied
from tests.helpers.redis_clients import redis_of
from tests.helpers.running import working
from tests.helpers.settings import WAKE_UPS_ONLY, with_changes

ROOM = 3


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"worker_concurrency": ROOM}


async def most_at_once(services: Services, jobs: Sequence[Job]) -> int:
    """How many of the jobs were held at the same time, by their transitions."""
    steps = []
    for job in jobs:
        async with services.database.reading() as connection:
            events = await list_events(connection, job.id)
        steps += [(event["at"], 1 if event["command"] == "claim" else -1) for event in events[1:]]
    at_once = most = 0
    for _, step in sorted(steps):
        at_once += step
        most = max(most, at_once)
    return most


def is_empty(redis: Any) -> Callable[[], Awaitable[bool]]:
    """Whether no wake-up waits in the queue."""

    async def has_none() -> bool:
        return not await redis.zcard("haulage:queue:download")

    return has_none


async def test_a_wake_up_that_comes_too_early_comes_again_in_time(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    job = await create(services, await catalogue.add(b"x"))
    async with services.database.begin() as connection:
        await connection.execute(text("UPDATE jobs SET due_at = clock_timestamp() + interval '1 second'"))
    async with working(with_changes(settings, **WAKE_UPS_ONLY)):
        await until_completed(services, [job])


async def test_a_wake_up_that_finds_no_room_keeps_its_place(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await create(services, 10_000)
    await services.queue.flush()
    redis: Any = redis_of(services.queue)
    await redis.flushall()
    monkeypatch.setattr(Runner, "room", 0)
    runner = Runner(services, works_of(services)[Kind.DOWNLOAD], "w")
    receiver = Consumer(
        Kind.DOWNLOAD, services.queue, services.settings, room=lambda: runner.room, deliver=runner.deliver
    )
    await services.queue.enqueue(Kind.DOWNLOAD, job.id, job.fence, to_place(job.queued_at) - 3600)
    await services.queue.flush()
    [received] = await redis.zpopmin("haulage:queue:download")
    await receiver._receive({}, job.id, job.fence, received[1])  # noqa: SLF001 - as arq calls it
    await services.queue.flush()
    assert await redis.zrange("haulage:queue:download", 0, -1, withscores=True) == [received], "it keeps its place"
    assert (await read(services, job.id)).status is Status.QUEUED


async def test_a_wake_up_that_is_received_again_while_its_job_is_claimed_runs_it_once(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    job = await create(services, await catalogue.add(b"x"))
    redis: Any = redis_of(services.queue)
    async with (
        proxied(str(settings.database_url)) as database,
        working(with_changes(settings, database_url=database.url)),
    ):
        await until_completed(services, [job])  # it has a connection by now
        database.stall()
        late = await create(services, await catalogue.add(b"x"))
        for _ in range(2):
            await services.queue.enqueue_missing(Kind.DOWNLOAD, [Overdue(late.id, late.fence, late.queued_at)])
            await eventually(is_empty(redis))
        await database.heal()
        await until_completed(services, [late])
    assert await commands(services, late.id) == ["create", "claim", "succeed"]


async def test_after_hundreds_of_broken_connections_as_many_jobs_run_at_once_as_before(
    services: Services,
    settings: Settings,
    catalogue: Catalogue,
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(consumer, "REDIS_PAUSE", 0.01)
    random = Random(8)
    file_id = await catalogue.add(os.urandom(1 << 20))
    jobs: list[Job] = []
    cuts = 0
    async with (
        proxied(environment["REDIS_URL"]) as redis,
        gate(settings.s3_endpoint) as store,
        working(with_changes(settings, redis_url=redis.url, s3_endpoint=store.url)),
    ):
        async with asyncio.timeout(60):
            while cuts < 500:
                if len(jobs) < ROOM - 1:
                    jobs.append(await create(services, file_id))
                else:  # a wake-up that is too late, for arq to be in the midst of something
                    await services.queue.enqueue(Kind.DOWNLOAD, jobs[0].id, cuts, 0)
                await asyncio.sleep(random.uniform(0.002, 0.02))
                cuts += redis.cut()
        jobs += [await create(services, file_id) for _ in range(3 * ROOM)]
        await until_processing(services, ROOM)
        assert redis.connections < 10
        store.open()
        await until_completed(services, jobs)
    assert await most_at_once(services, jobs) == ROOM


async def test_workers_of_the_same_host_and_process_id_have_names_of_their_own() -> None:
    assert worker_name() != worker_name()
    assert str(os.getpid()) in worker_name()


async def test_a_consumer_that_is_stopped_passes_on_what_it_received_and_leaves_nothing_open(
    services: Services, environment: dict[str, str]
) -> None:
    received, passed_on = asyncio.Event(), asyncio.Event()

    async def deliver(*_: object) -> float | None:
        received.set()
        await asyncio.sleep(3 * CANCEL_INTERVAL)  # longer than a cancelled task is left alone
        passed_on.set()
        return None

    async with proxied(environment["REDIS_URL"]) as redis:
        settings = with_changes(services.settings, redis_url=redis.url)
        receiver = Consumer(Kind.DOWNLOAD, services.queue, settings, room=lambda: 1, deliver=deliver)
        receiving = asyncio.create_task(receiver.run())
        await create(services, 10_000)
        await received.wait()
        await cancel_and_wait(receiving)
        assert passed_on.is_set()
        await eventually(lambda: redis.connections == 0)
