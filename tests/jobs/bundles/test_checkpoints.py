"""Attempts that go on where the one before ended."""

from __future__ import annotations

import os
from typing import Any

import pytest

from jobs.engine.jobs import Job, Status
from jobs.engine.worker.reporter import Reporter
from jobs.kinds import Kind
from jobs.services import Services
from jobs.settings import Settings
from jobs.work import works_of
from tests.helpers.bundles import bundle_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.gates import gate
from tests.helpers.jobs import clean_now, commands, create, read, until_command, until_ended
from tests.helpers.running import working
from tests.helpers.settings import with_changes
from tests.jobs.bundles.interruptions import WHOLE, interrupted, open_when_judged, parts, uploads

MIB = 1 << 20

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
    services: Services, settings: Settings, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, contents = await files(catalogue)
    async with gate(settings.s3_endpoint, 40 * MIB) as store:
        open_when_judged(monkeypatch, store)
        async with working(with_changes(settings, s3_endpoint=store.url, job_timeout=4, s3_idle_timeout=10)):
            job = await create(services, *ids)
            await store.held.wait()
            await until_command(services, job, "park")
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
    await eventually(services.lifecycle.lose_expired_leases)
    ended = await read(services, job.id)
    assert ended.dead
    return ended


async def test_a_bundle_that_was_written_by_one_put_leaves_no_parts_to_continue_from(
    services: Services, catalogue: Catalogue
) -> None:
    job = await create(services, await catalogue.add(b"x"), await catalogue.add(b"y"))
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    reporter = Reporter(claimed.job, claimed.records, services.lifecycle, services.feed)
    await works_of(services)[Kind.DOWNLOAD].attempt(claimed, reporter)
    batch = reporter.last_batch()
    assert batch is not None
    assert (list(batch.parts), reporter.made_progress) == ([], False)
