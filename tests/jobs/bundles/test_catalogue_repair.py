"""Where checksums come from, what is kept of them, and a catalogue that is wrong."""

from __future__ import annotations

import asyncio
import hashlib
import os
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from jobs.bundles.downloads import Download
from jobs.bundles.packing.verification import FileVerifier
from jobs.bundles.resolver import Source
from jobs.engine.jobs import FileRequest, Status
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.bundles import bundle_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.gates import gate
from tests.helpers.jobs import commands, create, read, until_ended
from tests.helpers.running import working
from tests.helpers.settings import with_changes
from tests.jobs.bundles.interruptions import interrupted

MIB = 1 << 20
WHOLE = 24 * MIB


@pytest.fixture
def changes() -> dict[str, Any]:
    quick = {"lease_ttl": 3, "heartbeat_interval": 0.5, "heartbeat_timeout": 1}
    return {**quick, "worker_memory_budget": 16 * MIB, "bundle_reuse": False}


@pytest.fixture
def said() -> Iterator[list[Any]]:
    """What is logged. It is logged again at the end, where pytest shows it of a test that failed."""
    with structlog.testing.capture_logs() as entries:
        yield entries
    for entry in entries:
        structlog.get_logger().info("captured", entry=entry)


async def packed(services: Services, settings: Settings, *ids: int) -> tuple[Download, int]:
    """The job's end, and how many bytes came from the store for it."""
    async with gate(settings.s3_endpoint, 10**12) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            job = await until_ended(services, await create(services, *ids))
    return job, store.passed


