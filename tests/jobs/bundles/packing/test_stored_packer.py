"""Stored bundles on a real store: correct for any sizes, known checksums and memory budget."""

from __future__ import annotations

import asyncio
import os
import zlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from jobs.bundles.format import stored_plan
from jobs.bundles.format.bundle_parts import SourceRange
from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.stored_plan import StoredPlan, plan_stored
from jobs.bundles.format.zip_records import Entry
from jobs.bundles.packing.packer import Packer
from jobs.bundles.packing.reader import Reader
from jobs.bundles.resolver import Source
from jobs.memory_budget import MemoryBudget
from jobs.services import Services
from jobs.storage import Storage, UploadGone
from tests.helpers.bundles import opened
from tests.jobs.bundles.packing.packing import RecordedCallbacks, begin, content, put

MIB = 1 << 20
PART = 5 * MIB
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def plan(sources: list[Source]) -> StoredPlan:
    entries = [Entry(s.name, s.size, s.crc32, s.sha256, NOW, s.trusted) for s in sources]
    manifest = Manifest(created_at=NOW, file_ids=tuple(s.file_id for s in sources))
    return plan_stored(entries, manifest, PART, copies=True)


CASES = {
    "nothing": [],
    "one empty file": [(0, "")],
    "small files": [(size, "cs") for size in range(0, 3000, 100)],
    "checksums unknown, across parts": [(3 * PART, ""), (2 * PART + 7, ""), (1, "")],
    "sha256 known, crc32 not, across parts": [(2 * PART + 1, "s"), (PART, "s")],
    "all kinds": [(PART - 49, "c"), (2 * PART, "cs"), (0, ""), (PART + 3, ""), (2 * PART, "s"), (PART, "cs"), (9, "")],
    "a file that ends with its part": [(PART - 49, ""), (PART - 49, "cs")],
    "the trailer cut in two": [(PART - 500, "")],
    "copied, with small files before": [(3 * PART, "c!"), (2 * PART + 1, "cs!"), (4 * MIB, ""), (2 * MIB, "cs!")],
    "copied from behind its front": [(4 * PART, "c!"), (3 * PART - 1, "cs!"), (2 * PART - 69, "c!"), (0, "")],
    "copied in several parts": [(7 * PART + 11, "c!"), (PART + 1, ""), (9, "s")],
}


async def put_all(storage: Storage, case: str) -> tuple[list[bytes], list[Source]]:
    contents = [os.urandom(size) for size, _ in CASES[case]]
    both = zip(contents, CASES[case], strict=True)
    return contents, [await put(storage, data, number, known) for number, (data, (_, known)) in enumerate(both)]


def packer_of(services: Services, parts_in_budget: int) -> Packer:
    return Packer(
        Reader(services.storage.objects, services.settings), services.storage, MemoryBudget(parts_in_budget * PART)
    )


@pytest.mark.parametrize("parts_in_budget", [2, 4])
@pytest.mark.parametrize("case", CASES)
async def test_a_bundle_contains_its_sources(
    services: Services, monkeypatch: pytest.MonkeyPatch, case: str, parts_in_budget: int
) -> None:
    monkeypatch.setattr(stored_plan, "MAX_COPY_SIZE", 2 * PART)
    storage = services.storage
    contents, sources = await put_all(storage, case)
    planned, witness = plan(sources), RecordedCallbacks(contents)
    assert bool(planned.copied) == case.startswith("copied")
    async with asyncio.timeout(60):
        packed = await packer_of(services, parts_in_budget).pack(
            planned, sources, await begin(storage), (), witness.callbacks
        )
    info = await storage.objects.head("bundles/x.zip")
    assert (info.size, info.etag) == (planned.size, packed.etag)
    bundle = await content(storage)
    assert packed.crc32 == zlib.crc32(bundle)
    assert list(opened(bundle).values())[:-1] == contents
    assert witness.read == [len(data) for data in contents]
    assert witness.done == [1] * len(contents)
    assert {part.number for part in witness.parts} == {part.number for part in planned.parts}


