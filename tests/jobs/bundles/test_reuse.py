"""Equal bundles are made once: who gets which, how long it stays, and when it goes."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from random import Random
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import text

from jobs.bundles.downloads import Download, NewDownload, OnMissing
from jobs.bundles.orphans import Orphans
from jobs.bundles.result_links import ResultLinks
from jobs.bundles.sql import reuse
from jobs.engine.jobs import Failure, FileRequest, FileState, Job, Status
from jobs.engine.lifecycle import Lifecycle
from jobs.engine.sql.file_records import load_files
from jobs.engine.worker.sweeper import Sweeper
from jobs.errors import ErrorClass, IllegalTransition, ResultGone
from jobs.services import Services
from jobs.settings import Settings
from jobs.work import works_of
from tests.helpers.bundles import opened
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.gates import gate
from tests.helpers.jobs import clean_now, commands, create, read, until_ended
from tests.helpers.running import working
from tests.helpers.settings import with_changes

MIB = 1 << 20


@pytest.fixture
def changes() -> dict[str, Any]:
    """No byte goes where it is not counted, and no job is lost that a test holds."""
    return {"lease_ttl": 60, "s3_part_copy": "never"}


async def made(services: Services, *file_ids: int, **wishes: Any) -> Download:
    """A job that a running worker has completed."""
    job = await until_ended(services, await create(services, *file_ids, **wishes))
    assert job.status is Status.COMPLETED, job.failure
    return job


async def two(services: Services, settings: Settings, catalogue: Catalogue) -> tuple[Download, Download]:
    """The job that made a bundle, and one that was given it, too."""
    file_id = await catalogue.add(b"content", "a")
    async with working(settings):
        maker, borrower = await made(services, file_id), await made(services, file_id)
    assert key_of(maker) == key_of(borrower)
    return maker, borrower


def key_of(job: Download) -> str:
    assert job.result is not None
    return job.result.key


async def stored(services: Services) -> list[str]:
    """All bundles in the store."""
    return [info.key async for info in services.storage.objects.list("bundles/")]


async def downloaded(services: Services, job: Job) -> dict[str, bytes]:
    """What a browser gets by the job's link."""
    link = await ResultLinks(services.storage, services.settings).link(await read(services, job.id))
    async with httpx.AsyncClient() as browser:
        answer = await browser.get(link.url)
    assert answer.status_code == 200, answer.text
    return opened(answer.content)


async def change(services: Services, job: Job, assignments: str) -> None:
    async with services.database.begin() as connection:
        await connection.execute(text(f"UPDATE jobs SET {assignments} WHERE id = :id"), {"id": job.id})


async def remove(services: Services, job: Job) -> None:
    """As a person does."""
    await services.lifecycle.expire(job.id)


async def let_pass(services: Services, job: Job) -> None:
    """Its time is over, and so is what is left for downloads under way."""
    await change(services, job, "expires_at = now() - interval '1 second'")
    assert [it.id for it in await services.lifecycle.expire_due()] == [job.id]
    await change(services, job, "grace_until = now()")


ENDS = {"removed": remove, "expired": let_pass}


# --- who gets which ----------------------------------------------------------------------------------------------------


