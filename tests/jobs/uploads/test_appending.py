"""Bytes that are sent to us: appended in bounded memory, kept when a client breaks off, by one request at a time."""

from __future__ import annotations

import asyncio
import gc
import os
import tracemalloc
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

import pytest

from jobs.engine.jobs import Job, Status
from jobs.engine.lifecycle import Lifecycle
from jobs.errors import (
    IllegalTransition,
    InvalidRequest,
    UploadBusy,
    UploadQuotaExceeded,
    UploadTooLarge,
    WrongChecksum,
    WrongOffset,
)
from jobs.memory_budget import MemoryBudget
from jobs.owners import ANONYMOUS
from jobs.services import Services
from jobs.storage.multipart import MultipartUploads
from jobs.storage.objects import ObjectInfo, Objects
from jobs.uploads import appending
from jobs.uploads.appending import Received
from jobs.uploads.cleanup import FileRemoval
from jobs.uploads.uploads import STREAMED_PART_SIZE as PART
from jobs.uploads.uploads import NewUpload, Upload, tail_key
from tests.helpers.bundles import stored
from tests.helpers.eventually import eventually
from tests.helpers.jobs import clean_now
from tests.helpers.running import working
from tests.helpers.uploads import created, files_of, objects

MIB = 1 << 20


async def streamed(services: Services, size: int | None, name: str = "a.bin") -> Upload:
    new = NewUpload(name=name, size=size, streamed=True)
    [upload] = await services.uploads.create(ANONYMOUS, [new])
    return upload


async def chunks_of(data: bytes, size: int = 64 * 1024) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
        await asyncio.sleep(0)


class Broken(Exception):
    """The client has left."""


async def breaking(data: bytes) -> AsyncIterator[bytes]:
    async for chunk in chunks_of(data):
        yield chunk
    raise Broken


class Verdict:
    """A check that ends like this."""

    def __init__(self, *, right: bool) -> None:
        self.right = right
        self.seen = 0

    def update(self, chunk: bytes) -> None:
        self.seen += len(chunk)

    def verify(self) -> None:
        if not self.right:
            raise WrongChecksum("wrong")


async def append(services: Services, upload: Upload, offset: int, data: bytes, **more: object) -> Received:
    return await services.appends.append(upload.id, offset, chunks_of(data), **more)  # type: ignore[arg-type]


async def complete(services: Services, files: dict[UUID, bytes]) -> None:
    """Completes the uploads, and compares what becomes of them with these bytes."""
    for job_id in files:
        await services.uploads.complete(job_id)
    async with working(services.settings):
        for job_id, data in files.items():

            async def is_ended(job_id: UUID = job_id) -> bool:
                return (await services.uploads.read(job_id)).status.ended

            await eventually(is_ended)
            upload = await services.uploads.read(job_id)
            assert upload.status is Status.COMPLETED, upload.failure
            [file] = await files_of(services, job_id)
            assert (file.size, file.crc32) == (len(data), crc32(data))
            assert await stored(services.storage, file.key) == data
    assert await tails(services) == []


async def tails(services: Services) -> list[str]:
    return [key for key in await objects(services) if "/tail/" in key]


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_a_file_of_any_size_arrives_whole(services: Services, *, known: bool) -> None:
    files: dict[UUID, bytes] = {}
    for size in (0, 1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 5):
        data = os.urandom(size)
        upload = await streamed(services, size if known else None)
        received = await append(services, upload, 0, data, ends_file=True)
        assert (received.offset, received.is_whole) == (size, True)
        assert (await services.uploads.read(upload.id)).progress.bytes_done == size
        files[upload.id] = data
    await complete(services, files)


async def test_tiny_chunks_take_little_more_memory_than_their_bytes(services: Services) -> None:
    data = os.urandom(200_000)
    upload = await streamed(services, len(data))
    tracemalloc.start()
    try:
        await services.appends.append(upload.id, 0, chunks_of(data, 1))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * MIB  # as objects of their own they would take 8
    await complete(services, {upload.id: data})


