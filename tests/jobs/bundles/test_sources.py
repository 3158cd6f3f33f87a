"""Sources that are not any more what they were when the job looked at them."""

from __future__ import annotations

import os
from typing import Any

import pytest

from jobs.engine.jobs import Status
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.bundles import bundle_of
from tests.helpers.busy_store import intercepting
from tests.helpers.catalogue import Catalogue
from tests.helpers.gates import gate
from tests.helpers.jobs import create, until_ended
from tests.helpers.running import working
from tests.helpers.settings import with_changes

MIB = 1 << 20


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"s3_part_copy": "never", "read_concurrency": 1, "bundle_reuse": False}


async def put(services: Services, file_id: int, data: bytes) -> None:
    await services.storage.objects.put(f"{file_id}.zip", data, "application/zip")


@pytest.mark.parametrize("size", [7 * MIB, 0, 21 * MIB])
async def test_a_source_that_gets_another_size_midway_is_packed_as_it_is_then(
    services: Services, settings: Settings, size: int
) -> None:
    first, second, changed = (os.urandom(length) for length in (20 * MIB, 20 * MIB, size))
    await put(services, 77777, first)
    await put(services, 77778, second)
    async with gate(settings.s3_endpoint, 10 * MIB) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            job = await create(services, 77777, 77778)
            await store.held.wait()
            await put(services, 77778, changed)
            store.open()
            final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.COMPLETED, 2)
    assert list((await bundle_of(services, final)).values())[:2] == [first, changed]


async def test_a_source_that_vanishes_midway_fails_the_job_by_name(services: Services, settings: Settings) -> None:
    await put(services, 77777, os.urandom(20 * MIB))
    await put(services, 77778, os.urandom(20 * MIB))
    async with gate(settings.s3_endpoint, 10 * MIB) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            job = await create(services, 77777, 77778)
            await store.held.wait()
            await services.storage.objects.delete(["77778.zip"])
            store.open()
            final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.FAILED, 2)
    assert final.failure is not None
    assert "77778" in final.failure.message
    assert [info async for info in services.storage.objects.list(f"bundles/{job.id}/")] == []


@pytest.mark.parametrize("lie", [-1, 1, -9 * MIB, 9 * MIB])
async def test_a_source_that_lies_about_its_size_never_becomes_a_bundle(
    services: Services, settings: Settings, catalogue: Catalogue, lie: int
) -> None:
    """Catalogue and HEAD say the same, and the object has fewer bytes, or more."""
    data = os.urandom(10 * MIB)
    file_id = await catalogue.add(data, "liar.bin", size=len(data) + lie)
    info = await services.storage.objects.head(f"files/{file_id}")

    def head_lies(head: bytes) -> bytes | None:
        if not head.startswith(b"HEAD") or f"files/{file_id}".encode() not in head.replace(b"%2F", b"/"):
            return None
        fields = (
            f"Content-Length: {len(data) + lie}\r\nETag: {info.etag}\r\nLast-Modified: Sat, 21 Nov 2026 11:14:55 GMT"
        )
        return f"HTTP/1.1 200 OK\r\n{fields}\r\n\r\n".encode()

    async with intercepting(settings.s3_endpoint) as store:
        store.respond = head_lies
        async with working(with_changes(settings, s3_endpoint=store.url)):
            final = await until_ended(services, await create(services, file_id))
    assert final.status is Status.FAILED, final
    assert [info async for info in services.storage.objects.list(f"bundles/{final.id}/")] == []
