"""Multipart uploads on a real store, and possible responses to them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from datetime import UTC, datetime, timedelta

import pytest

from jobs.breakers import FAILURE_THRESHOLD, Circuit
from jobs.errors import ObjectMissing, StorageDown, StorageFault, StorageTimeout
from jobs.settings import Settings
from jobs.storage import Storage, UploadGone, part_buffer
from jobs.storage.part_buffer import BodyStalled, PartBuffer
from tests.helpers.bundles import stored
from tests.helpers.eventually import eventually
from tests.jobs.storage.faults import hang, never_read, relaying, responding, serving
from tests.jobs.storage.stores import MakeSettings

MIB = 1024 * 1024
TYPE = "application/zip"


async def _seconds_to_cancel(sending: asyncio.Task[str]) -> float:
    """Cancel the task after a moment; return how long that took in seconds."""
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(sending), 0.3)
    began = time.monotonic()
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending
    return time.monotonic() - began


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_parts_make_the_object_in_their_order(storage: Storage, kind: type) -> None:
    one, two = os.urandom(5 * MIB), os.urandom(100)
    upload_id = await storage.multipart.create("k +é", TYPE)
    second = await storage.multipart.upload_part("k +é", upload_id, 2, kind(two))
    first = await storage.multipart.upload_part("k +é", upload_id, 1, kind(one))
    await storage.multipart.complete("k +é", upload_id, [(2, second), (1, first)])
    assert await stored(storage, "k +é") == one + two


async def test_a_part_sent_again_replaces_the_first(storage: Storage) -> None:
    upload_id = await storage.multipart.create("k", TYPE)
    await storage.multipart.upload_part("k", upload_id, 1, b"first")
    etag = await storage.multipart.upload_part("k", upload_id, 1, b"second")
    await storage.multipart.complete("k", upload_id, [(1, etag)])
    assert await stored(storage, "k") == b"second"


async def test_a_part_with_another_etag_is_not_accepted(storage: Storage) -> None:
    upload_id = await storage.multipart.create("k", TYPE)
    await storage.multipart.upload_part("k", upload_id, 1, b"first")
    with pytest.raises(StorageFault):
        await storage.multipart.complete("k", upload_id, [(1, f'"{"0" * 32}"')])
    with pytest.raises(ObjectMissing):
        await storage.objects.head("k")


async def test_no_object_exists_before_completing_or_after_aborting(storage: Storage) -> None:
    upload_id = await storage.multipart.create("k", TYPE)
    etag = await storage.multipart.upload_part("k", upload_id, 1, b"x")
    with pytest.raises(ObjectMissing):
        await storage.objects.head("k")
    await storage.multipart.abort("k", upload_id)
    await storage.multipart.abort("k", upload_id)
    with pytest.raises(UploadGone):
        await storage.multipart.complete("k", upload_id, [(1, etag)])
    with pytest.raises(UploadGone):
        await storage.multipart.upload_part("k", upload_id, 2, b"y")
    with pytest.raises(ObjectMissing):
        await storage.objects.head("k")


async def test_completing_twice_never_harms_the_object(storage: Storage) -> None:
    upload_id = await storage.multipart.create("k", TYPE)
    etag = await storage.multipart.upload_part("k", upload_id, 1, b"x")
    completed = await storage.multipart.complete("k", upload_id, [(1, etag)])
    with contextlib.suppress(UploadGone):  # stores may do either; AWS says that it is idempotent
        assert await storage.multipart.complete("k", upload_id, [(1, etag)]) == completed
    assert (await storage.objects.head("k")).etag == completed
    assert await stored(storage, "k") == b"x"


async def test_an_upload_id_that_never_was(storage: Storage) -> None:
    with pytest.raises(UploadGone):
        await storage.multipart.complete("k", "never-was", [(1, '"x"')])
    with pytest.raises(UploadGone):
        await storage.multipart.upload_part("k", "never-was", 1, b"x")
    await storage.multipart.abort("k", "never-was")


async def test_list_uploads(storage: Storage) -> None:
    assert await storage.multipart.list_uploads("bundles/k") == []
    one = await storage.multipart.create("bundles/k", TYPE)
    two = await storage.multipart.create("bundles/k", TYPE)
    await storage.multipart.create("elsewhere", TYPE)
    both = await storage.multipart.list_uploads("bundles/k")
    assert {(info.key, info.id) for info in both} == {("bundles/k", one), ("bundles/k", two)}
    assert all(abs(datetime.now(UTC) - info.initiated_at) < timedelta(minutes=1) for info in both)
    await storage.multipart.abort("bundles/k", one)
    assert [info.id for info in await storage.multipart.list_uploads("bundles/k")] == [two]


async def test_an_error_inside_a_200_is_an_error(make_settings: MakeSettings) -> None:
    error = b'<?xml version="1.0"?>\n<Error><Code>InternalError</Code><Message>try again</Message></Error>'
    async with serving(responding("200 OK", error, Content_Type="application/xml")) as endpoint:
        async with Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
            with pytest.raises(StorageFault, match="InternalError"):
                await storage.multipart.complete("k", "id", [(1, '"x"')])


@pytest.mark.parametrize("body", [b"", b"<html>sign in</html>", b"<?xml version='1.0'?><CompleteMultipartUploadRes"])
async def test_an_invalid_200_is_an_error(make_settings: MakeSettings, body: bytes) -> None:
    async with serving(responding("200 OK", body)) as endpoint:
        async with Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
            with pytest.raises(StorageFault):
                await storage.multipart.complete("k", "id", [(1, '"x"')])
            with pytest.raises(StorageFault):
                await storage.multipart.create("k", TYPE)
            with pytest.raises(StorageFault):
                await storage.multipart.upload_part("k", "id", 1, b"x")


async def test_completing_has_its_own_time_out(make_settings: MakeSettings) -> None:
    async with serving(hang) as endpoint:
        settings = make_settings(s3_endpoint=endpoint, s3_idle_timeout=0.1, s3_complete_timeout=0.6)
        async with Storage.open(settings) as storage:
            began = time.monotonic()
            with pytest.raises(StorageTimeout):
                await storage.multipart.complete("k", "id", [(1, '"x"')])
            assert 0.5 < time.monotonic() - began < 3


async def test_a_part_may_take_longer_than_connecting_and_than_the_idle_time_out(
    store_settings: Settings, make_settings: MakeSettings
) -> None:
    data = os.urandom(12 * MIB)
    async with serving(relaying(store_settings.s3_endpoint, rate_up=16 * MIB)) as endpoint:
        settings = make_settings(s3_endpoint=endpoint, s3_connect_timeout=0.2, s3_idle_timeout=0.5)
        async with Storage.open(settings) as storage:
            upload_id = await storage.multipart.create("k", TYPE)
            began = time.monotonic()
            etag = await storage.multipart.upload_part("k", upload_id, 1, data)
            assert time.monotonic() - began > 0.5
            await storage.multipart.complete("k", upload_id, [(1, etag)])
            assert await stored(storage, "k") == data


@pytest.mark.parametrize("server", [hang, never_read])
async def test_a_part_without_progress_times_out(make_settings: MakeSettings, server: object) -> None:
    async with serving(server) as endpoint:  # type: ignore[arg-type]
        async with Storage.open(make_settings(s3_endpoint=endpoint, s3_idle_timeout=0.3)) as storage:
            began = time.monotonic()
            with pytest.raises(StorageTimeout, match="uploading part 1 of 'k'"):
                await storage.multipart.upload_part("k", "id", 1, bytes(12 * MIB))
            assert 0.25 < time.monotonic() - began < 1.5  # and not the time-out for connecting


@pytest.mark.parametrize("server", [hang, never_read])
async def test_a_cancelled_part_releases_its_bytes_at_once(make_settings: MakeSettings, server: object) -> None:
    body = bytearray(12 * MIB)
    async with serving(server) as endpoint:  # type: ignore[arg-type]
        async with Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
            sending = asyncio.create_task(storage.multipart.upload_part("k", "id", 1, body))
            assert await _seconds_to_cancel(sending) < 2  # not the idle time-out of 15 s
            body.clear()  # BufferError if it were still in use


async def test_parts_that_wait_for_a_thread_can_be_cancelled(make_settings: MakeSettings) -> None:
    async with serving(hang) as endpoint:
        async with Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
            parts = [asyncio.create_task(storage.multipart.upload_part("k", "id", 1, b"x")) for _ in range(100)]
            await asyncio.wait(parts, timeout=0.1)
            for part in parts:
                part.cancel()
            ends = await asyncio.wait_for(asyncio.gather(*parts, return_exceptions=True), 5)
            assert all(isinstance(end, asyncio.CancelledError) for end in ends)


async def test_the_pieces_of_a_part_may_arrive_in_any_order(storage: Storage) -> None:
    pieces = [os.urandom(size) for size in (3 * MIB, 100, 3 * MIB)]
    buffer = PartBuffer([len(piece) for piece in pieces])
    upload_id = await storage.multipart.create("k", TYPE)
    sending = asyncio.create_task(storage.multipart.upload_part("k", upload_id, 1, buffer))
    for number in (1, 2, 0):
        await asyncio.sleep(0)
        buffer.put(number, pieces[number])
    await storage.multipart.complete("k", upload_id, [(1, await sending)])
    assert await stored(storage, "k") == b"".join(pieces)


async def test_a_part_is_sent_while_it_arrives(make_settings: MakeSettings) -> None:
    half_is_there = asyncio.Event()

    async def store(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(MIB)
        half_is_there.set()
        await reader.readexactly(MIB)
        writer.write(b'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 0\r\n\r\n')
        await writer.drain()

    buffer = PartBuffer([MIB, MIB])
    buffer.put(0, bytes(MIB))
    async with serving(store) as endpoint, Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
        sending = asyncio.create_task(storage.multipart.upload_part("k", "id", 1, buffer))
        async with asyncio.timeout(5):
            await half_is_there.wait()
            buffer.put(1, bytes(MIB))
            assert await sending == '"x"'


async def test_a_stalled_body_does_not_open_the_circuit(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_buffer, "STALL_TIMEOUT", 0.05)
    part = PartBuffer([MIB, MIB])
    part.put(0, bytes(MIB))
    upload_id = await storage.multipart.create("k", TYPE)
    for _ in range(FAILURE_THRESHOLD):
        with pytest.raises(BodyStalled):
            await storage.multipart.upload_part("k", upload_id, 1, part)
    assert storage.bucket.breaker.state is Circuit.CLOSED
    part.put(1, bytes(MIB))
    await storage.multipart.complete(
        "k", upload_id, [(1, await storage.multipart.upload_part("k", upload_id, 1, part))]
    )
    assert await stored(storage, "k") == bytes(2 * MIB)


async def test_a_stalled_body_does_not_close_the_circuit(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_buffer, "STALL_TIMEOUT", 0.05)
    upload_id, breaker = await storage.multipart.create("k", TYPE), storage.bucket.breaker
    for _ in range(FAILURE_THRESHOLD):
        with pytest.raises(StorageDown), breaker.record("test"):
            raise StorageDown("")
    await eventually(lambda: breaker.state is Circuit.HALF_OPEN)
    part = PartBuffer([MIB, MIB])
    part.put(0, bytes(MIB))
    with pytest.raises(BodyStalled):
        await storage.multipart.upload_part("k", upload_id, 1, part)
    assert breaker.state is Circuit.HALF_OPEN


async def test_a_part_that_waits_for_its_bytes_can_be_cancelled(make_settings: MakeSettings) -> None:
    part = PartBuffer([MIB, MIB])
    part.put(0, bytes(MIB))
    async with serving(hang) as endpoint, Storage.open(make_settings(s3_endpoint=endpoint)) as storage:
        sending = asyncio.create_task(storage.multipart.upload_part("k", "id", 1, part))
        assert await _seconds_to_cancel(sending) < part_buffer.STALL_TIMEOUT / 2
