"""Bundles written to disk, for programs that read archives."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from random import Random
from uuid import uuid4

from jobs.bundles.format import manifests
from jobs.bundles.format.checkpoints import MultipartUpload
from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.stored_plan import StoredPlan, plan_stored
from jobs.bundles.format.zip_records import Entry
from jobs.bundles.packing.callbacks import PackingCallbacks
from jobs.bundles.packing.packer import Packer
from jobs.bundles.packing.reader import Reader
from jobs.bundles.resolver import Source
from jobs.concurrency import gather
from jobs.memory_budget import MemoryBudget
from jobs.services import Services
from jobs.storage import Storage
from jobs.storage.crc32 import Buffer
from tests.jobs.bundles.packing import readers
from tests.jobs.bundles.packing.readers import ALL, READERS, content

MIB = 1 << 20
BLOB = memoryview(Random(6).randbytes(17 * MIB + 100))


NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


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
            modified=NOW,
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

    def ignore(*_: object) -> None:
        pass

    callbacks = PackingCallbacks(
        bytes_read=ignore, bytes_reused=ignore, part_uploaded=ignore, entry_packed=ignore, entry_failed=ignore
    )
    made = await packer.pack(plan, sources, upload, (), callbacks)
    assert made.size == plan.size
    with path.open("wb") as file:
        async for chunk in storage.objects.read(key, made.etag, 0, made.size):
            file.write(chunk)
    await storage.objects.delete([key])


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
