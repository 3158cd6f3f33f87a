"""Whether a store copies ranges into parts, as it is found out."""

from __future__ import annotations

import asyncio

import pytest

from jobs.blobs import Blobs
from jobs.blobs.copying import PROBES
from jobs.domain.errors import StorageUnreachable
from tests.jobs.blobs.conftest import MakeSettings
from tests.jobs.blobs.faults import hang_up, serving
from tests.storms import kind_of, storm


async def test_a_store_that_copies_is_found_out_and_nothing_is_left_there(blobs: Blobs) -> None:
    assert await blobs.copying.works()
    assert [info async for info in blobs.objects.list(PROBES)] == []
    assert await blobs.uploads.list_uploads(PROBES) == []


async def test_a_store_without_copies_is_found_out_once(blobs: Blobs, make_settings: MakeSettings) -> None:
    async with storm(make_settings().s3_endpoint) as store:
        store.never(lambda head: kind_of(head) == "copy")
        async with Blobs.open(make_settings(s3_endpoint=store.url)) as other:
            assert not await other.copying.works()
            assert store.refused == {"copy": 1}
            assert not await other.copying.works()
            assert store.refused == {"copy": 1}
    assert [info async for info in blobs.objects.list(PROBES)] == []


async def test_a_store_that_is_away_says_nothing_about_copies_and_is_asked_no_more(make_settings: MakeSettings) -> None:
    asked: list[bytes] = []

    async def hang_up(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))

    async with serving(hang_up) as address:
        async with Blobs.open(make_settings(s3_endpoint=address)) as blobs:
            with pytest.raises(StorageUnreachable):
                await blobs.copying.works()
    assert len(asked) == 1, "with a store that hangs, the job would wait as long again"


async def test_what_was_left_in_a_store_that_went_away_is_removed_by_the_next_who_asks(
    blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = blobs.objects.put

    async def put_and_lose(key: str, data: bytes, content_type: str) -> None:
        await put(key, data, content_type)
        raise StorageUnreachable("its answer was lost")

    with monkeypatch.context() as lossy:
        lossy.setattr(blobs.objects, "put", put_and_lose)
        with pytest.raises(StorageUnreachable):
            await blobs.copying.works()
    assert len([info async for info in blobs.objects.list(PROBES)]) == 1
    assert await blobs.copying.works()
    assert [info async for info in blobs.objects.list(PROBES)] == []


async def test_a_store_that_must_not_copy_is_not_asked(make_settings: MakeSettings) -> None:
    async with serving(hang_up) as address:
        async with Blobs.open(make_settings(s3_endpoint=address, s3_part_copy="never")) as blobs:
            assert not await blobs.copying.works()
