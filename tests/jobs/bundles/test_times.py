"""The times of files in bundles: those of the catalogue, else those of the objects."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.bundles.downloads import Compression
from jobs.bundles.resolver import Source
from jobs.engine.jobs import FileRequest, Status
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.bundles import stored
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, until_ended
from tests.helpers.running import working
from tests.jobs.bundles.packing import readers

SUMMER = datetime(2019, 7, 1, 12, 34, 57, 250_000, tzinfo=UTC)


@pytest.mark.parametrize("compression", ["store", "deflate"])
async def test_an_unpacked_file_has_the_time_of_the_catalogue_else_of_its_object(
    services: Services, settings: Settings, catalogue: Catalogue, tmp_path: Path, compression: str
) -> None:
    readers.require("unzip")
    known, unknown = await catalogue.add(b"x", "known", modified_at=SUMMER), await catalogue.add(b"y", "unknown")
    await services.storage.objects.put("77777.zip", b"z", "application/zip")
    async with working(settings):
        job = await until_ended(
            services, await create(services, known, unknown, 77_777, compression=Compression(compression))
        )
    assert job.status is Status.COMPLETED
    assert job.result is not None
    (tmp_path / "a.zip").write_bytes(await stored(services.storage, job.result.key))
    found = readers.times("unzip", tmp_path / "a.zip", tmp_path / "out")
    objects = [await services.storage.objects.head(key) for key in (f"files/{unknown}", "77777.zip")]
    assert found["known"] == int(SUMMER.timestamp())
    assert [found["unknown"], found["77777.zip"]] == [info.last_modified.timestamp() for info in objects]
    assert found["manifest.json"] == int(job.created_at.timestamp())


async def test_listings_and_single_requests_agree_on_times(services: Services, catalogue: Catalogue) -> None:
    """Otherwise an attempt could not continue what another one began."""
    requests = [FileRequest(file_id=await catalogue.add(b"x")) for _ in range(70)]
    both = [await services.resolver.resolve(requests, listings=listings) for listings in (True, False)]
    assert both[0] == both[1]
    times = [one.modified for one in both[0] if isinstance(one, Source)]
    assert len(times) == len(requests)
    assert datetime.now(UTC) - max(times) < timedelta(minutes=5)