async def test_parts_that_follow_each_other_quickly_are_recorded_together(services: Services) -> None:
    data = os.urandom(6 * PART)
    upload = await streamed(services, len(data))
    await append(services, upload, 0, data)
    recorded = (await services.uploads.read(upload.id)).seq - upload.seq
    assert 1 <= recorded < 6
    await complete(services, {upload.id: data})


async def test_what_has_arrived_is_recorded_while_a_client_pauses(services: Services) -> None:
    data, release = os.urandom(3 * PART), asyncio.Event()
    upload = await streamed(services, len(data))

    async def pausing() -> AsyncIterator[bytes]:
        async for chunk in chunks_of(data[: 2 * PART]):
            yield chunk
        await release.wait()
        async for chunk in chunks_of(data[2 * PART :]):
            yield chunk

    async def is_recorded() -> bool:
        return (await services.uploads.read(upload.id)).progress.bytes_done == 2 * PART

    appending_all = asyncio.create_task(services.appends.append(upload.id, 0, pausing()))
    await eventually(is_recorded)
    release.set()
    await appending_all
    await complete(services, {upload.id: data})


async def test_what_has_arrived_stays_when_a_client_breaks_off(services: Services) -> None:
    data = os.urandom(2 * PART + 100)
    upload = await streamed(services, len(data))
    with pytest.raises(Broken):
        await services.appends.append(upload.id, 0, breaking(data[: PART + 1000]))
    assert (await services.appends.received(upload.id)).offset == PART + 1000
    assert (await services.uploads.read(upload.id)).progress.bytes_done == PART + 1000
    await append(services, upload, PART + 1000, data[PART + 1000 :])
    await complete(services, {upload.id: data})


