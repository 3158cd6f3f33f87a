"""Jobs whose bundles are deflated: killed, cancelled, cut off, lied to, and still right."""

from __future__ import annotations

import asyncio
import hashlib
import os
import zlib
from collections.abc import Callable
from typing import Any

import pytest

from jobs.bundles.downloads import Compression
from jobs.bundles.packing import deflated_packer
from jobs.engine.jobs import Status
from jobs.engine.sql.file_records import load_files
from jobs.errors import ErrorClass
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.bundles import bundle_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.gates import gate
from tests.helpers.jobs import clean_now, create, read, until_command, until_ended
from tests.helpers.running import working
from tests.helpers.settings import with_changes
from tests.jobs.bundles.interruptions import interrupted, open_when_judged, parts, until_some_parts, uploads

MIB = 1 << 20
WHOLE = 60 * MIB
DEFLATE = Compression.DEFLATE


@pytest.fixture
def changes() -> dict[str, Any]:
    quick = {"lease_ttl": 3, "heartbeat_interval": 0.5, "heartbeat_timeout": 1}
    return {**quick, "worker_memory_budget": 16 * MIB, "s3_idle_timeout": 10}


def text(size: int) -> bytes:
    """Half of it is left when it is deflated."""
    return os.urandom(size // 2).hex().encode()


async def files(catalogue: Catalogue) -> tuple[list[int], list[bytes]]:
    contents = [text(WHOLE // 3), text(1000), text(WHOLE * 2 // 3)]
    return [await catalogue.add(data, f"{n}") for n, data in enumerate(contents)], contents


async def test_a_bundle_is_right_and_smaller(services: Services, settings: Settings, catalogue: Catalogue) -> None:
    contents = {"log": text(9 * MIB), "noise": os.urandom(7 * MIB), "small": b"abc" * 100, "empty": b""}
    ids = [await catalogue.add(data, name) for name, data in contents.items()]
    async with working(settings):
        final = await until_ended(services, await create(services, *ids, compression=DEFLATE))
    packed = await bundle_of(services, final)
    packed.pop("manifest.json")
    assert packed == contents
    assert final.result is not None
    assert final.result.size < 7.1 * MIB + 9 * MIB * 0.6
    assert final.progress.bytes_done == final.progress.bytes_total == sum(map(len, contents.values()))
    objects = services.storage.objects
    chunks = [chunk async for chunk in objects.read(final.result.key, final.result.etag, 0, final.result.size)]
    assert zlib.crc32(b"".join(chunks)) == final.result.crc32


async def test_one_file_without_a_name_for_the_archive_is_handed_out_as_it_is(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(text(1000), "a")
    async with working(settings):
        final = await until_ended(services, await create(services, file_id, archive_name=None, compression=DEFLATE))
    assert final.result is not None
    assert (final.result.key, final.result.size) == (f"files/{file_id}", 1000)


async def test_the_next_attempt_reads_only_what_is_in_no_part(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids, contents = await files(catalogue)
    job = await interrupted(services, settings, ids, DEFLATE)
    there = await parts(services, job.id)
    assert [part.number for part in there] == list(range(1, len(there) + 1))
    last = there[-1].checkpoint
    assert last is not None
    kept = sum(len(data) for data in contents[: last.entry]) + last.offset
    assert kept > 20 * MIB
    async with gate(settings.s3_endpoint, 10**12) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.COMPLETED, 2)
    assert list((await bundle_of(services, final)).values())[:3] == contents
    assert final.result is not None
    assert final.result.key == f"bundles/{job.id}/2.zip", "the upload of the first attempt"
    assert store.passed < WHOLE - kept + MIB
    assert final.result.crc32 is not None
    assert final.progress.bytes_done == final.progress.bytes_total
    assert await parts(services, job.id) == []
    assert await uploads(services, job) == []


@pytest.mark.parametrize("promised", [True, False])
async def test_a_crc32_is_learnt_only_of_files_of_which_all_that_is_promised_was_checked(
    services: Services, settings: Settings, catalogue: Catalogue, promised: bool
) -> None:
    contents = [text(20 * MIB), text(30 * MIB), text(MIB)]
    ids = []
    for data in contents:
        sha256 = hashlib.sha256(data).hexdigest() if promised else None
        ids.append(await catalogue.add_unchecked(data, crc32=None, sha256=sha256))
        await catalogue.say(ids[-1], etag=None)
    job = await interrupted(services, settings, ids, DEFLATE)
    async with working(settings):
        final = await until_ended(services, job)
    assert final.result is not None
    assert list((await bundle_of(services, final)).values())[:3] == contents
    checked = [not promised, not promised, True]  # the first two were begun by the attempt before
    learnt = [(await catalogue.said(file_id)).crc32 for file_id in ids]
    assert learnt == [zlib.crc32(data) if seen else None for data, seen in zip(contents, checked, strict=True)]


async def test_with_another_part_size_it_is_begun_anew(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids, contents = await files(catalogue)
    job = await interrupted(services, settings, ids, DEFLATE)
    async with working(with_changes(settings, part_size=5 * MIB)):
        final = await until_ended(services, job)
    assert final.result is not None
    assert final.result.key != f"bundles/{job.id}/2.zip"
    assert list((await bundle_of(services, final)).values())[:3] == contents
    assert await uploads(services, job) == []


async def test_a_bundle_that_takes_longer_than_one_attempt_may_is_finished(
    services: Services, settings: Settings, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids, contents = await files(catalogue)
    async with gate(settings.s3_endpoint, 40 * MIB) as store:
        open_when_judged(monkeypatch, store)
        async with working(with_changes(settings, s3_endpoint=store.url, job_timeout=4)):
            job = await create(services, *ids, compression=DEFLATE)
            await until_command(services, job, "park")
        async with working(settings):  # a slow machine may need more than four seconds for the rest
            final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.COMPLETED, 1)
    assert list((await bundle_of(services, final)).values())[:3] == contents


async def test_a_source_that_changes_midway_fails_the_attempt_and_never_the_bundle(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    first, second = text(20 * MIB), text(20 * MIB)
    ids = [await catalogue.add(first, name, crc32=None, sha256=None) for name in ("a", "b")]
    async with gate(settings.s3_endpoint, 30 * MIB) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            job = await create(services, *ids, compression=DEFLATE)
            await store.held.wait()
            await catalogue.overwrite(ids[1], second)
            store.open()
            final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.COMPLETED, 2)
    packed = await bundle_of(services, final)
    assert (packed["a"], packed["b"]) == (first, second)


@pytest.mark.parametrize("hashed", [True, False])
@pytest.mark.parametrize(("make", "size"), [(text, 9 * MIB), (text, 1000), (os.urandom, 1000), (os.urandom, 9 * MIB)])
async def test_a_wrong_crc32_in_the_catalogue_is_mended_and_the_bundle_is_true(
    services: Services, settings: Settings, catalogue: Catalogue, make: Callable[[int], bytes], size: int, hashed: bool
) -> None:
    data = make(size)
    sha256 = hashlib.sha256(data).hexdigest() if hashed else None
    wrong = await catalogue.add(data, "wrong", crc32=zlib.crc32(data) ^ 1, sha256=sha256)
    right = await catalogue.add(b"right", "right")
    async with working(with_changes(settings, lease_ttl=10)):
        final = await until_ended(services, await create(services, wrong, right, compression=DEFLATE))
    assert final.status is Status.COMPLETED, final.failure
    too_late = make is os.urandom and size > 2 * MIB  # it stands in a header that is sent before the end is read
    assert final.attempt == (2 if too_late else 1)
    assert list((await bundle_of(services, final)).values())[:2] == [data, b"right"]
    assert (await catalogue.said(wrong)).crc32 == zlib.crc32(data)


@pytest.mark.parametrize("changes", [{"max_attempts": 1}])
async def test_bytes_that_were_spoilt_on_their_way_do_not_mend_the_catalogue(
    services: Services, settings: Settings, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = text(3 * MIB)
    file_id = await catalogue.add(data, "a", sha256=None)
    spoilt = [1]
    monkeypatch.setattr(deflated_packer, "crc32", lambda raw: zlib.crc32(raw) ^ (spoilt.pop() if spoilt else 0))
    async with working(settings):
        final = await until_ended(services, await create(services, file_id, compression=DEFLATE))
    assert not spoilt
    assert final.status is Status.FAILED
    assert (await catalogue.said(file_id)).crc32 == zlib.crc32(data)


async def test_what_is_not_what_the_catalogue_says_is_found_and_named(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids = [await catalogue.add(text(100), "right"), await catalogue.add(text(12 * MIB), "wrong", sha256="0" * 64)]
    async with working(with_changes(settings, lease_ttl=10)):  # an attempt that goes on with another knows no SHA-256
        final = await until_ended(services, await create(services, *ids, compression=DEFLATE))
    assert (final.status, final.upload) == (Status.FAILED, None)
    async with services.database.reading() as connection:
        right, wrong = await load_files(connection, final.id)
    assert right.failure is None
    assert wrong.failure is not None
    assert wrong.failure.error_class is ErrorClass.STORAGE
    assert "wrong: its bytes" in wrong.failure.message
    assert await uploads(services, final) == []


async def test_a_job_that_is_cancelled_stops_and_leaves_nothing(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    ids, _ = await files(catalogue)
    async with gate(settings.s3_endpoint, 30 * MIB) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            job = await create(services, *ids, compression=DEFLATE)
            await store.held.wait()
            assert await until_some_parts(services, job) >= 1
            async with asyncio.timeout(3):
                await services.lifecycle.cancel(job.id)
            store.open()
    assert (await read(services, job.id)).status is Status.CANCELLED
    await clean_now(services)
    assert [info.key async for info in services.storage.objects.list(f"bundles/{job.id}/")] == []
    assert await uploads(services, job) == []
