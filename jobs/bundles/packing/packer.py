"""Runs a plan: fills part after part within the byte budget, uploads them, completes the bundle.

Parts are independent. They are started in the plan's order as the budget allows; a part that needs a checksum which other
parts bring waits for them, and the plan's order sees to it that those have been started before it. A part that an earlier
attempt has made stays made: what was learnt of its bytes is taken from what is kept of it. What the store copies by itself
takes none of the budget.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from jobs.bundles.format.checkpoints import DonePart, MultipartUpload
from jobs.bundles.format.deflated_plan import DeflatePlan
from jobs.bundles.format.stored_plan import MIB, BundlePlan, Header, Part, SourceRange
from jobs.bundles.packing.callbacks import PackedBundle, PackingCallbacks
from jobs.bundles.packing.deflater import Bench, DeflateRun
from jobs.bundles.packing.memory_budget import Budget
from jobs.bundles.packing.part_uploader import Uploading
from jobs.bundles.packing.read_window import Reads
from jobs.bundles.packing.reader import Reader
from jobs.bundles.packing.verification import FileCheck
from jobs.bundles.resolver import Source
from jobs.concurrency import first_error_group, gather
from jobs.storage import Storage, UploadGone
from jobs.storage.crc32 import combine, crc32
from jobs.storage.part_buffer import PartBuffer

COPIES = 4
"""Copies that one bundle has under way in the store."""


class Packer:
    """Packs bundles for all jobs of a worker process, within its one budget."""

    def __init__(self, reader: Reader, storage: Storage, budget: Budget, jobs: int = 4) -> None:
        """For so many jobs at once."""
        self._reader = reader
        self._storage = storage
        self._budget = budget
        self._bench = Bench(budget, jobs)

    async def pack(
        self,
        plan: BundlePlan | DeflatePlan,
        sources: Sequence[Source],
        upload: MultipartUpload,
        done: Sequence[DonePart],
        watch: PackingCallbacks,
    ) -> PackedBundle:
        """Makes the bundle of the sources, which are the plan's entries, of the upload, which has some parts already.

        Raises what `Reader.fill` raises, `ChecksumMismatch`, `UploadUnusable`, and what the store complains of. The
        upload is then left as it is.
        """
        uploading = Uploading(self._storage.multipart, upload)
        if isinstance(plan, DeflatePlan):
            return await DeflateRun(plan, sources, uploading, done, watch, self._reader, self._bench).run()
        return await _Run(plan, sources, uploading, done, watch, self._reader, self._budget).run()


class _Run:
    def __init__(
        self,
        plan: BundlePlan,
        sources: Sequence[Source],
        upload: Uploading,
        done: Sequence[DonePart],
        watch: PackingCallbacks,
        reader: Reader,
        budget: Budget,
    ) -> None:
        self._plan = plan
        self._sources = sources
        self._upload = upload
        self._watch = watch
        self._reader = reader
        self._budget = budget
        self._checks = [
            FileCheck(entry, copied=at in plan.copied, doubtful=source.doubtful)
            for at, (entry, source) in enumerate(zip(plan.entries, sources, strict=True))
        ]
        self._told: set[int] = set()
        """The entries that were told to be done."""
        self._remaking = False
        """What is read now was read, and told of, before."""
        self._copies = asyncio.Semaphore(COPIES)
        largest = max((part.size for part in plan.parts if not part.copied), default=plan.part_size)
        self._step = min(largest, budget.size)
        """Bytes that are read at once for their checksum alone. What is a piece of a part is then one here, too."""
        self._reads = Reads(reader.line, plan.part_size)
        self._done = {part.number: part for part in done}

    async def run(self) -> PackedBundle:
        try:
            etag = await self._make_all([part for part in self._plan.order if part.number not in self._done])
        except UploadGone:
            found = await self._upload.find()
            if found is None or found.size != self._plan.size:
                raise
            etag = found.etag
            for entry in set(range(len(self._checks))) - self._told:
                self._tell(entry)
        crcs = tuple(check.crc if check.proven else None for check in self._checks)
        return PackedBundle(size=self._plan.size, crc32=self._crc32(), etag=etag, crcs=crcs)

    async def _make_all(self, missing: Sequence[Part]) -> str:
        await self._learn_first(missing)
        await self._make_each(missing)
        corrected = {entry for entry, check in enumerate(self._checks) if check.corrected}
        if corrected:
            self._remaking = True
            await self._confirm(corrected)
            await self._make_each([part for part in self._plan.order if _says_a_crc(part, corrected)])
        return await self._upload.complete([self._done[part.number].etag for part in self._plan.parts])

    async def _make_each(self, parts: Sequence[Part]) -> None:
        async with first_error_group() as group:
            for part in parts:
                if part.copied:
                    group.create_task(self._copy(part))
            for part in parts:
                if not part.copied:
                    await self._budget.take(_cost(part))
                    self._start(group, part)

    async def _confirm(self, corrected: Iterable[int]) -> None:
        """Reads once more what only its CRC-32 was promised of: bytes that were spoilt on their way must not pass."""
        for number in corrected:
            entry = self._plan.entries[number]
            if entry.sha256 is None:
                same = FileCheck(replace(entry, crc32=self._checks[number].crc))
                await self._read_through(SourceRange(number, 0, entry.size), same)

    def _tell(self, entry: int) -> None:
        self._told.add(entry)
        self._watch.done(entry, self._checks[entry].crc)

    async def _learn_first(self, missing: Sequence[Part]) -> None:
        """What has to be known before the missing parts are begun."""
        for index, check in enumerate(self._checks):
            if check.complete:  # an empty file: there is nothing to read
                self._tell(index)
        unfinished = {piece.entry for part in missing for piece in part.pieces if isinstance(piece, SourceRange)}
        for piece in self._plan.read_first:
            if piece.entry in unfinished:
                await self._read_first(piece)
        for part in self._plan.parts:
            if part.number in self._done:
                await self._restore(part, self._done[part.number])

    def _crc32(self) -> int | None:
        """Of the whole bundle, from those of its files."""
        plan, crcs = self._plan, [check.crc for check in self._checks]
        if None in crcs:
            return None
        pieces: list[tuple[int, int]] = []
        for number in plan.layout.order:
            header = plan.render_header(number, crcs)
            pieces += [(crc32(header), len(header)), (crcs[number] or 0, plan.entries[number].size)]
        tail = plan.render_tail(crcs)
        return combine([*pieces, (crc32(tail), len(tail))])

    async def _restore(self, part: Part, done: DonePart) -> None:
        """Takes over what an earlier attempt has learnt of the bytes in a part."""
        for place, piece in enumerate(part.pieces):
            if not isinstance(piece, SourceRange):
                continue
            check, length = self._checks[piece.entry], piece.stop - piece.start
            self._watch.kept(piece.entry, length)
            if part.copied:
                completed = check.copied(length)
            else:
                crc = done.crcs.get(place, self._plan.entries[piece.entry].crc32)
                assert crc is not None
                completed = check.restore(piece.start, crc, length)
            if completed:
                self._tell(piece.entry)

    async def _copy(self, part: Part) -> None:
        [piece] = part.pieces
        assert isinstance(piece, SourceRange)
        async with self._copies:
            with self._watch.blamed(piece.entry):
                etag = await self._upload.copy(part.number, self._sources[piece.entry], piece.start, piece.stop)
        self._watch.read(piece.entry, part.size)
        self._finish(DonePart(number=part.number, etag=etag, crcs={}))
        if self._checks[piece.entry].copied(part.size):
            self._tell(piece.entry)

    def _start(self, group: asyncio.TaskGroup, part: Part) -> None:
        task = group.create_task(self._make(part))
        # Not in the task itself: one that is cancelled before its first step never gets there.
        task.add_done_callback(lambda _: self._budget.give(_cost(part)))

    async def _make(self, part: Part) -> None:
        """Reads a part and sends it meanwhile, unless what it says of files is known only after they were read."""
        filling = PartBuffer([piece.stop - piece.start for piece in part.pieces])
        reads = [(place, piece) for place, piece in enumerate(part.pieces) if isinstance(piece, SourceRange)]
        if self._plan.needs(part):
            await gather(self._read(piece, filling, place) for place, piece in reads)
            reads = []
        await self._generate(part, filling)
        async with first_error_group() as group:
            sending = group.create_task(self._upload.send_filling(part.number, filling))
            for place, piece in reads:
                group.create_task(self._read(piece, filling, place))
        etag = sending.result()
        self._finish(DonePart(number=part.number, etag=etag, crcs=self._learnt(part)))

    def _finish(self, done: DonePart) -> None:
        self._done[done.number] = done
        self._watch.part(done)

    def _learnt(self, part: Part) -> dict[int, int]:
        """What a later attempt has to know of the sources' bytes in a part, and can't tell otherwise."""
        entries = self._plan.entries
        ranges = ((place, piece) for place, piece in enumerate(part.pieces) if isinstance(piece, SourceRange))
        crcs = {place: (piece, self._checks[piece.entry].crc_of(piece.start)) for place, piece in ranges}
        return {
            place: crc
            for place, (piece, crc) in crcs.items()
            if crc != entries[piece.entry].crc32 or piece.stop - piece.start < entries[piece.entry].size
        }

    async def _read(self, piece: SourceRange, filling: PartBuffer, place: int) -> None:
        entry = piece.entry

        def take(chunk: bytes) -> None:
            filling.put(place, chunk)
            if not self._remaking:
                self._watch.read(entry, len(chunk))

        with self._watch.blamed(entry):
            async with self._reads.one(piece.stop - piece.start):
                await self._reader.read(self._sources[entry], piece.start, piece.stop, take)
            completed = await self._checks[entry].add(piece.start, filling.chunks(place))
        if completed:
            self._tell(entry)

    async def _read_first(self, piece: SourceRange) -> None:
        """Reads a range for its checksum alone; a whole file is checked again when it is packed."""
        check = self._checks[piece.entry]
        await self._read_through(piece, check)
        if check.complete:
            known = replace(check.entry, crc32=await check.known(), sha256=None)
            self._checks[piece.entry] = FileCheck(known)

    async def _read_through(self, piece: SourceRange, check: FileCheck) -> None:
        """Reads a range a buffer at a time, and keeps nothing of it but what the check does."""
        for start in range(piece.start, piece.stop, self._step):
            stop = min(start + self._step, piece.stop)
            async with self._budget.lend(stop - start):
                chunks: list[bytes] = []
                with self._watch.blamed(piece.entry):
                    await self._reader.read(self._sources[piece.entry], start, stop, chunks.append)
                    await check.add(start, chunks)

    async def _generate(self, part: Part, filling: PartBuffer) -> None:
        crcs: list[int | None] = [check.crc for check in self._checks]
        for entry in self._plan.needs(part):
            crcs[entry] = await self._checks[entry].known()
        tail = self._plan.render_tail(crcs) if part.holds_tail else None
        for place, piece in enumerate(part.pieces):
            if not isinstance(piece, SourceRange):
                filling.put(place, self._plan.render(piece, crcs, tail))


def _cost(part: Part) -> int:
    """Bytes of the budget that a part takes: whole MiB, so that some headers more don't keep another part out."""
    return part.size // MIB * MIB


def _says_a_crc(part: Part, entries: Collection[int]) -> bool:
    """The part holds the CRC-32 of one of the entries: in its local header, the directory or the manifest."""
    return part.holds_tail or any(isinstance(piece, Header) and piece.entry in entries for piece in part.pieces)
