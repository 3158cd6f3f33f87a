"""Bundles of a single part: written by one PUT, completely or not at all."""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.stored_plan import StoredPlan, plan_stored
from jobs.bundles.format.zip_records import Entry
from jobs.bundles.packing import part_uploader
from jobs.bundles.packing.callbacks import PackedBundle
from jobs.bundles.packing.packer import Packer
from jobs.bundles.packing.reader import Reader
from jobs.bundles.resolver import Source
from jobs.errors import ChecksumMismatch, SourceChanged, StorageRefused, StorageUnreachable
from jobs.memory_budget import MemoryBudget
from jobs.services import Services
from jobs.storage import Storage
from tests.helpers.bundles import opened, stored
from tests.helpers.listening import Handler
from tests.jobs.bundles.packing.packing import RecordedCallbacks, put
from tests.jobs.storage.faults import hang_up, relaying, responding, serving

MIB = 1 << 20
PART = 8 * MIB
KEY = "bundles/x.zip"
SIZES = (5 * MIB, 0, 100)


def plan(sources: list[Source]) -> StoredPlan:
    entries = [Entry(s.name, s.size, s.crc32, s.sha256, s.modified, s.trusted) for s in sources]
    manifest = Manifest(created_at=sources[0].modified, file_ids=tuple(s.file_id for s in sources))
    planned = plan_stored(entries, manifest, PART, copies=True)
    assert planned.single
    return planned


async def put_all(storage: Storage, known: str = "cs") -> tuple[list[bytes], list[Source]]:
    contents = [os.urandom(size) for size in SIZES]
    return contents, [await put(storage, data, number, known) for number, data in enumerate(contents)]


async def pack(services: Services, storage: Storage, contents: list[bytes], sources: list[Source]) -> PackedBundle:
    """Reads from the real store, writes to `storage`, and leaves nothing reserved."""
    budget = MemoryBudget(2 * PART)
    packer = Packer(Reader(services.storage.objects, services.settings), storage, budget)
    try:
        async with asyncio.timeout(20):
            return await packer.pack(plan(sources), sources, KEY, (), RecordedCallbacks(contents).callbacks)
    finally:
        await asyncio.wait_for(budget.acquire(budget.size), 1)


async def keys(storage: Storage) -> list[str]:
    return [info.key async for info in storage.objects.list("bundles/")]


@asynccontextmanager
async def store(services: Services, handler: Handler) -> AsyncIterator[Storage]:
    """A store whose connections this handler serves."""
    async with serving(handler) as endpoint:
        async with Storage.open(services.settings.model_copy(update={"s3_endpoint": endpoint})) as storage:
            yield storage


@pytest.mark.parametrize("known", ["cs", "s", ""])
async def test_one_put_writes_the_whole_bundle(services: Services, known: str) -> None:
    contents, sources = await put_all(services.storage, known)
    packed = await pack(services, services.storage, contents, sources)
    bundle = await stored(services.storage, KEY)
    assert (packed.size, packed.crc32) == (len(bundle), zlib.crc32(bundle))
    assert (await services.storage.objects.head(KEY)).etag == packed.etag
    assert list(opened(bundle).values())[:-1] == contents


@pytest.mark.parametrize("change", ["shorter than it was said to be", "another file"])
async def test_a_source_that_is_not_the_planned_one_leaves_no_bundle(services: Services, change: str) -> None:
    contents, sources = await put_all(services.storage)
    if change == "another file":
        await put(services.storage, os.urandom(SIZES[0]), 0, "")
    else:
        sources[0] = replace(sources[0], size=SIZES[0] + 1)
    with pytest.raises(SourceChanged):
        await pack(services, services.storage, contents, sources)
    assert await keys(services.storage) == []


async def test_a_source_with_another_checksum_leaves_no_bundle(services: Services) -> None:
    contents, sources = await put_all(services.storage)
    sources[-1] = replace(sources[-1], sha256="0" * 64)
    with pytest.raises(ChecksumMismatch):
        await pack(services, services.storage, contents, sources)
    assert await keys(services.storage) == []


async def test_a_connection_that_breaks_is_replaced(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part_uploader, "FIRST_PAUSE", 0.01)
    contents, sources = await put_all(services.storage)
    relay, connections = relaying(services.settings.s3_endpoint), iter([hang_up])

    async def unlucky(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(connections, relay)(reader, writer)

    async with store(services, unlucky) as storage:
        await pack(services, storage, contents, sources)
    assert next(connections, None) is None
    assert list(opened(await stored(services.storage, KEY)).values())[:-1] == contents


@pytest.mark.parametrize(
    ("handler", "error"), [(responding("403 Forbidden"), StorageRefused), (hang_up, StorageUnreachable)]
)
async def test_a_store_that_keeps_failing_ends_the_attempt(
    services: Services, monkeypatch: pytest.MonkeyPatch, handler: Handler, error: type[Exception]
) -> None:
    monkeypatch.setattr(part_uploader, "FIRST_PAUSE", 0.01)
    contents, sources = await put_all(services.storage)
    async with store(services, handler) as storage:
        with pytest.raises(error):
            await pack(services, storage, contents, sources)
    assert await keys(services.storage) == []


async def test_a_cancelled_put_ends_at_once_and_leaves_no_bundle(services: Services) -> None:
    contents, sources = await put_all(services.storage)
    sending, released = asyncio.Event(), asyncio.Event()

    async def never_read(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        sending.set()
        await released.wait()

    async with store(services, never_read) as storage:
        packing = asyncio.create_task(pack(services, storage, contents, sources))
        await sending.wait()
        packing.cancel()
        async with asyncio.timeout(5):
            with pytest.raises(asyncio.CancelledError):
                await packing
        released.set()
    assert await keys(services.storage) == []
