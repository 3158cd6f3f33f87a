"""Whether a store copies ranges into parts, as it is found out."""

from __future__ import annotations

import asyncio

import pytest

from jobs.errors import StorageUnreachable
from jobs.storage import Storage
from jobs.storage.part_copy import PROBE_PREFIX
from tests.busy_store import kind_of, storm
from tests.jobs.storage.conftest import MakeSettings
from tests.jobs.storage.faults import hang_up, serving


async def test_a_store_that_copies_is_found_out_and_nothing_is_left_there(storage: Storage) -> None:
    assert await storage.part_copy.is_supported()
    assert [info async for info in storage.objects.list(PROBE_PREFIX)] == []
    assert await storage.multipart.list_uploads(PROBE_PREFIX) == []


async def test_a_store_without_copies_is_found_out_once(storage: Storage, make_settings: MakeSettings) -> None:
    async with storm(make_settings().s3_endpoint) as store:
        store.never(lambda head: kind_of(head) == "copy")
        async with Storage.open(make_settings(s3_endpoint=store.url)) as other:
            assert not await other.part_copy.is_supported()
            assert store.refused == {"copy": 1}
            assert not await other.part_copy.is_supported()
            assert store.refused == {"copy": 1}
    assert [info async for info in storage.objects.list(PROBE_PREFIX)] == []


async def test_a_store_that_is_away_says_nothing_about_copies_and_is_asked_no_more(make_settings: MakeSettings) -> None:
    asked: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))

    async with serving(hang_up) as address:
        async with Storage.open(make_settings(s3_endpoint=address)) as storage:
            with pytest.raises(StorageUnreachable):
                await storage.part_copy.is_supported()
    assert len(asked) == 1, "with a store that hangs, the job would wait as long again"


async def test_what_was_left_in_a_store_that_went_away_is_removed_by_the_next_who_asks(
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


async def test_a_store_that_must_not_copy_is_not_asked(make_settings: MakeSettings) -> None:
    async with serving(hang_up) as address:
        async with Storage.open(make_settings(s3_endpoint=address, s3_part_copy="never")) as storage:
            assert not await storage.part_copy.is_supported()
