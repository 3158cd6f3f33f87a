"""Bundles whose large files the store copies by itself."""

from __future__ import annotations

import os
from typing import Any

import pytest

from jobs.bundles.planning import plan_stored_bundle
from jobs.bundles.resolver import Source
from jobs.engine.jobs import FileRequest, Status
from jobs.engine.sql.upload_parts import load_parts
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.bundles import bundle_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.gates import gate
from tests.helpers.jobs import create, until_ended
from tests.helpers.running import working
from tests.helpers.settings import with_changes

MIB = 1 << 20


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"lease_ttl": 3, "heartbeat_interval": 0.5, "heartbeat_timeout": 1, "bundle_reuse": False}


async def test_large_files_do_not_pass_through_the_worker(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    contents = {f"{n}": os.urandom(size) for n, size in enumerate([30 * MIB, 2 * MIB, 24 * MIB, 700, 0, 11 * MIB])}
    ids = [await catalogue.add(data, name) for name, data in contents.items()]
    async with gate(settings.s3_endpoint, 10**12) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            final = await until_ended(services, await create(services, *ids))
    assert final.status is Status.COMPLETED
    packed = await bundle_of(services, final)
    packed.pop("manifest.json")
    assert packed == contents
    assert list(packed) == list(contents), "the directory keeps the order of the request"
    assert store.passed < 20 * MIB, "two MiB, and what completes the runs before three files"
    assert final.progress.bytes_done == final.progress.bytes_total == sum(map(len, contents.values()))
    found = await services.resolver.resolve([FileRequest(file_id=file_id) for file_id in ids])
    sources = [one for one in found if isinstance(one, Source)]
    assert final.result is not None
    assert plan_stored_bundle(final.created_at, sources, [], settings).size == final.result.size
    async with services.database.reading() as connection:
        assert await load_parts(connection, final.id) == []


async def test_an_object_that_is_not_the_one_of_the_catalogue_is_read_and_found_out(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(os.urandom(30 * MIB), "a")
    await catalogue.overwrite(file_id, os.urandom(30 * MIB))
    async with working(settings):
        final = await until_ended(services, await create(services, file_id))
    assert final.status is not Status.COMPLETED
    assert final.failure is not None
    assert "CRC-32" in final.failure.message
