"""Deflated bundles on a real store: correct for any sizes, known checksums and memory budget."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tracemalloc
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.bundles.format.deflated_plan import CHUNK_SIZE, MAX_BUFFERED_SIZE, DeflatedPlan, max_deflated_size
from jobs.bundles.packing.compression import deflate
from jobs.bundles.packing.packer import Packer
from jobs.bundles.packing.reader import Reader
from jobs.bundles.planning import plan_deflated_bundle
from jobs.bundles.resolver import Source
from jobs.errors import ChecksumMismatch
from jobs.memory_budget import MemoryBudget
from jobs.services import Services
from jobs.storage import UploadGone
from tests.helpers.bundles import opened
from tests.jobs.bundles.packing.packing import RecordedCallbacks, begin, content, put

MIB = 1 << 20
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LEAST = 16 * MIB
"""The smallest memory budget that a worker may have."""


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"worker_memory_budget": LEAST}


def text(size: int) -> bytes:
    """Bytes that deflate to half of their size."""
    return os.urandom(-(-size // 2)).hex().encode()[:size]


def noise(size: int) -> bytes:
    return os.urandom(size)


CASES: dict[str, list[tuple[bytes, str]]] = {
    "nothing": [],
    "one empty file": [(b"", "")],
    "small files": [(text(size), "cs") for size in range(0, 3000, 100)],
    "around a chunk": [(text(CHUNK_SIZE + step), "") for step in (-1, 0, 1)],
    "around what is kept whole": [(text(MAX_BUFFERED_SIZE + step), "s") for step in (-1, 0, 1)],
    "several parts": [(text(20 * MIB), "cs"), (text(9), ""), (text(9 * MIB + 5), "")],
    "what gains nothing": [
        (noise(14 * MIB), "cs"),
        (noise(9), ""),
        (noise(14 * MIB + 7), ""),
        (noise(MAX_BUFFERED_SIZE), "s"),
    ],
    "what gains nothing but at its start": [(text(CHUNK_SIZE) + noise(9 * MIB), "c"), (b"", "cs")],
    "what gains nothing at its start": [
        (noise(CHUNK_SIZE) + text(9 * MIB), "c"),
        (noise(CHUNK_SIZE) + text(9 * MIB), ""),
    ],
}


async def put_all(services: Services, case: str) -> tuple[list[bytes], list[Source]]:
    contents = [data for data, _ in CASES[case]]
    both = enumerate(CASES[case])
    return contents, [await put(services.storage, data, number, known) for number, (data, known) in both]


def plan(services: Services, sources: list[Source]) -> DeflatedPlan:
    return plan_deflated_bundle(NOW, sources, [], services.settings)


def packer_of(services: Services, budget: int = LEAST) -> Packer:
    return Packer(Reader(services.storage.objects, services.settings), services.storage, MemoryBudget(budget))


@pytest.mark.parametrize("budget", [LEAST, 4 * LEAST])
@pytest.mark.parametrize("case", CASES)
async def test_a_bundle_contains_its_sources(services: Services, tmp_path: Path, case: str, budget: int) -> None:
    contents, sources = await put_all(services, case)
    planned, witness = plan(services, sources), RecordedCallbacks(contents)
    async with asyncio.timeout(60):
        packed = await packer_of(services, budget).pack(
            planned, sources, await begin(services.storage), (), witness.callbacks
        )
    bundle = await content(services.storage)
    assert (packed.size, packed.crc32) == (len(bundle), zlib.crc32(bundle))
    assert packed.size <= planned.max_size
    assert list(opened(bundle).values())[:-1] == contents
    assert witness.read == [len(data) for data in contents]
    assert witness.done == [1] * len(contents)
    (tmp_path / "a.zip").write_bytes(bundle)
    assert await asyncio.to_thread(unzip_errors, tmp_path / "a.zip") == ""


def unzip_errors(path: Path) -> str:
    """The errors that `unzip` reports, if it is installed."""
    unzip = shutil.which("unzip")
    return subprocess.getoutput(f"{unzip} -tqq {path}") if unzip else ""


@pytest.mark.parametrize("case", ["several parts", "what gains nothing", "what gains nothing at its start"])
async def test_the_first_parts_are_reused(services: Services, case: str) -> None:
    storage = services.storage
    contents, sources = await put_all(services, case)
    planned, first = plan(services, sources), RecordedCallbacks(contents)
    packer = packer_of(services)
    await packer.pack(planned, sources, await begin(storage, "bundles/first.zip"), (), first.callbacks)
    whole = await content(storage, "bundles/first.zip")
    parts = sorted(first.parts, key=lambda part: part.number)
    assert len(parts) >= 3
    for kept in range(len(parts) + 1):
        upload, second, start = await begin(storage, f"bundles/{kept}.zip"), RecordedCallbacks(contents), 0
        there = []
        for done in parts[:kept]:
            assert done.checkpoint is not None
            part = bytearray(whole[start : start + done.checkpoint.size])
            start += len(part)
            etag = await storage.multipart.upload_part(upload.key, upload.id, done.number, part)
            there.append(replace(done, etag=etag))
        # Of what comes behind a gap nothing can be kept.
        packed = await packer.pack(planned, sources, upload, [*there, *parts[kept + 1 :]], second.callbacks)
        assert await content(storage, upload.key) == whole
        assert packed.crc32 == zlib.crc32(whole)
        assert {part.number for part in second.parts} == {part.number for part in parts[kept:]}
        assert [read + had for read, had in zip(second.read, second.kept, strict=True)] == list(map(len, contents))
        assert sum(second.kept) >= start / 1.01 - 1000, "no file became larger by more than that"
        assert second.done == [1] * len(contents)


@pytest.mark.parametrize("known", [0, 2, None])
async def test_an_upload_that_was_completed_before_is_accepted(services: Services, known: int | None) -> None:
    contents, sources = await put_all(services, "several parts")
    planned, first, second = plan(services, sources), RecordedCallbacks(contents), RecordedCallbacks(contents)
    packer, upload = packer_of(services), await begin(services.storage)
    packed = await packer.pack(planned, sources, upload, (), first.callbacks)
    again = await packer.pack(planned, sources, upload, first.parts[:known], second.callbacks)
    assert (again.size, again.etag) == (packed.size, packed.etag)
    assert again.crc32 == (packed.crc32 if known is None else None)
    assert second.ended == set(range(len(contents)))


async def test_an_upload_that_neither_exists_nor_was_completed_is_gone(services: Services) -> None:
    contents, sources = await put_all(services, "small files")
    upload = await begin(services.storage)
    await services.storage.multipart.abort(upload.key, upload.id)
    with pytest.raises(UploadGone):
        await packer_of(services).pack(
            plan(services, sources), sources, upload, (), RecordedCallbacks(contents).callbacks
        )
    await services.storage.objects.put(upload.key, b"another", "application/zip")
    with pytest.raises(UploadGone):
        await packer_of(services).pack(
            plan(services, sources), sources, upload, (), RecordedCallbacks(contents).callbacks
        )


@pytest.mark.parametrize("size", [100, MAX_BUFFERED_SIZE + 1, 9 * MIB])
@pytest.mark.parametrize("wrong", ["crc32", "sha256"])
@pytest.mark.parametrize("kind", [text, noise])
async def test_a_wrong_checksum_of_the_catalogue_is_found(services: Services, wrong: str, size: int, kind: Any) -> None:
    contents = [kind(size)]
    right = await put(services.storage, contents[0], 0, "cs")
    liar = replace(right, crc32=1) if wrong == "crc32" else replace(right, sha256="0" * 64)
    upload = await begin(services.storage)
    with pytest.raises(ChecksumMismatch, match="CRC-32" if wrong == "crc32" else "SHA-256"):
        await packer_of(services).pack(
            plan(services, [liar]), [liar], upload, (), RecordedCallbacks(contents).callbacks
        )


async def test_bundles_that_share_the_smallest_budget_all_finish(services: Services) -> None:
    contents, sources = await put_all(services, "several parts")
    budget = MemoryBudget(LEAST)
    packer = Packer(Reader(services.storage.objects, services.settings), services.storage, budget)
    uploads = [await begin(services.storage, f"bundles/{n}.zip") for n in range(4)]

    async def make(upload: MultipartUpload) -> None:
        await packer.pack(plan(services, sources), sources, upload, (), RecordedCallbacks(contents).callbacks)

    async with asyncio.timeout(90):
        await asyncio.gather(*map(make, uploads))
    for upload in uploads:
        assert list(opened(await content(services.storage, upload.key)).values())[:-1] == contents
    async with asyncio.timeout(1):
        await budget.acquire(LEAST)  # all of it has come back


async def test_memory_is_bounded_by_the_budget_and_not_by_the_bundle(services: Services) -> None:
    sources = [await put(services.storage, text(30 * MIB), number, "cs") for number in range(2)]
    upload, callbacks = (
        await begin(services.storage),
        replace(RecordedCallbacks([b""] * 2).callbacks, entry_packed=lambda *_: None),
    )
    tracemalloc.start()
    try:
        await packer_of(services).pack(plan(services, sources), sources, upload, (), callbacks)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < LEAST + 4 * MIB


async def test_a_cancelled_run_releases_all_memory(services: Services) -> None:
    contents, sources = await put_all(services, "several parts")
    budget, moving = MemoryBudget(4 * LEAST), asyncio.Event()
    packer = Packer(Reader(services.storage.objects, services.settings), services.storage, budget)
    callbacks = replace(RecordedCallbacks(contents).callbacks, part_uploaded=lambda _: moving.set())
    run = asyncio.create_task(
        packer.pack(plan(services, sources), sources, await begin(services.storage), (), callbacks)
    )
    await moving.wait()
    run.cancel()
    await asyncio.wait([run])
    assert run.cancelled()
    async with asyncio.timeout(1):
        await budget.acquire(4 * LEAST)


@given(st.binary(max_size=5_000), st.booleans(), st.integers(1, 5_000))
def test_deflated_chunks_are_one_stream_and_within_their_bound(data: bytes, noisy: bool, size: int) -> None:
    data += noise(5_000) if noisy else b""
    pieces = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
    deflated = [deflate(piece, last=number == len(pieces)) for number, piece in enumerate(pieces, 1)]
    reader = zlib.decompressobj(-15)
    assert reader.decompress(b"".join(deflated)) == data
    assert reader.eof
    assert all(len(one) <= max_deflated_size(len(piece)) for one, piece in zip(deflated, pieces, strict=True))
