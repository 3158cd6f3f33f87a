"""The worker on real parts: killed, drained, cancelled, cut off from its store, and cleaning up."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import pytest

from jobs.bundles.cleanup import STALE
from jobs.bundles.downloads import OnMissing
from jobs.engine.jobs import FileState, Status
from jobs.engine.sql.file_records import load_files
from jobs.engine.sql.jobs import list_events
from jobs.engine.wakeups.queue import RedisQueue
from jobs.errors import ErrorClass
from jobs.services import Services, open_services
from jobs.settings import Settings
from tests.helpers.bundles import bundle_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.gates import gate
from tests.helpers.jobs import clean_now, commands, create, read, until_ended, until_processing
from tests.helpers.running import worker_process, working
from tests.helpers.settings import UNAVAILABLE, with_changes

MIB = 1 << 20


@pytest.fixture
def queue() -> str:
    """What carries wake-ups: a test is parametrized with it."""
    return "redis"


@pytest.fixture
def changes(queue: str) -> dict[str, Any]:
    """Nothing is copied in the store: the gates count the bytes that pass."""
    quick = {"lease_ttl": 1.5, "heartbeat_interval": 0.3, "heartbeat_timeout": 0.5}
    return {**quick, "s3_idle_timeout": 3, "s3_part_copy": "never", "queue": queue}


@pytest.mark.parametrize("queue", ["redis", "postgres"])
async def test_a_job_whose_worker_is_killed_midway_completes_once_with_one_bundle(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    contents = [os.urandom(12 * MIB) for _ in range(3)]
    ids = [await catalogue.add(data, f"{n}") for n, data in enumerate(contents)]
    async with gate(settings.s3_endpoint, 10 * MIB) as store:
        async with worker_process(with_changes(settings, s3_endpoint=store.url)) as process:
            job = await create(services, *ids)
            await store.held.wait()
            assert (await read(services, job.id)).status is Status.PROCESSING
            process.send_signal(signal.SIGKILL)
            await process.wait()
    async with working(settings):
        final = await until_ended(services, job)
        assert final.status is Status.COMPLETED
    assert final.attempt == 2
    assert await commands(services, job.id) == ["create", "claim", "lose", "claim", "succeed"]
    assert list((await bundle_of(services, final)).values())[:3] == contents
    await clean_now(services)
    prefix = f"bundles/{job.id}/"
    assert [info.key async for info in services.storage.objects.list(prefix)] == [final.result and final.result.key]
    assert await services.storage.multipart.list_uploads(prefix) == []


async def test_a_drained_worker_gives_its_job_back_uncharged(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids = [await catalogue.add(os.urandom(9 * MIB)) for _ in range(2)]
    async with gate(settings.s3_endpoint, 4 * MIB) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            job = await create(services, *ids)
            await store.held.wait()
        released = await read(services, job.id)
    assert (released.status, released.attempt) == (Status.QUEUED, 0)
    async with working(settings):
        final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.COMPLETED, 1)


async def test_a_running_job_that_is_cancelled_is_stopped_and_leaves_nothing(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids = [await catalogue.add(os.urandom(9 * MIB)) for _ in range(2)]
    async with gate(settings.s3_endpoint, 4 * MIB) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            job = await create(services, *ids)
            await store.held.wait()
            async with asyncio.timeout(3):
                await services.lifecycle.cancel(job.id)
            store.open()
    assert (await read(services, job.id)).status is Status.CANCELLED
    await clean_now(services)
    prefix = f"bundles/{job.id}/"
    assert [info.key async for info in services.storage.objects.list(prefix)] == []
    assert await services.storage.multipart.list_uploads(prefix) == []


async def test_a_source_that_changes_midway_fails_the_attempt_and_never_the_bundle(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    first, second = os.urandom(20 * MIB), os.urandom(20 * MIB)
    file_id = await catalogue.add(first, "a", crc32=None, sha256=None)
    changed = await catalogue.add(first, "b", crc32=None, sha256=None)
    slow = with_changes(settings, read_concurrency=1)
    async with gate(settings.s3_endpoint, 10 * MIB) as store:
        async with working(with_changes(slow, s3_endpoint=store.url)):
            job = await create(services, file_id, changed)
            await store.held.wait()
            await catalogue.overwrite(changed, second)
            store.open()
            final = await until_ended(services, job)
    assert final.status is Status.COMPLETED
    assert final.attempt == 2
    assert (await bundle_of(services, final))["b"] == second


async def test_a_connection_that_breaks_midway_is_taken_up_again_within_the_attempt(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    data = os.urandom(24 * MIB)
    file_id = await catalogue.add(data, "a")
    async with gate(settings.s3_endpoint, 10 * MIB) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            job = await create(services, file_id)
            await store.held.wait()
            store.open()
            store.cut()
            final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.COMPLETED, 1)
    assert (await bundle_of(services, final))["a"] == data


async def test_a_file_without_progress_fails_the_attempt_with_its_name(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(os.urandom(24 * MIB), "stuck.bin")
    impatient = with_changes(settings, file_timeout=0.5, s3_idle_timeout=0.3)
    async with gate(settings.s3_endpoint, 100_000, each=True) as store:
        async with working(with_changes(impatient, s3_endpoint=store.url)):
            job = await create(services, file_id)
            await store.held.wait()
            final = await until_ended(services, job)
    assert final.status is Status.FAILED
    async with services.database.reading() as connection:
        [file] = await load_files(connection, job.id)
        events = await list_events(connection, job.id)
    assert next(event["error_class"] for event in events if event["command"] == "fail") == ErrorClass.TIMEOUT
    assert file.failure is not None
    assert file.failure.error_class is ErrorClass.TIMEOUT
    assert "stuck.bin" in file.failure.message


async def test_an_attempt_that_takes_too_long_is_ended_and_retried(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(os.urandom(24 * MIB), "a")
    async with gate(settings.s3_endpoint, 100_000, each=True) as store:
        async with working(with_changes(settings, s3_endpoint=store.url, job_timeout=1)):
            job = await create(services, file_id)
            final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.FAILED, 3)
    assert final.failure is not None
    assert (final.failure.error_class, "1 s" in final.failure.message) == (ErrorClass.TIMEOUT, True)


async def test_files_keep_why_they_failed(services: Services, settings: Settings, catalogue: Catalogue) -> None:
    there = await catalogue.add(b"x", "x")
    async with working(settings):
        job = await create(services, there, 55_555, on_missing=OnMissing.FAIL)
        await until_ended(services, job)
    async with services.database.reading() as connection:
        files = await load_files(connection, job.id)
    assert files[1].state is FileState.FAILED
    assert files[1].failure is not None
    assert files[1].failure.error_class is ErrorClass.VALIDATION


async def test_an_expired_bundle_is_removed_after_its_grace_and_never_a_source(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x", "x")
    async with working(settings):
        bundle = await until_ended(services, await create(services, file_id))
        source = await until_ended(services, await create(services, file_id, archive_name=None))
    for job in (bundle, source):
        await services.lifecycle.expire(job.id)
    await clean_now(services)
    assert [info.key async for info in services.storage.objects.list("")] == [f"files/{file_id}"]
    cleaned = await read(services, bundle.id)
    assert cleaned.finished_at is not None
    assert cleaned.cleanup_at == cleaned.finished_at + STALE, "a stale worker may still be at it"


async def test_a_worker_outlives_redis_and_does_what_was_asked_meanwhile(
    services: Services, settings: Settings, catalogue: Catalogue, environment: dict[str, str]
) -> None:
    file_id = await catalogue.add(b"x", "x")
    async with gate(environment["REDIS_URL"].replace("redis://", "http://"), 10**9) as redis:
        cut_off = with_changes(
            settings,
            redis_url=environment["REDIS_URL"].replace(
                environment["REDIS_URL"].rpartition("@")[2].split("/")[0], redis.url.removeprefix("http://")
            ),
        )
        async with working(cut_off):
            first = await until_ended(services, await create(services, file_id))
            redis.cut()
            second = await until_ended(services, await create(services, file_id))
    assert {first.status, second.status} == {Status.COMPLETED}


async def test_jobs_run_without_any_redis(settings: Settings, services: Services, catalogue: Catalogue) -> None:
    alone = with_changes(settings, **UNAVAILABLE["redis"], wake_grace=60, sweep_interval=60, lease_ttl=30)
    file_id = await catalogue.add(b"x" * 100_000)
    async with open_services(alone) as without, working(alone), working(alone, "worker-2"):
        jobs = [await create(without, file_id) for _ in range(2 * settings.worker_concurrency + 1)]
        ended = [await until_ended(without, job) for job in jobs]
        assert {(job.status, job.attempt) for job in ended} == {(Status.COMPLETED, 1)}
        for job in jobs:
            assert await commands(services, job.id) == ["create", "claim", "succeed"]


async def test_a_wake_up_that_redis_has_lost_is_not_waited_for(
    settings: Settings, services: Services, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody rings again here: the worker finds the job by itself, once its wake-up is late."""

    async def deaf(*_: object) -> bool:
        return False

    monkeypatch.setattr(services.queue, "enqueue", deaf)
    monkeypatch.setattr(RedisQueue, "enqueue_missing", deaf)
    job = await create(services, await catalogue.add(b"x"))
    async with working(with_changes(settings, wake_grace=0.3)):
        ended = await until_ended(services, job)
    assert ended.status is Status.COMPLETED
    assert ended.started_at is not None
    assert (ended.started_at - job.due_at).total_seconds() >= 0.3


