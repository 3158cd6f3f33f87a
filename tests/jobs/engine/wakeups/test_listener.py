"""The bell: a worker that rests hears of work at once, and one that can't hear does not rest."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jobs.concurrency import cancel_and_wait
from jobs.engine.wakeups import listener, queue
from jobs.kinds import Kind
from jobs.services import Services
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create, until_completed
from tests.helpers.running import working
from tests.helpers.settings import WAKE_UPS_ONLY

CHANNEL = queue.channel_name(Kind.DOWNLOAD)
NEVER_LOOKS = 600
"""Seconds that a worker rests unless it hears something: longer than any test waits."""


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"worker_concurrency": 1, **WAKE_UPS_ONLY}


@pytest.fixture(autouse=True)
def _long_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "MAX_REST", NEVER_LOOKS)


async def until_listened_to(services: Services) -> None:
    redis: Any = services.queue._redis  # noqa: SLF001 - what Redis has is the point

    async def is_subscribed() -> bool:
        return bool(dict(await redis.pubsub_numsub(CHANNEL)).get(CHANNEL.encode()))

    await eventually(is_subscribed)


async def test_a_worker_that_rests_hears_of_a_job(services: Services, catalogue: Catalogue) -> None:
    file_id = await catalogue.add(b"x")
    async with working(services.settings):
        await until_completed(services, [await create(services, file_id)])  # from here on it rests
        await until_completed(services, [await create(services, file_id)])


async def test_jobs_that_found_no_room_follow_each_other(services: Services, catalogue: Catalogue) -> None:
    file_id = await catalogue.add(b"x")
    jobs = [await create(services, file_id) for _ in range(5)]
    async with working(services.settings):
        await until_completed(services, jobs)


async def test_wake_ups_that_come_to_nothing_do_not_hold_up_the_next(services: Services, catalogue: Catalogue) -> None:
    file_id = await catalogue.add(b"x")
    for _ in range(40):
        job = await create(services, file_id)
        await services.lifecycle.cancel(job.id)
    job = await create(services, file_id)
    async with working(services.settings):
        await until_completed(services, [job])


async def test_what_was_rung_for_just_before_it_listened_is_looked_for(services: Services) -> None:
    bell = listener.WakeupListener(services.feed, CHANNEL)
    listening = asyncio.create_task(bell.run())
    await until_listened_to(services)
    async with asyncio.timeout(20):
        await bell.rest()
    await cancel_and_wait(listening)


async def test_a_job_that_is_due_a_little_later_starts_then(services: Services, catalogue: Catalogue) -> None:
    """The clock of who rings may be ahead of the worker's."""
    file_id = await catalogue.add(b"x")
    async with working(services.settings):
        await until_completed(services, [await create(services, file_id)])
        job = await create(services, file_id)
        redis: Any = services.queue._redis  # noqa: SLF001
        await redis.flushall()
        await services.queue.enqueue(Kind.DOWNLOAD, job.id, job.fence, 0.5)
        await until_completed(services, [job])


async def test_jobs_that_are_rung_for_at_once_start_each_in_its_time(
    services: Services, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = await catalogue.add(b"x")
    redis: Any = services.queue._redis  # noqa: SLF001
    async with working(services.settings):
        await until_completed(services, [await create(services, file_id)])
        with monkeypatch.context() as silence:
            silence.setattr(queue, "channel_name", lambda _: "no subscriber")
            jobs = [await create(services, file_id) for _ in range(2)]
            await services.queue.flush()
        await redis.flushall()
        for job, delay in zip(jobs, (0.2, 0.7), strict=True):
            await services.queue.enqueue(Kind.DOWNLOAD, job.id, job.fence, delay)
        await until_completed(services, jobs)


async def test_what_was_rung_for_while_nobody_listened_is_found(services: Services, catalogue: Catalogue) -> None:
    file_id = await catalogue.add(b"x")
    redis: Any = services.queue._redis  # noqa: SLF001
    async with working(services.settings):
        await until_completed(services, [await create(services, file_id)])
        await redis.client_kill_filter(_type="pubsub")
        job = await create(services, file_id)
        await until_completed(services, [job])
        await until_listened_to(services)
        await until_completed(services, [await create(services, file_id)])


async def test_a_worker_that_cannot_listen_does_not_rest(
    services: Services, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "PAUSE", NEVER_LOOKS)
    file_id = await catalogue.add(b"x")
    redis: Any = services.queue._redis  # noqa: SLF001
    async with working(services.settings):
        await until_completed(services, [await create(services, file_id)])
        await redis.client_kill_filter(_type="pubsub")
        await until_completed(services, [await create(services, file_id) for _ in range(3)])


async def test_a_ring_that_is_lost_makes_a_job_late_and_nothing_worse(
    services: Services, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "MAX_REST", 0.2)
    file_id = await catalogue.add(b"x")
    async with working(services.settings):
        await until_completed(services, [await create(services, file_id)])
        monkeypatch.setattr(queue, "channel_name", lambda _: "no subscriber")
        await until_completed(services, [await create(services, file_id)])