async def test_what_was_packed_is_not_packed_again(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    contents = [os.urandom(9 * MIB), b"b"]
    ids = [await catalogue.add(data, f"{n}") for n, data in enumerate(contents)]
    async with gate(settings.s3_endpoint, 10**12) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            maker = await made(services, *ids)
            before = store.passed
            files = [FileRequest(file_id=file_id) for file_id in ids]
            wish = NewDownload(files=files, archive_name="other.zip", owner="somebody")
            other = await until_ended(services, await services.downloads.create(wish))
    assert before > 9 * MIB
    assert store.passed - before < 100_000, "no source was read"
    assert other.status is Status.COMPLETED
    assert await stored(services) == [key_of(maker)] == [key_of(other)], "and nothing was written"
    assert other.result is not None
    assert maker.result is not None
    assert (other.owner, other.result.filename) == ("somebody", "other.zip")
    assert (other.result.size, other.result.crc32) == (maker.result.size, maker.result.crc32)
    assert other.expires_at is not None
    assert other.finished_at is not None
    assert other.expires_at - other.finished_at == timedelta(seconds=settings.bundle_ttl)
    assert other.progress.bytes_done == other.progress.bytes_total == 9 * MIB + 1
    assert (other.progress.files_done, other.percent) == (2, 100)
    async with services.database.reading() as connection:
        assert {file.state for file in await load_files(connection, other.id)} == {FileState.DONE}
    assert await commands(services, other.id) == ["create", "claim", "succeed"]
    assert list((await downloaded(services, other)).values())[:2] == contents


async def test_a_link_carries_the_name_of_its_own_job(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x")
    async with working(settings):
        jobs = [await made(services, file_id, archive_name=name) for name in ("mine.zip", "yours.zip")]
    for job, (own, foreign) in zip(jobs, [("mine", "yours"), ("yours", "mine")], strict=True):
        url = (await ResultLinks(services.storage, settings).link(job)).url
        assert f"{own}.zip" in url
        assert foreign not in url


@pytest.mark.parametrize("difference", ["bytes", "name", "order", "omission", "promise", "more"])
async def test_another_content_is_another_bundle(
    services: Services, settings: Settings, catalogue: Catalogue, difference: str
) -> None:
    one = await catalogue.add(b"one", "1", crc32=None, sha256=None)
    more = await catalogue.add(b"two", "2")
    files = [FileRequest(file_id=it) for it in (one, more)]
    async with working(settings):
        maker = await made(services, one, more)
        match difference:
            case "bytes":
                await catalogue.overwrite(one, b"ONE")
            case "name":
                files[0] = FileRequest(file_id=one, name="first")
            case "order":
                files.reverse()
            case "omission":
                files.append(FileRequest(file_id=55_555))
            case "promise":
                await catalogue.say(one, sha256=sha256(b"one").hexdigest())
            case _:
                files.append(FileRequest(file_id=await catalogue.add(b"three", "3")))
        wish = NewDownload(files=files, archive_name="bundle.zip", on_missing=OnMissing.SKIP)
        job = await until_ended(services, await services.downloads.create(wish))
    assert job.status is Status.COMPLETED, job.failure
    assert key_of(job) != key_of(maker)
    assert len(await stored(services)) == 2


async def test_the_same_omissions_are_the_same_bundle(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x")
    async with working(settings):
        jobs = [await made(services, file_id, 55_555, on_missing=OnMissing.SKIP) for _ in range(2)]
    assert key_of(jobs[0]) == key_of(jobs[1])
    assert jobs[1].progress.files_omitted == 1
    assert jobs[0].result is not None
    assert jobs[1].result is not None
    assert jobs[1].result.omitted == jobs[0].result.omitted != ()


async def test_a_file_that_is_gone_is_not_handed_out_from_an_older_bundle(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x")
    async with working(settings):
        await made(services, file_id)
        await catalogue.remove(file_id)
        late = await until_ended(services, await create(services, file_id))
    assert late.status is Status.FAILED


async def test_nothing_is_reused_when_that_is_switched_off(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x")
    async with working(with_changes(settings, bundle_reuse=False)):
        jobs = [await made(services, file_id) for _ in range(2)]
    assert sorted(await stored(services)) == sorted(map(key_of, jobs))


async def test_a_bundle_that_the_store_has_lost_is_packed_anew_and_then_reused(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x", "x")
    async with working(settings):
        lost = await made(services, file_id)
        await services.storage.objects.delete([key_of(lost)])
        jobs = [await made(services, file_id) for _ in range(2)]
    assert await stored(services) == [key_of(jobs[0])] == [key_of(jobs[1])]
    assert (await downloaded(services, jobs[1]))["x"] == b"x"


async def test_a_bundle_that_somebody_has_overwritten_is_packed_anew(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x", "x")
    async with working(settings):
        spoilt = await made(services, file_id)
        assert spoilt.result is not None
        await services.storage.objects.put(key_of(spoilt), b"?" * spoilt.result.size, "application/zip")
        job = await made(services, file_id)
    assert (await downloaded(services, job))["x"] == b"x"


async def test_an_upload_that_is_not_needed_any_more_is_aborted(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(os.urandom(9 * MIB))
    async with gate(settings.s3_endpoint, 4 * MIB) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            job = await create(services, file_id)
            await store.held.wait()
    claimed = await services.lifecycle.claim(job.id, (await read(services, job.id)).fence, "another")
    assert claimed is not None
    upload = (await read(services, job.id)).upload
    assert upload is not None
    async with working(settings):
        maker = await made(services, file_id)
        await services.lifecycle.release(claimed.job)
        final = await until_ended(services, job)
    assert key_of(final) == key_of(maker) != upload.key
    assert final.upload is None
    await clean_now(services)
    assert await services.storage.multipart.list_uploads(upload.key) == []


# --- how long it stays -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("first", [0, 1], ids=["maker", "borrower"])
async def test_each_job_has_its_bundle_whatever_becomes_of_the_other(
    services: Services, settings: Settings, catalogue: Catalogue, first: int, how: str
) -> None:
    jobs = await two(services, settings, catalogue)
    ended, kept = jobs[first], jobs[1 - first]
    await ENDS[how](services, ended)
    await clean_now(services)
    assert (await read(services, ended.id)).status is Status.EXPIRED
    assert (await downloaded(services, kept))["a"] == b"content"
    await ENDS[how](services, kept)
    for _ in range(2):  # the one that was given it tells the one that made it
        await clean_now(services)
    assert await stored(services) == []


async def test_the_last_one_removes_it_at_once(services: Services, settings: Settings, catalogue: Catalogue) -> None:
    maker, borrower = await two(services, settings, catalogue)
    await remove(services, maker)
    await Sweeper(services, works_of(services)).clean_up()
    waiting = await read(services, maker.id)
    assert borrower.expires_at is not None
    assert waiting.finished_at is not None
    assert waiting.cleanup_at == waiting.finished_at + timedelta(seconds=150)
    await change(services, maker, "finished_at = now() - interval '1 hour', cleanup_at = now()")
    await Sweeper(services, works_of(services)).clean_up()
    until = borrower.expires_at + timedelta(seconds=settings.result_grace)
    assert (await read(services, maker.id)).cleanup_at == until
    await remove(services, borrower)
    for _ in range(2):
        await Sweeper(services, works_of(services)).clean_up()
    assert await stored(services) == []


async def test_downloads_under_way_of_either_job_may_end(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    maker, borrower = await two(services, settings, catalogue)
    await change(services, borrower, "expires_at = now() - interval '1 second'")
    [expired] = await services.lifecycle.expire_due()
    assert expired.grace_until is not None
    assert expired.expires_at is not None
    assert expired.grace_until - expired.expires_at == timedelta(seconds=settings.result_grace)
    await remove(services, maker)
    await clean_now(services)
    assert await stored(services) == [key_of(maker)]
    await change(services, borrower, "grace_until = now()")
    for _ in range(2):
        await clean_now(services)
    assert await stored(services) == []


async def test_a_maker_is_not_forgotten_while_others_have_its_bundle(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    maker, borrower = await two(services, settings, catalogue)
    await remove(services, maker)
    await change(services, maker, "finished_at = now() - interval '1 year'")
    await clean_now(services)
    await Sweeper(services, works_of(services)).sweep()
    assert (await downloaded(services, borrower))["a"] == b"content"
    await remove(services, borrower)
    for _ in range(2):
        await clean_now(services)
    await Sweeper(services, works_of(services)).sweep()
    assert await services.snapshots.read(maker.id) is None
    assert await stored(services) == []


async def test_a_maker_may_run_again_fail_and_be_dropped(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    maker, borrower = await two(services, settings, catalogue)
    await remove(services, maker)
    job = await services.lifecycle.retry(maker.id)
    why = Failure(error_class=ErrorClass.NETWORK, message="the line is dead")
    while not job.status.ended:
        await change(services, maker, "due_at = now()")
        held = await services.lifecycle.claim(job.id, job.fence, "w")
        assert held is not None
        job = await services.lifecycle.fail(held.job, why)
    await services.lifecycle.delete(maker.id)
    await change(services, maker, "finished_at = now() - interval '1 year'")
    await clean_now(services)
    await Sweeper(services, works_of(services)).sweep()
    assert (await downloaded(services, borrower))["a"] == b"content"
    await remove(services, borrower)
    for _ in range(2):
        await clean_now(services)
    assert await stored(services) == []
    await Sweeper(services, works_of(services)).sweep()
    async with services.database.reading() as connection:
        assert list((await connection.execute(text("SELECT id FROM jobs"))).scalars()) == [borrower.id]


async def test_a_maker_that_runs_again_is_given_its_own_bundle_back(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    maker, borrower = await two(services, settings, catalogue)
    await remove(services, maker)
    await clean_now(services)
    job = await services.lifecycle.retry(maker.id)
    async with working(settings):
        again = await until_ended(services, job)
    assert key_of(again) == key_of(maker)
    await remove(services, borrower)
    await clean_now(services)
    assert (await downloaded(services, again))["a"] == b"content"
    await remove(services, again)
    await clean_now(services)
    assert await stored(services) == []


async def test_what_no_row_has_made_is_kept_while_a_job_has_it(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    maker, borrower = await two(services, settings, catalogue)
    async with services.database.begin() as connection:
        await connection.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": maker.id})
    later = Orphans(
        services.database, services.storage, services.settings, lambda: maker.created_at + timedelta(days=9)
    )
    await later.remove()
    assert (await downloaded(services, borrower))["a"] == b"content"
    await remove(services, borrower)
    await later.remove()
    assert await stored(services) == []


# --- races -------------------------------------------------------------------------------------------------------------


async def test_a_bundle_that_is_removed_just_before_it_is_given_is_packed_anew(
    services: Services, settings: Settings, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = await catalogue.add(b"content", "a")
    succeed = Lifecycle.succeed
    refused: list[UUID] = []

    async def late(self: Lifecycle, held: Job, *arguments: Any) -> Job:
        if jobs:
            await remove(services, jobs[0])
            await clean_now(services)
        try:
            return await succeed(self, held, *arguments)
        except ResultGone:
            refused.append(held.id)
            raise

    jobs: list[Download] = []
    monkeypatch.setattr(Lifecycle, "succeed", late)
    async with working(settings):
        maker = await made(services, file_id)
        jobs.append(maker)
        job = await made(services, file_id)
    assert refused == [job.id]
    assert await commands(services, job.id) == ["create", "claim", "release", "claim", "succeed"]
    assert job.attempt == 1, "nobody is charged for it"
    assert await stored(services) == [key_of(job)] != [key_of(maker)]
    assert (await downloaded(services, job))["a"] == b"content"


async def test_a_bundle_can_not_expire_while_another_job_is_given_it(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"content", "a")
    async with working(settings):
        maker = await made(services, file_id)
    assert maker.result is not None
    async with services.database.begin() as connection:
        assert await reuse.lock_shared(connection, maker.result, maker.owner)
        removing = asyncio.create_task(remove(services, maker))
        await eventually(lambda: waiting_for_locks(services))
        assert await services.lifecycle.expire_due() == []
        assert (await read(services, maker.id)).status is Status.COMPLETED
    await removing
    async with services.database.begin() as connection:
        assert not await reuse.lock_shared(connection, maker.result, maker.owner)


async def waiting_for_locks(services: Services) -> int:
    async with services.database.reading() as connection:
        count = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        return int((await connection.execute(text(count))).scalar_one())


class Crowd:
    """People who ask for one of two bundles, remove them, and ask again, while all is cleaned all the time."""

    def __init__(self, services: Services, contents: dict[int, bytes], random: Random) -> None:
        self.jobs: dict[UUID, int] = {}
        self._services = services
        self._contents = contents
        self._random = random

    async def act(self, times: int) -> None:
        for _ in range(times):
            await self._random.choice([self._create, self._create, self._remove, self._retry, self._clean])()

    async def _create(self) -> None:
        file_id = self._random.choice(list(self._contents))
        job = await create(self._services, file_id)
        self.jobs[job.id] = file_id
        await until_ended(self._services, job)

    async def _remove(self) -> None:
        if job := await self._any(Status.COMPLETED):
            with suppress(IllegalTransition):  # somebody else was faster
                await self._services.lifecycle.expire(job.id)

    async def _retry(self) -> None:
        if job := await self._any(Status.EXPIRED):
            with suppress(IllegalTransition):
                await until_ended(self._services, await self._services.lifecycle.retry(job.id))

    async def _clean(self) -> None:
        await clean_now(self._services)

    async def _any(self, status: Status) -> Job | None:
        jobs = [await read(self._services, job_id) for job_id in list(self.jobs)]
        found = [job for job in jobs if job.status is status]
        return self._random.choice(found) if found else None


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_at_once_every_completed_job_has_its_bundle_and_in_the_end_none_is_left(
    services: Services, settings: Settings, catalogue: Catalogue, seed: int
) -> None:
    contents = {await catalogue.add(data, "a"): data for data in (b"one", b"two")}
    crowd = Crowd(services, contents, Random(seed))
    async with working(settings, "one"), working(settings, "two"):
        await asyncio.gather(*(crowd.act(12) for _ in range(4)))
    jobs = [await read(services, job_id) for job_id in crowd.jobs]
    completed = [job for job in jobs if job.status is Status.COMPLETED]
    assert {job.status for job in jobs} <= {Status.COMPLETED, Status.EXPIRED}
    for job in completed:
        assert (await downloaded(services, job))["a"] == contents[crowd.jobs[job.id]]
    assert len(set(map(key_of, completed))) < len(completed)
    for job in completed:
        await remove(services, job)
    for _ in range(2):
        await clean_now(services)
    assert await stored(services) == []
