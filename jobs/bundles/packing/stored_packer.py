"""Packs a stored bundle: reads, verifies and uploads its parts within the memory budget, then completes the upload.

Parts are independent. They are started in the order of the plan's schedule, as the budget allows. A part that needs the
checksums of other parts waits for them; the schedule starts those first. A part that an earlier attempt has uploaded is
not made again: the checksums that were recorded with it stand for its bytes. Parts that the store copies need no memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from jobs.bundles.format.bundle_parts import HeaderRange, Part, SourceRange
from jobs.bundles.format.checkpoints import DonePart
from jobs.bundles.format.stored_plan import MIB, StoredPlan
from jobs.bundles.packing.callbacks import PackedBundle, PackingCallbacks
from jobs.bundles.packing.part_uploader import Uploader
from jobs.bundles.packing.read_window import ReadWindow
from jobs.bundles.packing.reader import Reader
from jobs.bundles.packing.verification import FileVerifier
from jobs.bundles.resolver import Source
from jobs.concurrency import first_error_group, gather
from jobs.memory_budget import MemoryBudget
from jobs.metrics import COPIED
from jobs.storage import UploadGone
from jobs.storage.crc32 import combine, crc32
from jobs.storage.part_buffer import PartBuffer
from jobs.tracing.spans import step

MAX_CONCURRENT_COPIES = 4
"""Copies that one bundle has in flight in the store."""


class StoredPacker:
    """Packs one bundle, once."""

    def __init__(
        self,
        plan: StoredPlan,
        sources: Sequence[Source],
        uploader: Uploader,
        done: Sequence[DonePart],
        callbacks: PackingCallbacks,
        reader: Reader,
        budget: MemoryBudget,
    ) -> None:
        self._plan = plan
        self._sources = sources
        self._uploader = uploader
        self._callbacks = callbacks
        self._reader = reader
        self._budget = budget
        self._verifiers = [
            FileVerifier(entry, copied=index in plan.copied, correctable=source.crc32_correctable)
            for index, (entry, source) in enumerate(zip(plan.entries, sources, strict=True))
        ]
        self._packed: set[int] = set()
        """The entries that were reported as packed."""
        self._rereading = False
        """The bytes that are read now were read, and reported, before."""
        self._copy_slots = asyncio.Semaphore(MAX_CONCURRENT_COPIES)
        largest = max((part.size for part in plan.parts if not part.copied), default=plan.part_size)
        self._scan_size = min(largest, budget.size)
        """Bytes that a scan reads at once. A range that is one piece of a part is also one range of a scan."""
        self._window = ReadWindow(reader.bandwidth, plan.part_size)
        self._done = {part.number: part for part in done}

    async def pack(self) -> PackedBundle:
        try:
            missing = [part for part in self._plan.schedule if part.number not in self._done]
            await self._prepare(missing)
            await self._make_parts(missing)
            await self._correct_headers()
            with step("complete bundle", parts=len(self._plan.parts), bytes=self._plan.size):
                etag = await self._uploader.complete([self._done[part.number].etag for part in self._plan.parts])
        except UploadGone:
            completed = await self._uploader.find_completed()
            if completed is None or completed.size != self._plan.size:
                raise
            etag = completed.etag
            for entry in set(range(len(self._verifiers))) - self._packed:
                self._report_packed(entry)
        crcs = tuple(verifier.crc if verifier.verified else None for verifier in self._verifiers)
        return PackedBundle(size=self._plan.size, crc32=self._bundle_crc32(), etag=etag, source_crcs=crcs)

    async def _prepare(self, missing: Sequence[Part]) -> None:
        """Gathers what must be known before the missing parts are made."""
        for index, verifier in enumerate(self._verifiers):
            if verifier.complete:  # an empty file, of which no part has bytes
                self._report_packed(index)
        unfinished = {piece.entry for part in missing for _, piece in part.source_ranges()}
        for piece in self._plan.prescan:
            if piece.entry in unfinished:
                verifier = self._verifiers[piece.entry]
                await self._scan(piece, verifier)
                if verifier.complete:  # a whole file, which is verified again when it is packed
                    entry = replace(verifier.entry, crc32=verifier.crc, sha256=None)
                    self._verifiers[piece.entry] = FileVerifier(entry)
        for part in self._plan.parts:
            if part.number in self._done:
                self._reuse_part(part, self._done[part.number])

    def _reuse_part(self, part: Part, done: DonePart) -> None:
        """Adds the bytes of a part that an earlier attempt has uploaded."""
        for index, piece in part.source_ranges():
            verifier, length = self._verifiers[piece.entry], piece.stop - piece.start
            self._callbacks.bytes_reused(piece.entry, length)
            if part.copied:
                completed = verifier.add_copied(length)
            else:
                crc = done.crcs.get(index, self._plan.entries[piece.entry].crc32)
                assert crc is not None
                completed = verifier.add_earlier(piece.start, crc, length)
            if completed:
                self._report_packed(piece.entry)

    async def _make_parts(self, parts: Sequence[Part]) -> None:
        async with first_error_group() as group:
            for part in parts:
                if part.copied:
                    group.create_task(self._copy_part(part))
            for part in parts:
                if not part.copied:
                    memory = part.size // MIB * MIB  # whole MiB, so that a few headers do not keep another part out
                    await self._budget.acquire(memory)
                    self._budget.release_after(group.create_task(self._pack_part(part)), memory)

    async def _copy_part(self, part: Part) -> None:
        [(_, piece)] = part.source_ranges()
        async with self._copy_slots:
            with (
                step("copy part", part=part.number, bytes=part.size),
                self._callbacks.reporting_failure(piece.entry),
            ):
                source = self._sources[piece.entry]
                etag = await self._uploader.copy_part(part.number, source, piece.start, piece.stop)
        COPIED.inc(part.size)
        self._callbacks.bytes_read(piece.entry, part.size)
        self._record_part(DonePart(number=part.number, etag=etag, crcs={}))
        if self._verifiers[piece.entry].add_copied(part.size):
            self._report_packed(piece.entry)

    async def _pack_part(self, part: Part) -> None:
        with step("pack part", part=part.number, bytes=part.size):
            await self._make_part(part)

    async def _make_part(self, part: Part) -> None:
        """Reads a part, verifies it, renders its headers, uploads it, and records it.

        It is uploaded while it is read, unless its headers need checksums that are known only after reading, or it is the
        whole bundle, which must not appear in the store before it is verified.
        """
        buffer = PartBuffer([piece.stop - piece.start for piece in part.pieces])
        unread = part.source_ranges()
        required = self._plan.required_crcs(part)
        if required or not self._uploader.streams:
            await gather(self._read_range(piece, buffer, index) for index, piece in unread)
            unread = []
        crcs: list[int | None] = [verifier.crc for verifier in self._verifiers]
        for entry in required:
            crcs[entry] = await self._verifiers[entry].wait_for_crc()
        trailer = self._plan.render_trailer(crcs) if part.has_trailer else None
        for index, rendered in enumerate(part.pieces):
            if not isinstance(rendered, SourceRange):
                buffer.put(index, self._plan.render(rendered, crcs, trailer))
        async with first_error_group() as group:
            upload = group.create_task(self._uploader.upload_part(part.number, buffer))
            for index, piece in unread:
                group.create_task(self._read_range(piece, buffer, index))
        self._record_part(DonePart(number=part.number, etag=upload.result(), crcs=self._range_crcs(part)))

    async def _read_range(self, piece: SourceRange, buffer: PartBuffer, index: int) -> None:
        """Reads a range into the buffer, and verifies it."""
        entry = piece.entry

        def consume(chunk: bytes) -> None:
            buffer.put(index, chunk)
            if not self._rereading:
                self._callbacks.bytes_read(entry, len(chunk))

        with self._callbacks.reporting_failure(entry):
            async with self._window.admit(piece.stop - piece.start):
                await self._reader.read(self._sources[entry], piece.start, piece.stop, consume)
            completed = await self._verifiers[entry].add(piece.start, buffer.chunks(index))
        if completed:
            self._report_packed(entry)

    def _range_crcs(self, part: Part) -> dict[int, int]:
        """The CRC-32s of a part's ranges, as far as a later attempt could not know them otherwise."""
        crcs = {}
        for index, piece in part.source_ranges():
            crc, entry = self._verifiers[piece.entry].range_crc(piece.start), self._plan.entries[piece.entry]
            if crc != entry.crc32 or piece.stop - piece.start < entry.size:
                crcs[index] = crc
        return crcs

    def _record_part(self, done: DonePart) -> None:
        self._done[done.number] = done
        self._callbacks.part_uploaded(done)

    def _report_packed(self, entry: int) -> None:
        self._packed.add(entry)
        self._callbacks.entry_packed(entry, self._verifiers[entry].crc)

    async def _correct_headers(self) -> None:
        """Makes the parts again that hold a CRC-32 of the catalogue that turned out to be wrong."""
        corrected = {entry for entry, verifier in enumerate(self._verifiers) if verifier.corrected}
        if not corrected:
            return
        self._rereading = True
        for index in corrected:
            entry = self._plan.entries[index]
            if entry.sha256 is None:  # only the CRC-32 can show that the bytes were damaged in transit: read them twice
                second = FileVerifier(replace(entry, crc32=self._verifiers[index].crc))
                await self._scan(SourceRange(index, 0, entry.size), second)
        wrong = [
            part
            for part in self._plan.schedule
            if part.has_trailer
            or any(isinstance(piece, HeaderRange) and piece.entry in corrected for piece in part.pieces)
        ]
        await self._make_parts(wrong)

    async def _scan(self, piece: SourceRange, verifier: FileVerifier) -> None:
        """Reads a range only to verify it, in bounded memory."""
        for start in range(piece.start, piece.stop, self._scan_size):
            stop = min(start + self._scan_size, piece.stop)
            async with self._budget.reserve(stop - start):
                chunks: list[bytes] = []
                with self._callbacks.reporting_failure(piece.entry):
                    await self._reader.read(self._sources[piece.entry], start, stop, chunks.append)
                    await verifier.add(start, chunks)

    def _bundle_crc32(self) -> int | None:
        """The CRC-32 of the whole bundle, combined from those of its files; None if one is unknown."""
        plan, crcs = self._plan, [verifier.crc for verifier in self._verifiers]
        if None in crcs:
            return None
        pieces: list[tuple[int, int]] = []
        for index in plan.layout.entry_order:
            header = plan.render_header(index, crcs)
            pieces += [(crc32(header), len(header)), (crcs[index] or 0, plan.entries[index].size)]
        trailer = plan.render_trailer(crcs)
        return combine([*pieces, (crc32(trailer), len(trailer))])
