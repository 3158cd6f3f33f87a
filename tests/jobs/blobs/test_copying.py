"""Whether a store copies ranges into parts, as it is found out."""

from __future__ import annotations

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


async def test_a_store_that_is_away_says_nothing_about_copies(make_settings: MakeSettings) -> None:
    async with serving(hang_up) as address:
        async with Blobs.open(make_settings(s3_endpoint=address)) as blobs:
            with pytest.raises(StorageUnreachable):
                await blobs.copying.works()


async def test_a_store_that_must_not_copy_is_not_asked(make_settings: MakeSettings) -> None:
    async with serving(hang_up) as address:
        async with Blobs.open(make_settings(s3_endpoint=address, s3_part_copy="never")) as blobs:
            assert not await blobs.copying.works()
