"""Bundles at the limits of ZIP64, opened by other programs; one of each kind is made by the real packer."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import cache
from io import SEEK_CUR
from pathlib import Path

import pytest

from jobs.bundles.format.bundle_parts import SourceRange
from jobs.bundles.format.deflated_plan import BundleWriter, plan_deflated, stored_blocks
from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.stored_plan import StoredPlan, plan_stored
from jobs.bundles.format.zip_records import Entry, Method
from jobs.bundles.packing.compression import deflate
from jobs.bundles.resolver import Source
from jobs.concurrency import gather
from jobs.services import Services
from jobs.storage.crc32 import combine, crc32
from tests.jobs.bundles.packing import readers
from tests.jobs.bundles.packing.shelves import MIB, NOW, File, Shelf, judge, pack, plan_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

GIB = 1 << 30
LIMIT = 4 * GIB - 1
ZEROS = bytes(MIB)
PAGE = bytes(4096)
DESCRIPTOR_READERS = ["unzip", "7-Zip", "Java"]


@cache
def crc_of_zeros(size: int) -> int:
    """The CRC-32 of so many zero bytes, at most 1 MiB."""
    return crc32(ZEROS[:size])


class Zeros:
    """`size` zero bytes, which can be read repeatedly."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.crc32 = combine((crc_of_zeros(len(chunk)), len(chunk)) for chunk in self)

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, self.size, MIB):
            yield ZEROS[: self.size - start]


def write_with_holes(plan: StoredPlan, path: Path, crcs: Sequence[int]) -> None:
    """Writes a bundle of zeros as a sparse file."""
    trailer = plan.render_trailer(crcs)
    with path.open("wb") as file:
        file.truncate(plan.size)
        for part in plan.parts:
            for piece in part.pieces:
                if isinstance(piece, SourceRange):
                    file.seek(piece.stop - piece.start, SEEK_CUR)
                else:
                    file.write(plan.render(piece, crcs, trailer))


@pytest.mark.parametrize(("size", "refuses"), [(4 * GIB - 1, {"unzip"}), (4 * GIB, set())])
async def test_every_reader_accepts_a_file_of_nearly_4_gib(tmp_path: Path, size: int, refuses: set[str]) -> None:
    """Except UnZip 6.00: it always takes a size of exactly 0xFFFFFFFF for a reference to the ZIP64 field.

    So it does with archives that `zipfile` wrote (see tests/jobs/bundles/format/test_stored_plan.py).
    """
    contents = [Zeros(size), Zeros(5)]
    crcs = [zeros.crc32 for zeros in contents]
    entries = [Entry(f"{it.size} zeros", it.size, it.crc32, None, NOW) for it in contents]
    plan = plan_stored(entries, Manifest(NOW, (10_000, 10_001)), 8 * MIB)
    write_with_holes(plan, tmp_path / "a.zip", crcs)
    await judge(tmp_path / "a.zip", plan, contents, crcs, but_for=refuses)


def write_deflated(path: Path, size: int, *, shrinks: bool) -> int:
    """Writes a deflated bundle of two files: `size` zeros, and 3 MiB. Returns the packed size of the first.

    The first file is written as stored blocks if it does not shrink. The bundle is a sparse file.
    """
    entries = [Entry(f"{size} zeros", size, None, None, NOW), Entry("after", 3 * MIB, None, None, NOW)]
    writer = BundleWriter(plan := plan_deflated(entries, Manifest(NOW, (10_000, 10_001)), 8 * MIB))
    pack = cache(lambda length, last, stored: (stored_blocks if stored else deflate)(ZEROS[:length], last=last))
    with path.open("wb") as file:

        def write_part() -> None:
            part, _ = writer.next_part(crc32)
            for start in range(0, len(part), len(PAGE)):
                page = part[start : start + len(PAGE)]
                if page == PAGE:
                    file.seek(len(PAGE), SEEK_CUR)
                else:
                    file.write(page)

        crc = 0
        for chunk in plan.chunks():
            length = chunk.stop - chunk.start
            crc = combine([(crc, chunk.start), (crc_of_zeros(length), length)])
            data = pack(length, chunk.last, chunk.entry == 0 and not shrinks)
            writer.add(chunk, data, Method.DEFLATED, crc)
            crc = 0 if chunk.last else crc
            if writer.full_part:
                write_part()
        writer.finish()
        while writer.pending:
            write_part()
    return writer.packed[0].size


