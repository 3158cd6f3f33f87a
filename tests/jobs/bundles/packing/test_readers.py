"""Bundles of the real packer, opened by other programs: each accepts them and reads every file correctly."""

from __future__ import annotations

import asyncio
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from random import Random
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from jobs.bundles.format import manifests
from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.stored_plan import StoredPlan, plan_stored
from jobs.bundles.format.zip_records import Entry
from jobs.bundles.packing.callbacks import PackingCallbacks
from jobs.bundles.packing.memory_budget import MemoryBudget
from jobs.bundles.packing.packer import Packer
from jobs.bundles.packing.reader import Reader
from jobs.bundles.resolver import Source
from jobs.concurrency import gather
from jobs.services import Services
from jobs.storage import Storage
from jobs.storage.crc32 import Buffer
from tests.jobs.bundles.packing import readers
from tests.jobs.bundles.packing.readers import ALL, READERS, Refused, content

MIB = 1 << 20
NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
BLOB = memoryview(Random(6).randbytes(17 * MIB + 100))
LIMITS = [0, 1, *(limit * MIB + step for limit in (5, 16) for step in (-1, 0, 1))]


@dataclass(frozen=True)
class File:
    """One file to pack: its name, its size in bytes, and what the catalogue knows of it.

    That is any of `c` (CRC-32), `s` (SHA-256) and `!` (the CRC-32 is certain, so that the store may copy the file).
    """

    name: str
    size: int
    known: str = "cs!"
    copy: int = 0
    """Files of one size with different numbers have different bytes."""

    @property
    def data(self) -> memoryview:
        return BLOB[self.copy : self.copy + self.size]


def files_of(*rows: tuple[int, str]) -> list[File]:
    return [File(f"{number}/ä.bin", size, known, number) for number, (size, known) in enumerate(rows)]


@pytest.fixture(scope="session", autouse=True)
def _ended() -> Iterator[None]:
    yield
    readers.close()


class Shelf:
    """Puts each file into the store once."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._sources: dict[tuple[int, int], Source] = {}

    async def take(self, files: Sequence[File]) -> list[Source]:
        """The files as the packer wants them."""
        return [await self._take(10_000 + number, file) for number, file in enumerate(files)]

    async def _take(self, file_id: int, file: File) -> Source:
        key = (file.size, file.copy)
        if key not in self._sources:
            self._sources[key] = await self._put(file)
        known = self._sources[key]
        return replace(
            known,
            file_id=file_id,
            name=file.name,
            crc32=known.crc32 if "c" in file.known else None,
            sha256=known.sha256 if "s" in file.known else None,
            trusted="!" in file.known,
        )

    async def _put(self, file: File) -> Source:
        info = await self._storage.objects.put(f"files/{uuid4()}", bytes(file.data), "application/octet-stream")
        return Source(
            file_id=0,
            name="",
            key=info.key,
            size=file.size,
            etag=info.etag,
            crc32=zlib.crc32(file.data),
            sha256=content("", [file.data]).sha256,
            content_type="application/octet-stream",
        )


def plan_of(sources: Sequence[Source], part_size: int, *, copies: bool) -> StoredPlan:
    entries = [Entry(s.name, s.size, s.crc32, s.sha256, NOW, s.trusted) for s in sources]
    manifest = Manifest(created_at=NOW, file_ids=tuple(s.file_id for s in sources))
    return plan_stored(entries, manifest, part_size, 64 * MIB, copies=copies)


async def pack(services: Services, plan: StoredPlan, sources: Sequence[Source], path: Path) -> None:
    """Packs the bundle in the store, fetches it into a file, and deletes it."""
    storage, key = services.storage, f"bundles/{uuid4()}.zip"
    packer = Packer(Reader(storage.objects, services.settings), storage, MemoryBudget(64 * MIB))
    upload = MultipartUpload(
        key=key, id=await storage.multipart.create(key, "application/zip", "a plan"), fingerprint="a plan"
    )
    callbacks = PackingCallbacks(
        bytes_read=_ignore, bytes_reused=_ignore, part_uploaded=_ignore, entry_packed=_ignore, entry_failed=_ignore
    )
    made = await packer.pack(plan, sources, upload, (), callbacks)
    assert made.size == plan.size
    with path.open("wb") as file:
        async for chunk in storage.objects.read(key, made.etag, 0, made.size):
            file.write(chunk)
    await storage.objects.delete([key])


def _ignore(*_: object) -> None:
    pass


async def judge(
    path: Path,
    plan: StoredPlan,
    data: Sequence[Iterable[Buffer]],
    crcs: Sequence[int],
    but_for: AbstractSet[str] = frozenset(),
) -> None:
    """Every reader on this machine, except `but_for`, finds these files and their manifest in the archive.

    `data` is gone through twice.
    """
    listed = [*data, [manifests.render(plan.manifest, plan.entries, crcs)]]
    names = [*(entry.name for entry in plan.entries), manifests.NAME]
    files = [content(name, chunks) for name, chunks in zip(names, listed, strict=True)]
    order = [*plan.layout.entry_order, len(plan.entries)]
    whole = content(ALL, chain.from_iterable(listed))

    async def opened(reader: str) -> None:
        found = await asyncio.to_thread(READERS[reader], path)
        assert found == readers.expected(reader, files, whole, order), reader

    await gather(opened(reader) for reader in readers.installed() if reader not in but_for)


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


BESIDE_A_LIMIT = [5 * MIB - 30 - len("0/ä.bin".encode()) + step for step in (-1, 0, 1)]
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
@hypothesis_settings(AT_ONCE, max_examples=60)
@given(rows=rows, part_size=part_sizes)
async def test_every_reader_accepts_many_mixes(
    services: Services, tmp_path: Path, rows: list[tuple[int, str]], part_size: int
) -> None:
    await check(services, Shelf(services.storage), files_of(*rows), part_size, tmp_path)