async def test_what_only_the_store_knows_a_checksum_of_is_copied_and_the_catalogue_learns_it(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    data = os.urandom(WHOLE)
    file_id = await catalogue.add(data, "a", crc32=None, sha256=None)
    job, passed = await packed(services, settings, file_id)
    assert (await bundle_of(services, job))["a"] == data
    assert passed < 6 * MIB
    assert (await catalogue.said(file_id)).crc32 == zlib.crc32(data)


async def test_a_file_outside_the_catalogue_is_copied_by_the_stores_checksum(
    services: Services, settings: Settings
) -> None:
    data = os.urandom(WHOLE)
    await services.storage.objects.put("77777.zip", data, "application/zip")
    job, passed = await packed(services, settings, 77777)
    assert (await bundle_of(services, job))["77777.zip"] == data
    assert passed < 6 * MIB


@pytest.mark.parametrize("known", [{"crc32": None, "sha256": None, "etag": None}, {"etag": '"of another upload"'}])
async def test_what_was_learnt_by_reading_is_kept_and_the_next_bundle_copies(
    services: Services, settings: Settings, catalogue: Catalogue, known: dict[str, Any], said: list[Any]
) -> None:
    data = os.urandom(WHOLE)
    file_id = await catalogue.add_unchecked(data, "a", crc32=zlib.crc32(data), sha256=hashlib.sha256(data).hexdigest())
    await catalogue.say(file_id, **known)
    first, passed = await packed(services, settings, file_id)
    assert passed > WHOLE
    now = await catalogue.said(file_id)
    assert now.crc32 == zlib.crc32(data)
    assert now.etag == (await services.storage.objects.head(f"files/{file_id}")).etag
    second, passed = await packed(services, settings, file_id)
    assert passed < 6 * MIB
    assert (await bundle_of(services, first))["a"] == (await bundle_of(services, second))["a"] == data
    assert [entry["event"] for entry in said if entry["event"].startswith("catalogue_")] == ["catalogue_completed"]


async def test_what_was_promised_of_another_object_is_not_made_certain_without_reading(
    services: Services, catalogue: Catalogue
) -> None:
    data = os.urandom(6 * MIB)
    crc = zlib.crc32(data)
    promised = await catalogue.add(data, crc32=None)
    replaced = await catalogue.add(data)
    only_crc = await catalogue.add(data, sha256=None)
    wrong = await catalogue.add(data, sha256=None, crc32=crc ^ 1)
    for file_id in (replaced, only_crc, wrong):
        await catalogue.say(file_id, etag='"of another upload"')
    small = await catalogue.add(b"small", crc32=None, sha256=None)
    ids = [promised, replaced, only_crc, wrong, small]
    found = await services.resolver.resolve([FileRequest(file_id=file_id) for file_id in ids])
    sources = [one for one in found if isinstance(one, Source)]
    assert [(one.crc32, one.trusted) for one in sources] == [
        (crc, True),
        (crc, False),
        (crc, True),
        (crc, True),
        (None, True),
    ]


async def test_what_somebody_else_has_written_into_the_catalogue_meanwhile_stays(
    services: Services, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x", crc32=None)
    [source] = await services.resolver.resolve([FileRequest(file_id=file_id)])
    assert isinstance(source, Source)
    await catalogue.say(file_id, etag='"of a newer object"', crc32=7)
    await services.resolver.save_checksums([source], [zlib.crc32(b"x")])
    assert (await catalogue.said(file_id)).crc32 == 7


SIZES = {"small files": [700, 5, 0, 2000], "across parts": [20 * MIB, 3, 11 * MIB, 9 * MIB]}


@pytest.mark.parametrize("hashed", [True, False])
@pytest.mark.parametrize("case", SIZES)
@pytest.mark.parametrize("changes", [{"s3_part_copy": "never", "worker_memory_budget": 64 * MIB}])
async def test_a_wrong_crc32_in_the_catalogue_is_mended_and_the_bundle_is_true(
    services: Services, settings: Settings, catalogue: Catalogue, case: str, hashed: bool, said: list[Any]
) -> None:
    contents = [os.urandom(size) for size in SIZES[case]]
    ids = []
    for number, data in enumerate(contents):
        crc = zlib.crc32(data) ^ (number % 2 == 0)
        sha256 = hashlib.sha256(data).hexdigest() if hashed else None
        ids.append(await catalogue.add(data, f"{number}", crc32=crc, sha256=sha256))
    job, _ = await packed(services, settings, *ids)
    assert (job.status, job.attempt) == (Status.COMPLETED, 1)
    assert list((await bundle_of(services, job)).values())[:4] == contents
    assert job.result is not None
    assert job.progress.bytes_done == job.progress.bytes_total
    read_back = services.storage.objects.read(job.result.key, job.result.etag, 0, job.result.size)
    whole = b"".join([bytes(chunk) async for chunk in read_back])
    assert job.result.crc32 == zlib.crc32(whole)
    assert [(await catalogue.said(file_id)).crc32 for file_id in ids] == [zlib.crc32(data) for data in contents]
    mended = [entry for entry in said if entry["event"] == "catalogue_repaired"]
    assert {entry["file_id"] for entry in mended} == {ids[0], ids[2]}
    assert {entry["log_level"] for entry in mended} == {"warning"}


@pytest.mark.parametrize("changes", [{"s3_part_copy": "never", "max_attempts": 1}])
@pytest.mark.parametrize("said_of_it", [{"sha256": "0" * 64}, {"sha256": "0" * 64, "crc32": 1, "etag": '"another"'}])
async def test_bytes_that_are_not_the_promised_ones_are_never_called_right(
    services: Services, settings: Settings, catalogue: Catalogue, said_of_it: dict[str, Any]
) -> None:
    file_id = await catalogue.add(b"not what was promised", "a")
    await catalogue.say(file_id, **said_of_it)
    before = await catalogue.said(file_id)
    job, _ = await packed(services, settings, file_id)
    assert job.status is Status.FAILED
    assert job.failure is not None
    assert "in the catalogue" in job.failure.message
    assert await catalogue.said(file_id) == before


async def test_a_crc_that_was_learnt_of_another_object_does_not_stand_in_the_way_of_this_one(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"it was", "a", crc32=None, sha256=None)
    first, _ = await packed(services, settings, file_id)
    assert (await catalogue.said(file_id)).crc32 == zlib.crc32(b"it was")
    await catalogue.overwrite(file_id, b"it is!")
    second, _ = await packed(services, settings, file_id)
    assert (first.status, second.status) == (Status.COMPLETED, Status.COMPLETED), second.failure
    assert (await bundle_of(services, second))["a"] == b"it is!"
    assert (await catalogue.said(file_id)).crc32 == zlib.crc32(b"it is!")


@pytest.mark.parametrize("changes", [{"s3_part_copy": "never", "max_attempts": 1}])
async def test_bytes_that_were_spoilt_on_their_way_do_not_mend_the_catalogue(
    services: Services, settings: Settings, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = os.urandom(20 * MIB)
    file_id = await catalogue.add(whole, "a", sha256=None)
    add, spoilt_already = FileVerifier.add, False

    async def spoilt(self: FileVerifier, start: int, data: Any) -> bool:
        nonlocal spoilt_already
        if start and not spoilt_already:  # not in the part with the header, which is read again to be made again
            spoilt_already = True
            data = [bytes([data[0][0] ^ 1]) + bytes(data[0][1:]), *data[1:]]
        return await add(self, start, data)

    monkeypatch.setattr(FileVerifier, "add", spoilt)
    job, _ = await packed(services, settings, file_id)
    assert job.status is Status.FAILED
    assert (await catalogue.said(file_id)).crc32 == zlib.crc32(whole)


@pytest.mark.parametrize("hashed", [True, False])
async def test_a_wrong_crc32_is_found_by_an_attempt_that_goes_on_with_the_parts_of_another(
    services: Services, settings: Settings, catalogue: Catalogue, hashed: bool
) -> None:
    contents = [os.urandom(12 * MIB) for _ in range(5)]
    ids = []
    for data in contents:
        sha256 = hashlib.sha256(data).hexdigest() if hashed else None
        ids.append(await catalogue.add(data, crc32=zlib.crc32(data) ^ 1, sha256=sha256))
    streamed = with_changes(settings, s3_part_copy="never")
    job = await interrupted(services, streamed, ids)
    async with working(streamed), asyncio.timeout(40):
        job = await until_ended(services, job)
    assert job.status is Status.COMPLETED
    assert job.attempt <= 3, await commands(services, job.id)
    assert list((await bundle_of(services, await read(services, job.id))).values())[:5] == contents
    assert [(await catalogue.said(file_id)).crc32 for file_id in ids] == [zlib.crc32(data) for data in contents]
