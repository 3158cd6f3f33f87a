"""Resolving ids to objects: the requests to the store, by listing or one by one."""

from __future__ import annotations

from jobs.bundles.resolver import Missing, Source
from jobs.concurrency import map_limited
from jobs.engine.jobs import FileRequest, Status
from jobs.services import Services, open_services
from jobs.settings import Settings
from tests.helpers.busy_store import http_response, intercepting
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, until_ended
from tests.helpers.running import working
from tests.helpers.settings import with_changes
from tests.jobs.storage.listings import listing


async def test_files_of_one_folder_are_found_by_one_listing(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    contents = [b"x" * (number + 1) for number in range(120)]
    ids = await map_limited(catalogue.add, contents, 8)
    await services.storage.objects.delete([f"files/{ids[70]}"])
    requests = [FileRequest(file_id=file_id) for file_id in [*reversed(ids), 10**15, ids[0]]]
    async with intercepting(settings.s3_endpoint) as store:
        async with open_services(with_changes(settings, s3_endpoint=store.url)) as counted:
            found = await counted.resolver.resolve(requests)
    assert store.requests["get"] == 1
    assert (
        store.requests["head"] <= 5
    )  # two that are missing, the first key, one of the page; SeaweedFS confirms the bucket
    sizes = [one.size if isinstance(one, Source) else None for one in found]
    assert sizes == [None if number == 70 else number + 1 for number in [*reversed(range(120))]] + [None, 1]
    assert [one.file_id for one in found] == [request.file_id for request in requests]
    assert [one.reason for one in found if isinstance(one, Missing)] == [
        "its object is gone from the store",
        "no such file",
    ]
    assert [one.etag for one in found if isinstance(one, Source)][-1] == (
        await services.storage.objects.head(f"files/{ids[0]}")
    ).etag


async def test_after_a_wrong_listing_the_next_attempt_requests_each_object(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    """The listing is right about the largest file, so that it is accepted, and wrong about another file."""
    contents = [b"x" * (number + 1) for number in range(80)]
    ids = await map_limited(catalogue.add, contents, 8)
    infos = [info async for info in services.storage.objects.list("files/")]
    right = (await services.storage.objects.head(f"files/{ids[20]}")).etag
    page = http_response("200 OK", listing(infos).replace(right.encode(), b"&quot;0123&quot;"))
    async with intercepting(settings.s3_endpoint) as store:
        store.respond = lambda head: page if b"list-type=2" in head.split(b"\r\n")[0] else None
        async with working(with_changes(settings, s3_endpoint=store.url, backoff_base=0.1)):
            job = await until_ended(services, await create(services, *ids))
    assert (job.status, job.attempt) == (Status.COMPLETED, 2)
