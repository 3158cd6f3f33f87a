"""Detection of whether a store supports UploadPartCopy."""

from __future__ import annotations

import asyncio

import pytest

from jobs.errors import StorageUnreachable
from jobs.storage import Storage
from jobs.storage.part_copy import PROBE_PREFIX
from tests.helpers.busy_store import intercepting, operation_of
from tests.jobs.storage.faults import hang_up, serving
from tests.jobs.storage.stores import MakeSettings


async def test_support_is_detected_and_nothing_is_left_over(storage: Storage) -> None:
    assert await storage.part_copy.is_supported()
    assert [info async for info in storage.objects.list(PROBE_PREFIX)] == []
    assert await storage.multipart.list_uploads(PROBE_PREFIX) == []


async def test_missing_support_is_detected_once(storage: Storage, make_settings: MakeSettings) -> None:
    async with intercepting(make_settings().s3_endpoint) as store:
        store.reject(lambda head: operation_of(head) == "copy")
        async with Storage.open(make_settings(s3_endpoint=store.url)) as other:
            assert not await other.part_copy.is_supported()
            assert store.intercepted == {"copy": 1}
            assert not await other.part_copy.is_supported()
            assert store.intercepted == {"copy": 1}
    assert [info async for info in storage.objects.list(PROBE_PREFIX)] == []


async def test_an_unavailable_store_is_called_once_and_nothing_is_concluded(make_settings: MakeSettings) -> None:
    asked: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))

    async with serving(hang_up) as address:
        async with Storage.open(make_settings(s3_endpoint=address)) as storage:
            with pytest.raises(StorageUnreachable):
                await storage.part_copy.is_supported()
    assert len(asked) == 1, "with a store that hangs, the job would wait as long again"


async def test_leftovers_of_an_outage_are_deleted_by_the_next_probe(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = storage.objects.put

    async def put_and_lose(key: str, data: bytes, content_type: str) -> None:
        await put(key, data, content_type)
        raise StorageUnreachable("its answer was lost")

    with monkeypatch.context() as lossy:
        lossy.setattr(storage.objects, "put", put_and_lose)
        with pytest.raises(StorageUnreachable):
            await storage.part_copy.is_supported()
    assert len([info async for info in storage.objects.list(PROBE_PREFIX)]) == 1
    assert await storage.part_copy.is_supported()
    assert [info async for info in storage.objects.list(PROBE_PREFIX)] == []


async def test_an_upload_whose_id_was_lost_in_an_outage_is_aborted_by_the_next_probe(
    storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    create, targets = storage.multipart.create, []

    async def create_and_lose(key: str, content_type: str) -> None:
        await create(key, content_type)
        targets.append(key)
        raise StorageUnreachable("the response was lost")

    with monkeypatch.context() as lossy:
        lossy.setattr(storage.multipart, "create", create_and_lose)
        with pytest.raises(StorageUnreachable):
            await storage.part_copy.is_supported()
    [target] = targets
    assert len(await storage.multipart.list_uploads(target)) == 1
    assert await storage.part_copy.is_supported()
    assert await storage.multipart.list_uploads(target) == []


async def test_nothing_is_tried_unless_copies_are_allowed(make_settings: MakeSettings) -> None:
    async with serving(hang_up) as address:
        async with Storage.open(make_settings(s3_endpoint=address, s3_part_copy="never")) as storage:
            assert not await storage.part_copy.is_supported()