@pytest.mark.parametrize("size", [4 * GIB - MIB, 4_294_900_000, 4 * GIB - 1, 4 * GIB])
async def test_readers_accept_a_deflated_file_of_nearly_4_gib(tmp_path: Path, size: int) -> None:
    """Java's `ZipInputStream` reads its data descriptor with the width that it derives from the sizes."""
    assert write_deflated(tmp_path / "a.zip", size, shrinks=True) < 5 * MIB
    await gather(asyncio.to_thread(readers.verify, reader, tmp_path / "a.zip") for reader in DESCRIPTOR_READERS)


@pytest.mark.parametrize(("size", "packed"), [(4_294_619_164, LIMIT - 1), (4_294_619_166, LIMIT + 1)])
async def test_readers_accept_a_file_that_deflating_makes_larger_than_4_gib(
    tmp_path: Path, size: int, packed: int
) -> None:
    """Except UnZip 6.00 at exactly 4 GiB - 1, which it takes for a reference to the ZIP64 field, as above."""
    assert write_deflated(tmp_path / "a.zip", size, shrinks=False) == packed
    await gather(asyncio.to_thread(readers.verify, reader, tmp_path / "a.zip") for reader in DESCRIPTOR_READERS)


async def test_the_packer_makes_a_bundle_of_more_than_4_gib(services: Services, tmp_path: Path) -> None:
    """It temporarily needs 13 GB of disk space: the file, the bundle, and the fetched bundle."""
    contents = [Zeros(4 * GIB + 1), Zeros(5), Zeros(5 * MIB)]
    sources = [await _put(services, number, zeros) for number, zeros in enumerate(contents)]
    plan = plan_of(sources, 8 * MIB, copies=True)
    assert plan.copied == {0}
    await pack(services, plan, sources, tmp_path / "a.zip")
    await judge(tmp_path / "a.zip", plan, contents, [zeros.crc32 for zeros in contents])


async def _put(services: Services, number: int, zeros: Zeros) -> Source:
    async def chunks() -> AsyncIterator[bytes]:
        for chunk in zeros:
            yield chunk

    info = await services.storage.objects.put(f"files/{number}", chunks(), "application/octet-stream")
    return Source(
        file_id=10_000 + number,
        name=f"{number}.bin",
        key=info.key,
        size=info.size,
        etag=info.etag,
        crc32=zeros.crc32,
        sha256=None,
        content_type="application/octet-stream",
        modified=NOW,
        trusted=True,
    )


MANIFEST = 1
"""The entry that every bundle has besides its files."""


@pytest.mark.parametrize("count", [65_534, 65_535, 65_536])
async def test_every_reader_accepts_bundles_around_the_zip64_count_of_entries(tmp_path: Path, count: int) -> None:
    entries = [Entry(f"{number}", 0, 0, None, NOW) for number in range(count - MANIFEST)]
    plan = plan_stored(entries, Manifest(NOW, tuple(range(count - MANIFEST))), 8 * MIB)
    crcs = [0] * len(entries)
    write_with_holes(plan, tmp_path / "a.zip", crcs)
    await judge(tmp_path / "a.zip", plan, [[]] * len(entries), crcs)


async def test_the_packer_makes_a_bundle_of_65_536_entries(services: Services, tmp_path: Path) -> None:
    """Every sixteenth is read; the others are empty."""
    files = [File(f"{number}", 1 + number % 61 if number % 16 == 0 else 0) for number in range(65_536 - MANIFEST)]
    sources = await Shelf(services.storage).take(files)
    plan = plan_of(sources, 8 * MIB, copies=True)
    await pack(services, plan, sources, tmp_path / "a.zip")
    crcs = [zlib.crc32(file.data) for file in files]
    await judge(tmp_path / "a.zip", plan, [[file.data] for file in files], crcs)
