"""Attempts that go on where the one before ended."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any
from uuid import UUID

import pytest

from jobs.bundles.downloads import Compression
from jobs.bundles.format.checkpoints import DonePart
from jobs.engine.jobs import Job, Status
from jobs.engine.sql.upload_parts import load_parts
from jobs.services import Services
from jobs.settings import Settings
from tests.conftest import working
from tests.gates import gate
from tests.jobs.test_worker import bundle_of, commands, until_ended, with_changes, worker_process
from tests.support import Catalogue, clean_now, create, read

MIB = 1 << 20
WHOLE = 60 * MIB
STORE = Compression.STORE

QUICK = {
    "lease_ttl": 3,
    "heartbeat_interval": 0.5,
    "heartbeat_timeout": 1,
    "worker_memory_budget": 16 * MIB,
    "s3_part_copy": "never",
}


@pytest.fixture
def changes() -> dict[str, Any]:
    return QUICK


async def files(catalogue: Catalogue) -> tuple[list[int], list[bytes]]:
    contents = [os.urandom(WHOLE // 5) for _ in range(5)]
    return [await catalogue.add(data, f"{n}") for n, data in enumerate(contents)], contents


async def parts(services: Services, job_id: UUID) -> list[DonePart]:
    async with services.database.reading() as connection:
        return [DonePart.of(part) for part in await load_parts(connection, job_id)]


async def until_some_parts(services: Services, job: Job) -> int:
    """Waits until parts are recorded, and no more come; returns how many."""
    async with asyncio.timeout(20):
        count = 0
        while not count or count != len(await parts(services, job.id)):
            count = len(await parts(services, job.id))
            await asyncio.sleep(1.2)  # a batch a second
    return count


async def interrupted(services: Services, settings: Settings, ids: list[int], compression: Compression = STORE) -> Job:
    """A job whose worker was killed when the bundle was half there."""
    async with gate(settings.s3_endpoint, 40 * MIB) as store:
        async with worker_process(with_changes(settings, s3_endpoint=store.url)) as process:
            job = await create(services, *ids, compression=compression)
            await store.held.wait()
            assert await until_some_parts(services, job) >= 2
            process.send_signal(signal.SIGKILL)
            await process.wait()
    return job


async def uploads(services: Services, job: Job) -> list[str]:
    fences = range(1, (await read(services, job.id)).fence + 1)
    keys = [f"bundles/{job.id}/{fence}.zip" for fence in fences]
    return [info.id for key in keys for info in await services.storage.multipart.list_uploads(key)]


async def test_the_next_attempt_makes_only_what_is_missing(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids, contents = await files(catalogue)
    job = await interrupted(services, settings, ids)
    there = len(await parts(services, job.id)) * settings.part_size
    async with gate(settings.s3_endpoint, 10**12) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.COMPLETED, 2)
    assert list((await bundle_of(services, final)).values())[:5] == contents
    assert final.result is not None
    assert final.result.key == f"bundles/{job.id}/2.zip", "the upload of the first attempt"
    assert store.passed < WHOLE - there + 2 * MIB
    assert await parts(services, job.id) == []
    assert await uploads(services, job) == []
    assert final.upload is None


async def test_an_upload_that_the_store_lost_is_begun_anew(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids, contents = await files(catalogue)
    job = await interrupted(services, settings, ids)
    upload = (await read(services, job.id)).upload
    assert upload is not None
    await services.storage.multipart.abort(upload.key, upload.id)
    async with working(settings):
        final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.COMPLETED, 3)
    assert list((await bundle_of(services, final)).values())[:5] == contents


async def test_a_source_that_changed_between_attempts_makes_them_start_over(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids, contents = await files(catalogue)
    first = await catalogue.add(contents[0], "0", crc32=None, sha256=None)
    job = await interrupted(services, settings, [first, *ids[1:]])
    contents[0] = os.urandom(WHOLE // 5)
    await catalogue.overwrite(first, contents[0])
    async with working(settings):
        final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.COMPLETED, 2)
    assert list((await bundle_of(services, final)).values())[:5] == contents
    assert final.result is not None
    assert final.result.key != f"bundles/{job.id}/2.zip"
    assert await uploads(services, job) == []


async def test_an_attempt_whose_time_is_up_is_not_charged_when_the_bundle_grew(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids, contents = await files(catalogue)
    async with gate(settings.s3_endpoint, 40 * MIB) as store:
        async with working(with_changes(settings, s3_endpoint=store.url, job_timeout=4, s3_idle_timeout=10)):
            job = await create(services, *ids)
            await store.held.wait()
            async with asyncio.timeout(20):
                while "park" not in await commands(services, job.id):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            store.open()
            final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.COMPLETED, 1)
    assert (await commands(services, job.id))[:3] == ["create", "claim", "park"]
    assert list((await bundle_of(services, final)).values())[:5] == contents


async def test_a_persons_retry_goes_on_with_the_parts_of_the_failed_job(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids, contents = await files(catalogue)
    job = await failed(services, settings, ids)
    await clean_now(services)
    assert len(await uploads(services, job)) == 1
    await services.lifecycle.retry(job.id)
    async with working(settings):
        final = await until_ended(services, job)
    assert final.status is Status.COMPLETED
    assert final.result is not None
    assert final.result.key == f"bundles/{job.id}/2.zip"
    assert list((await bundle_of(services, final)).values())[:5] == contents


@pytest.mark.parametrize("changes", [QUICK | {"retry_window": 0.001}])
async def test_the_parts_of_a_failed_job_are_removed_when_its_retry_window_is_over(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids, _ = await files(catalogue)
    job = await failed(services, settings, ids)
    assert len(await uploads(services, job)) == 1
    await clean_now(services)
    assert await uploads(services, job) == []
    assert await parts(services, job.id) == []
    assert (await read(services, job.id)).upload is None


async def failed(services: Services, settings: Settings, ids: list[int]) -> Job:
    """A job that is dead, with half of its bundle in the store."""
    job = await interrupted(services, settings, ids)
    async with services.database.begin() as connection:
        await connection.exec_driver_sql("UPDATE jobs SET max_attempts = 1")
    async with asyncio.timeout(20):
        while not (await services.lifecycle.lose_expired_leases()):  # noqa: ASYNC110 - its lease has to run out
            await asyncio.sleep(0.1)
    ended = await read(services, job.id)
    assert ended.dead
    return ended
