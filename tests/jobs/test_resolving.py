"""From ids to objects: what it asks of the store, and that it is the same however the store is asked."""

from __future__ import annotations

from jobs.concurrency import map_limited
from jobs.domain.jobs import FileRequest
from jobs.resolving import Missing, Source
from jobs.services import Services, open_services
from jobs.settings import Settings
from tests.jobs.worker.test_worker import with_changes
from tests.storms import storm
from tests.support import Catalogue


async def test_files_of_one_folder_are_found_by_one_listing(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    contents = [b"x" * (number + 1) for number in range(120)]
    ids = await map_limited(catalogue.add, contents, 8)
    await services.blobs.objects.delete([f"files/{ids[70]}"])
    requests = [FileRequest(file_id=file_id) for file_id in [*reversed(ids), 10**15, ids[0]]]
    async with storm(settings.s3_endpoint) as store:
        async with open_services(with_changes(settings, s3_endpoint=store.url)) as counted:
            found = await counted.resolver.resolve(requests)
    assert store.asked["get"] == 1
    assert (
        store.asked["head"] <= 5
    )  # two that are missing, the first key, one of the page; SeaweedFS confirms the bucket
    sizes = [one.size if isinstance(one, Source) else None for one in found]
    assert sizes == [None if number == 70 else number + 1 for number in [*reversed(range(120))]] + [None, 1]
    assert [one.file_id for one in found] == [request.file_id for request in requests]
    assert [one.reason for one in found if isinstance(one, Missing)] == [
        "its object is gone from the store",
        "no such file",
    ]
    assert [one.etag for one in found if isinstance(one, Source)][-1] == (
        await services.blobs.objects.head(f"files/{ids[0]}")
    ).etag
