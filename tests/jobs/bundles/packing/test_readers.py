"""Bundles of the real packer, opened by other programs: each accepts them and reads every file correctly."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.bundles.format.zip_records import Entry, local_header_size
from jobs.services import Services
from tests.helpers.scale import SCALE
from tests.jobs.bundles.packing import readers
from tests.jobs.bundles.packing.readers import READERS, Refused
from tests.jobs.bundles.packing.shelves import MIB, NOW, File, Shelf, judge, pack, plan_of

LIMITS = [0, 1, *(limit * MIB + step for limit in (5, 16) for step in (-1, 0, 1))]


def files_of(*rows: tuple[int, str]) -> list[File]:
    return [File(f"{number}/ä.bin", size, known, number) for number, (size, known) in enumerate(rows)]


async def check(services: Services, shelf: Shelf, files: Sequence[File], part_size: int, folder: Path) -> None:
    """The bundle is the same whether or not the store copies, and all readers accept it."""
    sources = await shelf.take(files)
    copied, streamed = (plan_of(sources, part_size, copies=copies) for copies in (True, False))
    assert not streamed.copied
    await pack(services, copied, sources, folder / "copied.zip")
    await pack(services, streamed, sources, folder / "streamed.zip")
    assert (folder / "copied.zip").read_bytes() == (folder / "streamed.zip").read_bytes()
    crcs = [zlib.crc32(file.data) for file in files]
    await judge(folder / "copied.zip", copied, [[file.data] for file in files], crcs)


@pytest.mark.servers
@pytest.mark.parametrize("reader", READERS)
def test_readers_are_installed_and_reject_damaged_archives(tmp_path: Path, reader: str) -> None:
    """Otherwise their acceptance would mean nothing. One bit of a file is flipped."""
    readers.require(reader)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"good")
    bundle = path.read_bytes()
    READERS[reader](path)
    path.write_bytes(bundle.replace(b"good", b"goof"))
    with pytest.raises(Refused):
        READERS[reader](path)


BESIDE_A_LIMIT = [5 * MIB - local_header_size(Entry("0/ä.bin", 0, None, None, NOW)) + step for step in (-1, 0, 1)]
"""A file of this size exactly fills a part with its header."""
sizes = st.one_of(
    st.sampled_from(LIMITS), st.sampled_from(BESIDE_A_LIMIT), st.integers(0, 2000), st.integers(0, 17 * MIB)
)
known = st.sampled_from(["c!", "cs!", "c!", "", "c", "s", "cs"])
part_sizes = st.sampled_from([5 * MIB, 8 * MIB, 16 * MIB])
rows = st.lists(st.tuples(sizes, known), max_size=6)

AT_ONCE = hypothesis_settings(
    # An example takes a second and makes a bundle of its own; it is small as it is, so that no time goes into shrinking.
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.parametrize("known", ["c!", "c", ""])
async def test_every_reader_accepts_files_around_every_limit(services: Services, tmp_path: Path, known: str) -> None:
    """Together in one bundle: copied, streamed with known checksums, and streamed without."""
    files = files_of(*((size, known) for size in LIMITS))
    await check(services, Shelf(services.storage), files, 5 * MIB, tmp_path)


@pytest.mark.parametrize("size", LIMITS)
async def test_every_reader_accepts_a_bundle_of_a_single_file(services: Services, tmp_path: Path, size: int) -> None:
    await check(services, Shelf(services.storage), files_of((size, "c!")), 5 * MIB, tmp_path)


@hypothesis_settings(AT_ONCE, max_examples=6)
@given(rows=rows, part_size=part_sizes)
@example(rows=[], part_size=5 * MIB)
async def test_every_reader_accepts_every_mix(
    services: Services, tmp_path: Path, rows: list[tuple[int, str]], part_size: int
) -> None:
    await check(services, Shelf(services.storage), files_of(*rows), part_size, tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(300)
@hypothesis_settings(AT_ONCE, max_examples=60 if SCALE >= 1 else 15)
@given(rows=rows, part_size=part_sizes)
async def test_every_reader_accepts_many_mixes(
    services: Services, tmp_path: Path, rows: list[tuple[int, str]], part_size: int
) -> None:
    await check(services, Shelf(services.storage), files_of(*rows), part_size, tmp_path)