async def test_small_requests_get_on(services: Services) -> None:
    data = os.urandom(PART + 3 * MIB)
    upload = await streamed(services, len(data))
    for start in range(0, len(data), MIB // 2):
        received = await append(services, upload, start, data[start : start + MIB // 2])
        assert received.offset == min(start + MIB // 2, len(data))
    await complete(services, {upload.id: data})


@pytest.mark.parametrize("requests", [1, 40])
async def test_a_tail_has_few_pieces(services: Services, monkeypatch: pytest.MonkeyPatch, requests: int) -> None:
    """Whether they come in requests of their own, or in one with a checksum that yields its memory each time."""
    data = os.urandom(40)
    upload = await streamed(services, len(data) + 1)
    if requests == 1:
        monkeypatch.setattr(appending, "PATIENCE", 0)
        monkeypatch.setattr(appending, "KEEP_INTERVAL", 0.01)
        monkeypatch.setattr(MemoryBudget, "is_contended", True)

        async def slowly() -> AsyncIterator[bytes]:
            for place in range(40):
                before = len(await tails(services))
                yield data[place : place + 1]

                async def is_written(before: int = before) -> bool:
                    return len(await tails(services)) > before

                await eventually(is_written)

        await services.appends.append(upload.id, 0, slowly(), checksum=Verdict(right=True))
    else:
        for place in range(requests):
            await append(services, upload, place, data[place : place + 1])
            assert len(await tails(services)) <= 17
    rows = await services.database.fetch("SELECT start FROM tail_pieces WHERE job_id = $1", upload.id)
    assert len(rows) <= 17
    await append(services, upload, 40, b"x")
    await complete(services, {upload.id: data + b"x"})


async def test_pieces_of_the_tail_are_read_by_one_call_each(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = os.urandom(PART)
    upload = await streamed(services, len(data))
    for start in range(3):
        await append(services, upload, start, data[start : start + 1])
    heads: list[str] = []
    head = Objects.head

    async def counted(objects: Objects, key: str) -> ObjectInfo:
        heads.append(key)
        return await head(objects, key)

    with monkeypatch.context() as patched:
        patched.setattr(Objects, "head", counted)
        await append(services, upload, 3, data[3:])
    assert heads == []
    await complete(services, {upload.id: data})


async def test_an_unknown_size_shows_what_has_arrived(services: Services) -> None:
    data = os.urandom(PART + 10)
    upload = await streamed(services, None)
    with pytest.raises(Broken):
        await services.appends.append(upload.id, 0, breaking(data))
    now = await services.uploads.read(upload.id)
    assert (now.size, now.size_known, now.progress.bytes_total) == (len(data), False, None)
    with pytest.raises(InvalidRequest, match="already"):
        await append(services, upload, len(data), b"", size=PART)
    received = await append(services, upload, len(data), b"end", size=len(data) + 3)
    assert received.is_whole
    await complete(services, {upload.id: data + b"end"})


async def test_followers_see_the_bytes_rise_with_each_part(services: Services) -> None:
    upload = await streamed(services, 3 * PART)
    seen = []

    async def slowly() -> AsyncIterator[bytes]:
        for number in range(3):
            yield bytes(PART)

            async def is_recorded(number: int = number) -> bool:
                return (await services.uploads.read(upload.id)).progress.bytes_done == (number + 1) * PART

            if number < 2:
                await eventually(is_recorded)
                seen.append(number)

    await services.appends.append(upload.id, 0, slowly())
    assert seen == [0, 1]
    assert (await services.uploads.read(upload.id)).percent == 99.9


@pytest.mark.parametrize("changes", [{"upload_bytes_per_day": PART}])
async def test_files_of_unknown_size_count_against_the_bytes_of_a_day(services: Services) -> None:
    upload = await streamed(services, None)
    with pytest.raises(UploadQuotaExceeded):
        await append(services, upload, 0, bytes(PART + 1), ends_file=True)
    with pytest.raises(UploadQuotaExceeded):
        await append(services, await streamed(services, None), 0, b"", size=PART + 1)


async def test_an_upload_is_sent_to_the_intake_or_to_the_store(services: Services) -> None:
    upload = await streamed(services, 2 * PART)
    await append(services, upload, 0, bytes(PART))
    with pytest.raises(IllegalTransition, match="is sent to the intake"):
        await services.uploads.send(upload.id, [(2, 5)], [])
    direct = await created(services, b"abc")
    with pytest.raises(InvalidRequest, match="are sent to the store"):
        await append(services, direct, 0, b"abc")
    with pytest.raises(InvalidRequest, match="are sent to the store"):
        await services.appends.received(direct.id)


async def test_bytes_that_do_not_follow_are_refused(services: Services) -> None:
    upload = await streamed(services, 10)
    await append(services, upload, 0, b"abc")
    with pytest.raises(WrongOffset) as raised:
        await append(services, upload, 4, b"efghij")
    assert raised.value.offset == 3
    with pytest.raises(UploadTooLarge):
        await append(services, upload, 3, b"defghijk")
    await append(services, upload, 3, b"defghij")
    await complete(services, {upload.id: b"abcdefghij"})


async def test_of_two_requests_at_once_one_is_refused(services: Services) -> None:
    upload = await streamed(services, 2 * PART)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"a" * PART
        begun.set()
        await go_on.wait()
        yield b"b" * PART

    first = asyncio.create_task(services.appends.append(upload.id, 0, slow()))
    await begun.wait()
    with pytest.raises(UploadBusy):
        await append(services, upload, 0, b"c" * PART)
    go_on.set()
    await first
    await complete(services, {upload.id: b"a" * PART + b"b" * PART})


async def test_the_next_request_takes_over_from_one_that_receives_nothing(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appending, "WRITER_LEASE", 2.0)
    monkeypatch.setattr(appending, "KEEP_INTERVAL", 0.3)
    data = os.urandom(PART + 100)
    upload = await streamed(services, len(data))
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def stalled() -> AsyncIterator[bytes]:
        yield data[:PART]
        yield b"never"
        begun.set()
        await go_on.wait()
        yield b"too late"

    first = asyncio.create_task(services.appends.append(upload.id, 0, stalled()))
    await begun.wait()

    async def takes_over() -> bool:
        offset = (await services.appends.received(upload.id)).offset
        try:
            await append(services, upload, offset, data[offset:])
        except (UploadBusy, WrongOffset):
            return False
        return True

    await eventually(takes_over)
    go_on.set()
    with pytest.raises(UploadBusy):
        await first
    await complete(services, {upload.id: data})


async def test_no_object_appears_once_an_upload_was_cancelled(services: Services) -> None:
    upload = await streamed(services, 10)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"abc"
        await services.lifecycle.cancel(upload.id)
        yield b"defghij"

    with pytest.raises(IllegalTransition):
        await services.appends.append(upload.id, 0, chunks())
    assert await objects(services) == []


async def test_a_writer_stops_while_a_part_arrives_if_its_upload_was_cancelled(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appending, "KEEP_INTERVAL", 0.05)
    upload = await streamed(services, 2 * PART)
    is_exhausted = False

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal is_exhausted
        yield b"abc"
        await services.lifecycle.cancel(upload.id)
        for _ in range(500):
            yield b"d"
            await asyncio.sleep(0.02)
        is_exhausted = True

    with pytest.raises(IllegalTransition):
        await services.appends.append(upload.id, 0, chunks())
    assert not is_exhausted


async def test_an_upload_whose_parts_the_store_has_dropped_is_cancelled(services: Services) -> None:
    upload = await streamed(services, 2 * PART)
    await append(services, upload, 0, bytes(PART))
    upload_id = (await services.uploads.read(upload.id)).upload_id
    assert upload_id is not None
    await services.storage.multipart.abort(upload.key, upload_id)
    with pytest.raises(IllegalTransition, match="dropped"):
        await append(services, upload, PART, bytes(PART))
    assert (await services.uploads.read(upload.id)).status is Status.CANCELLED


async def test_an_upload_does_not_lapse_while_a_part_arrives_slowly(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(appending, "KEEP_INTERVAL", 0.05)
    upload = await streamed(services, 10)

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"

        async def is_extended() -> bool:
            return (await services.uploads.read(upload.id)).due_at > upload.due_at

        await eventually(is_extended)

    await services.appends.append(upload.id, 0, chunks())


async def test_nothing_has_arrived_of_an_upload_that_was_cancelled_in_the_queue(services: Services) -> None:
    upload = await streamed(services, 3)
    await append(services, upload, 0, b"abc")
    await services.uploads.complete(upload.id)
    assert (await services.appends.received(upload.id)).is_whole
    await services.lifecycle.cancel(upload.id)
    with pytest.raises(IllegalTransition):
        await services.appends.received(upload.id)


async def test_no_byte_of_a_request_with_a_wrong_checksum_counts(services: Services) -> None:
    data = os.urandom(2 * PART + 10)
    upload = await streamed(services, len(data))
    await append(services, upload, 0, data[:1000])
    with pytest.raises(WrongChecksum):
        await append(services, upload, 1000, bytes(len(data) - 1000), checksum=Verdict(right=False))
    with pytest.raises(Broken):
        await services.appends.append(upload.id, 1000, breaking(bytes(PART)), checksum=Verdict(right=True))
    assert (await services.appends.received(upload.id)).offset == 1000
    checksum = Verdict(right=True)
    assert (await append(services, upload, 1000, data[1000:], checksum=checksum)).is_whole
    assert checksum.seen == len(data) - 1000
    await complete(services, {upload.id: data})


async def test_what_a_checked_request_was_writing_ends_before_it_fails(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that is cancelled may still replace the part later on."""
    begun, go_on = asyncio.Event(), asyncio.Event()
    written: list[str] = []
    upload_part = MultipartUploads.upload_part

    async def slowly(*args: Any) -> str:
        begun.set()
        await go_on.wait()
        written.append(await upload_part(*args))
        return written[-1]

    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(PART)
        await begun.wait()
        asyncio.get_running_loop().call_later(0.1, go_on.set)
        raise Broken

    monkeypatch.setattr(MultipartUploads, "upload_part", slowly)
    upload = await streamed(services, 2 * PART)
    with pytest.raises(Broken):
        await services.appends.append(upload.id, 0, chunks(), checksum=Verdict(right=True))
    assert len(written) == 1


async def test_streams_share_a_small_memory_and_slow_ones_block_none(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory for two parts, which three streams hold that go on only when the fourth has ended."""
    monkeypatch.setattr(appending, "PATIENCE", 0.2)
    monkeypatch.setattr(appending, "KEEP_INTERVAL", 0.05)
    services.appends.budget = MemoryBudget(2 * PART)
    ended = asyncio.Event()

    async def slow(data: bytes) -> AsyncIterator[bytes]:
        yield data[:1000]
        await ended.wait()
        yield data[1000:]

    files = {(await streamed(services, PART + 1)).id: os.urandom(PART + 1) for _ in range(3)}
    waiting = [asyncio.create_task(services.appends.append(job_id, 0, slow(data))) for job_id, data in files.items()]
    quick, data = await streamed(services, 3 * PART), os.urandom(3 * PART)
    await append(services, quick, 0, data)
    ended.set()
    await asyncio.gather(*waiting)
    await complete(services, files | {quick.id: data})


async def test_a_part_that_was_sent_takes_no_memory(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does the renewal of the lease hold it, which was last renewed while the part was filled."""
    monkeypatch.setattr(appending, "KEEP_INTERVAL", 0.05)
    upload, data = await streamed(services, 2 * PART), os.urandom(2 * PART)
    alive: list[object] = []

    async def has_arrived() -> bool:
        return (await services.appends.received(upload.id)).offset == PART

    async def chunks() -> AsyncIterator[bytes]:
        begun = await lease_of(services, upload)

        async def is_renewed() -> bool:
            return await lease_of(services, upload) != begun

        yield data[:1000]
        monkeypatch.setattr(appending, "KEEP_INTERVAL", 3600.0)
        await eventually(is_renewed)
        yield data[1000:PART]
        await eventually(has_arrived)
        alive.extend(one for one in gc.get_objects() if isinstance(one, appending._Buffer))  # noqa: SLF001
        yield data[PART:]

    await services.appends.append(upload.id, 0, chunks())
    assert alive == []


async def lease_of(services: Services, upload: Upload) -> object:
    """When the lease of the request that appends to it ends."""
    [row] = await services.database.fetch("SELECT writer_until FROM upload_jobs WHERE job_id = $1", upload.id)
    return row["writer_until"]


async def test_a_cancelled_upload_leaves_no_tail(services: Services) -> None:
    upload = await streamed(services, 2 * PART)
    await append(services, upload, 0, bytes(PART + 10))
    assert len(await tails(services)) == 1
    await services.lifecycle.cancel(upload.id)
    await clean_now(services)
    assert await objects(services) == []
    assert await services.storage.multipart.list_uploads("raw/") == []


async def test_a_tail_that_nothing_refers_to_is_removed_as_an_orphan(services: Services) -> None:
    upload = await streamed(services, 2 * PART)
    await append(services, upload, 0, b"kept")
    stale = tail_key(upload.id, 0, uuid4())
    await services.storage.objects.put(stale, b"stale", "a/b")
    later = datetime.now(UTC) + timedelta(days=400)
    await FileRemoval(services.database, services.storage, services.settings, lambda: later).remove()
    [piece] = await tails(services)
    assert piece != stale


async def test_the_size_is_recorded_if_the_file_ends_while_a_part_is_being_recorded(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is unknown to what records that part."""
    recorded, ended = asyncio.Event(), asyncio.Event()
    receive = Lifecycle.receive

    async def slowly(lifecycle: Lifecycle, *args: Any) -> Job:
        job = await receive(lifecycle, *args)
        recorded.set()
        await ended.wait()
        return job

    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(PART + 1)
        await recorded.wait()
        asyncio.get_running_loop().call_later(0.1, ended.set)

    monkeypatch.setattr(Lifecycle, "receive", slowly)
    upload = await streamed(services, None)
    received = await services.appends.append(upload.id, 0, chunks(), ends_file=True)
    assert (received.is_whole, received.offset) == (True, PART + 1)
    assert (await services.uploads.complete(upload.id)).status is Status.QUEUED