async def test_a_part_is_uploaded_while_it_is_read(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source stops after its first bytes until the upload of the part has started."""
    storage, data, sending = services.storage, os.urandom(2 * MIB), asyncio.Event()
    source = await put(storage, data, 1, "cs")
    read, upload_part = storage.objects.read, storage.multipart.upload_part

    async def slow_read(*args: Any) -> AsyncIterator[bytes]:
        async for chunk in read(*args):
            yield chunk
            await sending.wait()

    async def watched_upload(*args: Any) -> str:
        sending.set()
        return await upload_part(*args)

    monkeypatch.setattr(storage.objects, "read", slow_read)
    monkeypatch.setattr(storage.multipart, "upload_part", watched_upload)
    async with asyncio.timeout(10):
        await packer_of(services, 2).pack(
            plan([source]), [source], await begin(storage), (), RecordedCallbacks([data]).callbacks
        )
    monkeypatch.undo()
    assert next(iter(opened(await content(storage)).values())) == data


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(3))
async def test_finished_parts_are_reused(services: Services, case: str, seed: int) -> None:
    storage = services.storage
    contents, sources = await put_all(storage, case)
    planned, first, second = plan(sources), RecordedCallbacks(contents), RecordedCallbacks(contents)
    packer = packer_of(services, 2)
    await packer.pack(planned, sources, await begin(storage, "bundles/first.zip"), (), first.callbacks)
    upload = await begin(storage)
    there = Random(seed).sample(first.parts, k=len(first.parts) * seed // 2)
    whole = await content(storage, "bundles/first.zip")
    for at, done in enumerate(there):
        start = sum(part.size for part in planned.parts[: done.number - 1])
        part = bytearray(whole[start : start + planned.parts[done.number - 1].size])
        etag = await storage.multipart.upload_part(upload.key, upload.id, done.number, part)
        there[at] = replace(done, etag=etag)
    packed = await packer.pack(planned, sources, upload, there, second.callbacks)
    assert await content(storage) == whole
    assert packed.crc32 == zlib.crc32(whole)
    assert {part.number for part in second.parts} == {p.number for p in planned.parts} - {p.number for p in there}
    assert [read + kept for read, kept in zip(second.read, second.kept, strict=True)] == [len(it) for it in contents]
    assert sum(second.kept) == sum(
        piece.stop - piece.start
        for done in there
        for piece in planned.parts[done.number - 1].pieces
        if isinstance(piece, SourceRange)
    )
    assert second.done == [1] * len(contents)


@pytest.mark.parametrize("known", [0, 1, None])
@pytest.mark.parametrize("case", ["all kinds", "copied from behind its front"])
async def test_an_upload_that_was_completed_before_is_accepted(
    services: Services, case: str, known: int | None
) -> None:
    """Even if not all of its parts were recorded."""
    storage = services.storage
    contents, sources = await put_all(storage, case)
    planned, first, second = plan(sources), RecordedCallbacks(contents), RecordedCallbacks(contents)
    packer, upload = packer_of(services, 2), await begin(storage)
    packed = await packer.pack(planned, sources, upload, (), first.callbacks)
    again = await packer.pack(planned, sources, upload, first.parts[:known], second.callbacks)
    assert (again.size, again.etag) == (packed.size, packed.etag)
    if known is None:
        assert again.crc32 == packed.crc32
        assert sum(second.read) == 0
    assert again.crc32 in {packed.crc32, None}
    assert second.ended == set(range(len(contents)))


async def test_another_object_under_the_key_is_not_accepted(services: Services) -> None:
    storage = services.storage
    contents, sources = await put_all(storage, "all kinds")
    planned, witness = plan(sources), RecordedCallbacks(contents)
    packer, upload = packer_of(services, 2), await begin(storage)
    packed = await packer.pack(planned, sources, upload, (), witness.callbacks)
    await storage.objects.put(upload.key, os.urandom(packed.size), "application/zip")
    with pytest.raises(UploadGone):
        await packer.pack(planned, sources, upload, witness.parts, RecordedCallbacks(contents).callbacks)
