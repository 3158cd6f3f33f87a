"""The executor on a real store: whatever the sizes, what is known and the budget, the bundle is right."""

from __future__ import annotations

import asyncio
import hashlib
import os
import zlib
from datetime import UTC, datetime
from uuid import UUID

import pytest

from jobs.blobs import Blobs
from jobs.domain.manifests import Manifest
from jobs.domain.plans import BundlePlan, Entry, plan_bundle
from jobs.packing.budget import Budget
from jobs.packing.packer import Packer, Watch
from jobs.packing.reader import Reader
from jobs.resolving import Source
from jobs.services import Services
from tests.support import opened

MIB = 1 << 20
PART = 5 * MIB
NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def put(blobs: Blobs, data: bytes, number: int, known: str) -> Source:
    info = await blobs.objects.put(f"files/{number}", data, "application/octet-stream")
    return Source(
        file_id=10_000 + number,
        name=f"{number}.bin",
        key=info.key,
        size=len(data),
        etag=info.etag,
        crc32=zlib.crc32(data) if "c" in known else None,
        sha256=hashlib.sha256(data).hexdigest() if "s" in known else None,
        content_type="application/octet-stream",
    )


def plan(sources: list[Source]) -> BundlePlan:
    entries = [Entry(s.name, s.size, s.crc32, s.sha256, NOW) for s in sources]
    manifest = Manifest(job_id=str(UUID(int=1)), created_at=NOW, file_ids=tuple(s.file_id for s in sources))
    return plan_bundle(entries, manifest, PART)


CASES = {
    "nothing": [],
    "one empty file": [(0, "")],
    "small files": [(size, "cs") for size in range(0, 3000, 100)],
    "checksums unknown, across parts": [(3 * PART, ""), (2 * PART + 7, ""), (1, "")],
    "sha256 known, crc32 not, across parts": [(2 * PART + 1, "s"), (PART, "s")],
    "all kinds": [(PART - 40, "c"), (2 * PART, "cs"), (0, ""), (PART + 3, ""), (2 * PART, "s"), (PART, "cs"), (9, "")],
    "a file that ends with its part": [(PART - 40, ""), (PART - 40, "cs")],
    "the tail cut in two": [(PART - 500, "")],
}


@pytest.mark.parametrize("parts_in_budget", [1, 4])
@pytest.mark.parametrize("case", CASES)
async def test_a_bundle_is_what_went_in(services: Services, case: str, parts_in_budget: int) -> None:
    blobs = services.blobs
    contents = [os.urandom(size) for size, _ in CASES[case]]
    sources = [
        await put(blobs, data, number, known)
        for number, (data, (_, known)) in enumerate(zip(contents, CASES[case], strict=True))
    ]
    planned = plan(sources)
    read, done = [0] * len(sources), [0] * len(sources)

    def on_read(entry: int, amount: int) -> None:
        read[entry] += amount

    def on_done(entry: int, crc32: int) -> None:
        assert crc32 == zlib.crc32(contents[entry])
        done[entry] += 1

    packer = Packer(Reader(blobs.objects, services.settings), blobs.uploads, Budget(parts_in_budget * PART))
    upload_id = await blobs.uploads.create("bundles/x.zip", "application/zip")
    watch = Watch(read=on_read, done=on_done, failed=lambda *_: None)
    async with asyncio.timeout(60):
        packed = await packer.pack(planned, sources, "bundles/x.zip", upload_id, watch)
    info = await blobs.objects.head("bundles/x.zip")
    assert (info.size, info.etag) == (planned.size, packed.etag)
    chunks = blobs.objects.read("bundles/x.zip", info.etag, 0, info.size)
    bundle = b"".join([bytes(chunk) async for chunk in chunks])
    assert packed.crc32 == zlib.crc32(bundle)
    assert list(opened(bundle).values())[:-1] == contents
    assert read == [len(data) for data in contents]
    assert done == [1] * len(contents)
