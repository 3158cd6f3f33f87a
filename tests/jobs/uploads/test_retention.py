"""Uploaded files go after `RAW_RETENTION`, unless they are in use. An object goes with the last file that has it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jobs.bundles.result_links import ResultLinks
from jobs.engine.jobs import Status
from jobs.errors import ResultGone
from jobs.files.catalogue import StoredFile, mark_gone
from jobs.files.states import GoneReason, Role
from jobs.services import Services
from jobs.settings import Settings
from jobs.uploads.cleanup import FileRemoval
from jobs.uploads.scanning import Verdict
from tests.helpers.bundles import stored
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create, read, until_ended
from tests.helpers.running import working
from tests.helpers.settings import with_changes
from tests.helpers.uploads import completed, files_of, objects
from tests.jobs.uploads.attempts import Reads, attempted, claimed, clean_up, processed, receiver

DAY = timedelta(days=1)
YEAR = 365 * DAY


async def uploaded(services: Services, data: bytes = b"data", *, scanned: bool = False, **more: Any) -> StoredFile:
    """A file that was uploaded just now. The SHA-256 is known of one that was scanned."""
    by = receiver(services, scanner=Reads(Verdict.CLEAN, accepted=True) if scanned else None)
    upload = await processed(services, await completed(services, data, **more), by)
    [file] = await files_of(services, upload.id)
    return file


async def remove(services: Services, after: timedelta, settings: Settings | None = None) -> None:
    """What a worker does this long from now."""
    now = datetime.now(UTC) + after
    await FileRemoval(services.database, services.storage, settings or services.settings, lambda: now).remove()


async def now_is(services: Services, file: StoredFile) -> StoredFile:
    assert file.job_id is not None
    [now] = [one for one in await files_of(services, file.job_id) if one.id == file.id]
    return now


async def test_an_uploaded_file_goes_on_its_day_and_its_row_says_why(services: Services, catalogue: Catalogue) -> None:
    file = await uploaded(services)
    added = await catalogue.add(b"not uploaded")
    await remove(services, YEAR - DAY)
    assert (await now_is(services, file)).available
    await remove(services, YEAR + DAY)
    gone = await now_is(services, file)
    date = f"{datetime.now(UTC) + YEAR + DAY:%Y-%m-%d}"
    assert (gone.available, gone.gone_reason, gone.gone) == (
        False,
        "retention",
        f"it was removed by retention on {date}",
    )
    assert file.key in await objects(services), "downloads in progress can end"
    await remove(services, YEAR + DAY + timedelta(hours=2))
    assert await objects(services) == [f"files/{added}"]
    assert (await now_is(services, file)).gone_reason == "retention"


async def test_what_was_made_of_a_file_goes_with_it_and_not_before(services: Services, catalogue: Catalogue) -> None:
    file = await uploaded(services)
    assert file.job_id is not None
    made = await catalogue.add(b"made of it", role=Role.WEB, parent_id=file.id)
    await services.database.fetch("UPDATE stored_files SET job_id = $2 WHERE id = $1", made, file.job_id)
    await services.database.fetch(
        "UPDATE stored_files SET created_at = created_at - interval '9 days' WHERE id = $1", made
    )
    await remove(services, YEAR - DAY)
    assert {one.available for one in await files_of(services, file.job_id)} == {True}
    await remove(services, YEAR + DAY)
    assert {one.gone_reason for one in await files_of(services, file.job_id)} == {"retention"}
    await remove(services, YEAR + DAY + timedelta(hours=2))
    assert await objects(services) == []


async def test_without_a_limit_files_stay(services: Services) -> None:
    file = await uploaded(services)
    await remove(services, 90 * YEAR, with_changes(services.settings, raw_retention=0))
    assert (await now_is(services, file)).available


async def test_batches_and_several_workers_at_once_remove_each_file_once(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs.uploads.cleanup.BATCH", 2)
    files = [await uploaded(services, bytes([n])) for n in range(5)]
    await asyncio.gather(*(remove(services, YEAR + DAY) for _ in range(3)))
    assert {(await now_is(services, file)).gone_reason for file in files} == {"retention"}
    await asyncio.gather(*(remove(services, YEAR + 2 * DAY) for _ in range(3)))
    assert await objects(services) == []


async def test_a_file_waits_while_a_running_download_has_pinned_it(services: Services) -> None:
    file = await uploaded(services, b"pinned")
    job = await create(services, file.id)
    held = await claimed(services, job)
    await remove(services, YEAR + DAY)
    assert (await now_is(services, file)).available
    await services.lifecycle.release(held.job)
    await remove(services, YEAR + DAY)
    assert not (await now_is(services, file)).available
    held = await claimed(services, await read(services, job.id))  # it had read the catalogue just before
    await remove(services, YEAR + 2 * DAY)
    assert await stored(services.storage, file.key) == b"pinned"
    await services.lifecycle.cancel(held.job.id)
    await remove(services, YEAR + 2 * DAY)
    assert await objects(services) == []


async def test_a_file_waits_while_a_result_that_has_not_expired_is_its_object(services: Services) -> None:
    file = await uploaded(services, b"linked")
    async with working(services.settings):
        job = await until_ended(services, await create(services, file.id, archive_name=None))
    assert (job.status, job.result and job.result.key) == (Status.COMPLETED, file.key)
    await remove(services, YEAR + DAY)
    assert (await now_is(services, file)).available
    await services.lifecycle.expire(job.id)
    await remove(services, YEAR + DAY)
    assert not (await now_is(services, file)).available


async def test_a_later_download_says_by_name_what_retention_has_removed(
    services: Services, catalogue: Catalogue
) -> None:
    file, other = await uploaded(services, name="holiday.bin"), await catalogue.add(b"x")
    await remove(services, YEAR + DAY)
    date = f"{datetime.now(UTC) + YEAR + DAY:%Y-%m-%d}"
    async with working(services.settings):
        job = await until_ended(services, await create(services, file.id, other))
    assert job.failure is not None
    assert f"{file.id} holiday.bin (it was removed by retention on {date})" in job.failure.message


# --- the same content ------------------------------------------------------------------------------------------------


async def test_the_same_content_of_one_owner_is_one_object(services: Services) -> None:
    first = await uploaded(services, b"same", scanned=True, owner="olga", name="a.txt")
    second = await uploaded(services, b"same", scanned=True, owner="olga", name="b.txt")
    others = await uploaded(services, b"same", scanned=True, owner="otto")
    assert (second.name, second.key, second.etag) == ("b.txt", first.key, first.etag)
    assert others.key != first.key
    assert second.job_id is not None
    await clean_up(services, await services.uploads.read(second.job_id))
    assert sorted(await objects(services)) == sorted([first.key, others.key])
    assert await stored(services.storage, second.key) == b"same"


async def test_content_is_the_same_only_by_sha_256(services: Services) -> None:
    files = [await uploaded(services, b"same", scanned=scanned) for scanned in (False, True, False)]
    assert len({file.key for file in files}) == 3


async def test_two_uploads_at_once_of_the_same_content_are_one_object(services: Services) -> None:
    by = receiver(services, scanner=Reads(Verdict.CLEAN, accepted=True))
    held = [await claimed(services, await completed(services, b"same")) for _ in range(4)]
    made = [await attempted(services, one, by) for one in held]  # none has seen another's file
    await asyncio.gather(
        *(
            services.lifecycle.succeed(one.job, None, success.within)
            for one, (success, _) in zip(held, made, strict=True)
        )
    )
    files = [file for one in held for file in await files_of(services, one.job.id)]
    assert (len(files), len({file.key for file in files})) == (4, 1)


async def test_an_object_that_the_store_has_lost_is_not_shared(services: Services) -> None:
    first = await uploaded(services, b"same", scanned=True)
    await services.storage.objects.delete([first.key])
    second = await uploaded(services, b"same", scanned=True)
    assert await stored(services.storage, second.key) == b"same"
    await services.storage.objects.put(second.key, b"else", "text/plain")
    third = await uploaded(services, b"same", scanned=True)
    assert await stored(services.storage, third.key) == b"same"


async def delete(services: Services, file: StoredFile) -> None:
    async with services.database.begin() as connection:
        await mark_gone(connection, file.id, GoneReason.DELETED)


async def expire(services: Services, file: StoredFile) -> None:
    await services.database.fetch(
        "UPDATE stored_files SET created_at = created_at - interval '400 days' WHERE id = $1", file.id
    )
    await remove(services, timedelta())


@pytest.mark.parametrize("end", [delete, expire])
async def test_the_object_goes_with_its_last_file(
    services: Services, end: Callable[[Services, StoredFile], Awaitable[None]]
) -> None:
    first, second = [await uploaded(services, b"same", scanned=True) for _ in range(2)]
    await clean_up_all(services, first, second)
    await end(services, first)
    await remove(services, 2 * DAY)
    assert await objects(services) == [first.key]
    third = await uploaded(services, b"same", scanned=True)
    assert third.key == first.key, "the object has another file still"
    await clean_up_all(services, third)
    for file in (second, third):
        await end(services, file)
    await remove(services, timedelta(minutes=1))
    assert await objects(services) == [first.key], "downloads in progress can end"
    await remove(services, 3 * DAY)
    assert await objects(services) == []
    fourth = await uploaded(services, b"same", scanned=True)
    assert fourth.key != first.key


async def test_an_object_waits_while_a_running_download_has_pinned_one_of_its_files(services: Services) -> None:
    first, second = [await uploaded(services, b"same", scanned=True) for _ in range(2)]
    await clean_up_all(services, first, second)
    job = await create(services, second.id)
    await remove(services, YEAR + DAY)
    held = await claimed(services, job)  # it had read the catalogue just before
    await remove(services, YEAR + 2 * DAY)
    assert await stored(services.storage, second.key) == b"same"
    await services.lifecycle.cancel(held.job.id)
    await remove(services, YEAR + 2 * DAY)
    assert await objects(services) == []


async def clean_up_all(services: Services, *files: StoredFile) -> None:
    for file in files:
        assert file.job_id is not None
        await clean_up(services, await services.uploads.read(file.job_id))


async def test_a_file_that_is_being_deleted_gives_its_object_to_nobody(services: Services) -> None:
    """The deletion is not committed yet when the same content is completed: one of the two waits for the other."""
    first = await uploaded(services, b"same", scanned=True)
    by = receiver(services, scanner=Reads(Verdict.CLEAN, accepted=True))
    held = await claimed(services, await completed(services, b"same"))
    success, _ = await attempted(services, held, by)
    async with services.database.begin() as connection:
        await mark_gone(connection, first.id, GoneReason.DELETED)
        completing = asyncio.create_task(services.lifecycle.succeed(held.job, None, success.within))
        await waiting(services)
    await completing
    [second] = await files_of(services, held.job.id)
    assert second.key != first.key
    await remove(services, 2 * DAY)
    assert await stored(services.storage, second.key) == b"same"


async def waiting(services: Services) -> None:
    """Returns when a statement waits for a lock of another."""
    blocked = "SELECT 1 FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0"
    await eventually(lambda: services.database.fetch(blocked))


async def test_the_search_for_orphans_knows_who_has_an_object(services: Services) -> None:
    """Of two files with one object, the older one's job may be deleted first. A duplicate that was left is an orphan."""
    first, second = [await uploaded(services, b"same", scanned=True) for _ in range(2)]
    await delete(services, first)
    await services.database.fetch("DELETE FROM jobs WHERE id = $1", first.job_id)
    assert len(await objects(services)) == 2
    await remove(services, 9 * DAY)
    assert await objects(services) == [second.key]


async def test_a_result_of_a_file_that_a_person_deleted_does_not_keep_it(services: Services) -> None:
    file = await uploaded(services, b"linked")
    async with working(services.settings):
        job = await until_ended(services, await create(services, file.id, archive_name=None))
    await delete(services, file)
    await remove(services, timedelta(hours=2))
    assert await objects(services) == []
    with pytest.raises(ResultGone):
        await ResultLinks(services.storage, services.settings).link(await read(services, job.id))