async def test_a_job_that_is_cancelled_and_retried_at_once_is_held_by_the_same_worker(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids = [await catalogue.add(os.urandom(9 * MIB)) for _ in range(2)]
    async with gate(settings.s3_endpoint, 4 * MIB) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            job = await create(services, *ids)
            await store.held.wait()
            await services.lifecycle.cancel(job.id)
            await services.lifecycle.retry(job.id)
            store.open()
            final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.COMPLETED, 1)
    assert await commands(services, job.id) == ["create", "claim", "cancel", "retry", "claim", "succeed"]


async def test_workers_share_a_long_queue_and_none_waits_for_another(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(os.urandom(MIB))
    async with gate(settings.s3_endpoint) as store:
        held_up = with_changes(settings, s3_endpoint=store.url, worker_concurrency=6)
        async with working(held_up, "one"), working(held_up, "two"):
            jobs = [await create(services, file_id) for _ in range(20)]
            await until_processing(services, 12)
            store.open()
            ended = [await until_ended(services, job) for job in jobs]
    assert {job.status for job in ended} == {Status.COMPLETED}
    assert {job.attempt for job in ended} == {1}


async def test_a_failed_attempt_gives_all_of_its_bytes_back(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    good = [await catalogue.add(os.urandom(12 * MIB)) for _ in range(3)]
    bad = await catalogue.add(os.urandom(12 * MIB), sha256="0" * 64)
    small = with_changes(settings, worker_memory_budget=16 * MIB, worker_concurrency=1)
    async with working(small):
        broken = await create(services, bad, *good)
        assert (await until_ended(services, broken)).status is Status.FAILED
        async with asyncio.timeout(20):
            assert (await until_ended(services, await create(services, *good))).status is Status.COMPLETED
