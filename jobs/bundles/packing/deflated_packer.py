"""Packs a deflated bundle: chunks are read and compressed concurrently, and written in their order.

Half of the worker's memory budget is divided among the bundles that are compressed at once. A bundle reserves its slot
before it starts, and memory for a part, from the whole budget, whenever it writes one. So a bundle with a slot waits only
for parts that others finish without waiting for anything. There is no deadlock, because the budget does not let a request
that does not fit beside the slots block others.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from jobs.bundles.format.checkpoints import Checkpoint, DonePart
from jobs.bundles.format.deflated_plan import (
    CHUNK_SIZE,
    BundleWriter,
    Chunk,
    DeflatedPlan,
    is_buffered,
    max_deflated_size,
    part_capacity,
)
from jobs.bundles.format.stored_plan import MIB
from jobs.bundles.format.zip_records import Method
from jobs.bundles.packing.callbacks import PackedBundle, PackingCallbacks
from jobs.bundles.packing.compression import deflate
from jobs.bundles.packing.part_uploader import Uploader
from jobs.bundles.packing.reader import Reader
from jobs.bundles.packing.verification import CatalogueChecksumWrong, StreamVerifier
from jobs.bundles.resolver import Source
from jobs.concurrency import first_error_group
from jobs.memory_budget import MemoryBudget
from jobs.storage import UploadGone
from jobs.storage.crc32 import Buffer, combine, crc32
from jobs.storage.part_buffer import PartBuffer
from jobs.tracing.spans import step

MAX_SLOT_SIZE = 16 * MIB
"""More bytes in flight than this make nothing faster."""
_TASK_OVERHEAD = MIB // 16
"""Bytes that a chunk in flight costs beside its data, so that there are at most a few hundred small ones."""


class CompressionMemory:
    """The memory for chunks in flight: a worker process has a slot of `slot_size` bytes for each of its bundles."""

    def __init__(self, budget: MemoryBudget, jobs: int) -> None:
        least = _chunk_memory(CHUNK_SIZE)
        slots = max(1, min(jobs, budget.size // 2 // least))
        self.budget = budget
        self.slot_size = max(least, min(budget.size // 2 // slots, MAX_SLOT_SIZE))
        self._slots = asyncio.Semaphore(slots)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        async with self._slots, self.budget.reserve(self.slot_size, pinned=True):
            yield


def max_deflated_part_size(budget: int) -> int:
    """The largest part size that fits into the memory budget of a worker process, in bytes."""
    return budget // 2 - part_capacity(0)


def _chunk_memory(size: int) -> int:
    """Bytes of memory that a chunk of `size` bytes needs until it is written: as read, and compressed."""
    return size + max_deflated_size(size) + _TASK_OVERHEAD


@dataclass(frozen=True, slots=True)
class _CompressedChunk:
    """A chunk as it was read, `raw` with its CRC-32, and the packed bytes."""

    raw: bytearray
    data: Buffer
    method: Method
    crc: int


class DeflatedPacker:
    """Packs one bundle, once."""

    def __init__(
        self,
        plan: DeflatedPlan,
        sources: Sequence[Source],
        uploader: Uploader,
        done: Sequence[DonePart],
        callbacks: PackingCallbacks,
        reader: Reader,
        memory: CompressionMemory,
    ) -> None:
        self._plan = plan
        self._sources = sources
        self._uploader = uploader
        self._callbacks = callbacks
        self._reader = reader
        self._memory = memory
        reused = _first_parts(done)
        self._etags = {part.number: part.etag for part, _ in reused}
        self._part_crcs = [(checkpoint.crc32, checkpoint.size) for _, checkpoint in reused]
        """CRC-32 and size of the parts that were written, in their order."""
        self._writer = BundleWriter(plan, [checkpoint for _, checkpoint in reused])
        self._verifier: StreamVerifier | None = None
        """Of the entry that is being written."""
        self._verified: dict[int, int] = {}
        """CRC-32 of the entries all of whose checksums were verified."""
        self._methods: dict[int, asyncio.Future[Method]] = {}
        """Of the entries in flight: their first chunks decide."""
        self._part_memory = 0
        """Bytes of the budget that are reserved for the part that is being written."""
        self._written = False
        """All parts are written."""

    async def pack(self) -> PackedBundle:
        self._reuse_parts()
        try:
            async with self._memory.slot(), first_error_group() as group:
                try:
                    await self._write_bundle(group)
                finally:
                    self._memory.budget.release(self._part_memory)
            self._written = True
            with step("complete bundle", parts=len(self._etags), bytes=self._writer.size):
                etag = await self._uploader.complete([self._etags[number] for number in sorted(self._etags)])
        except UploadGone:
            completed = await self._find_completed()
            if completed is None:
                raise
            return completed
        crcs = tuple(self._verified.get(index) for index in range(len(self._plan.entries)))
        return PackedBundle(size=self._writer.size, crc32=combine(self._part_crcs), etag=etag, source_crcs=crcs)

    def _reuse_parts(self) -> None:
        """Reports what earlier attempts have packed, and resumes the entry that they have begun."""
        writer, entries = self._writer, self._plan.entries
        for index, packed in enumerate(writer.packed):
            self._callbacks.bytes_reused(index, entries[index].size)
            self._callbacks.entry_packed(index, packed.crc32)
            if entries[index].sha256 is None:
                self._verified[index] = packed.crc32
        if writer.begun is not None:
            self._callbacks.bytes_reused(writer.entry, writer.offset)
            self._verifier = self._new_verifier(writer.entry, writer.begun.crc32, writer.offset)
            self._method_of(writer.entry).set_result(writer.begun.method)

    async def _find_completed(self) -> PackedBundle | None:
        """The bundle, if its upload was completed before."""
        found = await self._uploader.find_completed()
        if found is None:
            return None
        entries = self._plan.entries
        for index in range(len(self._writer.packed), len(entries)):
            self._callbacks.entry_packed(index, entries[index].crc32)
        crc = combine(self._part_crcs) if self._written and found.size == self._writer.size else None
        return PackedBundle(size=found.size, crc32=crc, etag=found.etag, source_crcs=(None,) * len(entries))

    async def _write_bundle(self, group: asyncio.TaskGroup) -> None:
        """Keeps as many chunks in flight as the slot has memory for, and writes them in their order."""
        in_flight: deque[tuple[Chunk, asyncio.Task[_CompressedChunk]]] = deque()
        free = self._memory.slot_size
        for chunk in self._plan.chunks(self._writer.entry, self._writer.offset):
            memory = _chunk_memory(chunk.stop - chunk.start)
            while free < memory:
                free += await self._write_chunk(group, *in_flight.popleft())
            free -= memory
            in_flight.append((chunk, group.create_task(self._read_and_compress(chunk))))
        while in_flight:
            await self._write_chunk(group, *in_flight.popleft())
        self._writer.finish()
        while self._writer.pending:
            await self._reserve_part()
            self._finish_part(group)

    async def _read_and_compress(self, chunk: Chunk) -> _CompressedChunk:
        """Reads a chunk, and compresses it unless its entry is stored."""
        raw = bytearray()
        decision = self._method_of(chunk.entry)

        def consume(data: bytes) -> None:
            raw.extend(data)
            self._callbacks.bytes_read(chunk.entry, len(data))

        with self._callbacks.reporting_failure(chunk.entry):
            await self._reader.read(self._sources[chunk.entry], chunk.start, chunk.stop, consume)
        if chunk.start and await decision is Method.STORED:
            return _CompressedChunk(raw, raw, Method.STORED, crc32(raw))
        crc, deflated = await asyncio.to_thread(lambda: (crc32(raw), deflate(raw, last=chunk.last)))
        if not chunk.start:
            decision.set_result(self._plan.method(chunk, len(deflated)))
        method = decision.result()
        return _CompressedChunk(raw, raw if method is Method.STORED else deflated, method, crc)

    async def _write_chunk(
        self, group: asyncio.TaskGroup, chunk: Chunk, compressing: asyncio.Task[_CompressedChunk]
    ) -> int:
        """Verifies a chunk and writes it. Returns the bytes of the slot that are free again."""
        compressed = await compressing
        if self._verifier is None:
            self._verifier = self._new_verifier(chunk.entry)
        verifier = self._verifier
        with self._callbacks.reporting_failure(chunk.entry):
            await verifier.add(compressed.raw, compressed.crc, last=chunk.last)
            if verifier.corrected:
                await self._confirm_correction(chunk.entry, verifier.crc, compressed.method)
        if chunk.last:
            self._verifier = None
            self._methods.pop(chunk.entry, None)
            if verifier.verified:
                self._verified[chunk.entry] = verifier.crc
            self._callbacks.entry_packed(chunk.entry, verifier.crc)
        await self._reserve_part()
        self._writer.add(chunk, compressed.data, compressed.method, verifier.crc)
        if self._writer.full_part:
            self._finish_part(group)
        return _chunk_memory(chunk.stop - chunk.start)

    def _new_verifier(self, index: int, crc: int = 0, offset: int = 0) -> StreamVerifier:
        correctable = self._sources[index].crc32_correctable
        return StreamVerifier(self._plan.entries[index], crc, offset, correctable=correctable)

    def _method_of(self, entry: int) -> asyncio.Future[Method]:
        if entry not in self._methods:
            self._methods[entry] = asyncio.get_running_loop().create_future()
        return self._methods[entry]

    async def _confirm_correction(self, index: int, crc: int, method: Method) -> None:
        """Confirms a CRC-32 that differs from the catalogue's.

        Raises `ChecksumMismatch` if the bytes were damaged in transit, and `CatalogueChecksumWrong` if the header with
        the wrong CRC-32 is written already.
        """
        entry = self._plan.entries[index]
        if entry.sha256 is None:  # only the CRC-32 can show that the bytes were damaged in transit: read them twice
            second = StreamVerifier(replace(entry, crc32=crc))
            for start in range(0, entry.size, CHUNK_SIZE):
                stop = min(start + CHUNK_SIZE, entry.size)
                data = bytearray()
                await self._reader.read(self._sources[index], start, stop, data.extend)
                await second.add(data, crc32(data), last=stop == entry.size)
        if method is Method.STORED and not is_buffered(entry):
            raise CatalogueChecksumWrong(index, crc, entry.name)

    async def _reserve_part(self) -> None:
        if not self._part_memory:
            capacity = part_capacity(self._plan.part_size)
            await self._memory.budget.acquire(capacity)
            self._part_memory = capacity

    def _finish_part(self, group: asyncio.TaskGroup) -> None:
        """Starts the upload of the part that is written, which keeps as much of the reserved memory as it needs."""
        part, checkpoint = self._writer.next_part(crc32)
        self._part_crcs.append((checkpoint.crc32, checkpoint.size))
        self._memory.budget.release(self._part_memory - len(part))
        self._part_memory = 0
        task = group.create_task(self._upload_part(len(self._part_crcs), part, checkpoint))
        self._memory.budget.release_after(task, checkpoint.size)

    async def _upload_part(self, number: int, part: bytearray, checkpoint: Checkpoint) -> None:
        with step("upload part", part=number, bytes=checkpoint.size):
            etag = await self._uploader.upload_part(number, PartBuffer.of(part))
        self._etags[number] = etag
        self._callbacks.part_uploaded(DonePart(number=number, etag=etag, crcs={}, checkpoint=checkpoint))


def _first_parts(done: Sequence[DonePart]) -> list[tuple[DonePart, Checkpoint]]:
    """The parts before the first missing one: the rest of the bundle can be written after them."""
    first: list[tuple[DonePart, Checkpoint]] = []
    for number, part in enumerate(sorted(done, key=lambda part: part.number), 1):
        if part.number != number or part.checkpoint is None:
            break
        first.append((part, part.checkpoint))
    return first
