"""Makes a deflated bundle: chunks are read and compressed side by side, and written one behind the other.

Half of the worker's budget is for this work, divided among the bundles that are made at once. A bundle takes its share (its
bench) before it begins, and room for a part, from all of the budget, whenever it writes one. So one that has its bench
waits only for parts that others complete without waiting for anything, and nothing can deadlock: the budget sees to it
that what does not fit beside the benches does not stand in the way.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from jobs.bundles.format.checkpoints import Checkpoint, DonePart
from jobs.bundles.format.deflated_plan import CHUNK, Chunk, DeflatePlan, Writer, at_most, is_whole, part_room
from jobs.bundles.format.stored_plan import MIB
from jobs.bundles.format.zip_records import Method
from jobs.bundles.packing.callbacks import PackedBundle, PackingCallbacks
from jobs.bundles.packing.compression import deflate
from jobs.bundles.packing.memory_budget import Budget
from jobs.bundles.packing.part_uploader import Uploading
from jobs.bundles.packing.reader import Reader
from jobs.bundles.packing.verification import CatalogueWrong, StreamCheck
from jobs.bundles.resolver import Source
from jobs.concurrency import first_error_group
from jobs.storage import UploadGone
from jobs.storage.crc32 import Buffer, combine, crc32

LARGEST_BENCH = 16 * MIB
"""More bytes under way than this make nothing faster."""
_TASK = MIB // 16
"""What a chunk under way costs beside its bytes: so there are never more than a few hundred small ones."""


class Bench:
    """Where the bundles of a worker process are deflated: so many at once, with so many bytes of chunks each."""

    def __init__(self, budget: Budget, jobs: int) -> None:
        least = _cost(CHUNK)
        places = max(1, min(jobs, budget.size // 2 // least))
        self.budget = budget
        self.size = max(least, min(budget.size // 2 // places, LARGEST_BENCH))
        """Bytes for the chunks of one bundle."""
        self._places = asyncio.Semaphore(places)

    @asynccontextmanager
    async def taken(self) -> AsyncIterator[None]:
        async with self._places, self.budget.lend(self.size, pinned=True):
            yield


def largest_part(budget: int) -> int:
    """Bytes that a part may have at least, given the budget of a worker process."""
    return budget // 2 - part_room(0)


def _cost(size: int) -> int:
    """Bytes of memory that a chunk of so many bytes takes until it is written: as it was read, and as it became."""
    return size + at_most(size) + _TASK


@dataclass(frozen=True, slots=True)
class _Squeezed:
    """What became of a chunk. `crc` is that of the bytes as they were read, `raw`."""

    raw: bytearray
    data: Buffer
    method: Method
    crc: int


class DeflateRun:
    """Makes one bundle, once."""

    def __init__(
        self,
        plan: DeflatePlan,
        sources: Sequence[Source],
        upload: Uploading,
        done: Sequence[DonePart],
        watch: PackingCallbacks,
        reader: Reader,
        bench: Bench,
    ) -> None:
        self._plan = plan
        self._sources = sources
        self._upload = upload
        self._watch = watch
        self._reader = reader
        self._bench = bench
        kept = list(_first_parts(done))
        self._etags = {part.number: part.etag for part, _ in kept}
        self._sums = [(checkpoint.crc32, checkpoint.size) for _, checkpoint in kept]
        """CRC-32 and size of the parts that were cut, in their order."""
        self._writer = Writer(plan, [checkpoint for _, checkpoint in kept])
        self._check: StreamCheck | None = None
        """Of the entry that is being written."""
        self._proven: dict[int, int] = {}
        """CRC-32 of the entries of which all that is promised is known to hold."""
        self._methods: dict[int, asyncio.Future[Method]] = {}
        """Of the entries that are under way: their first chunks decide."""
        self._room = 0
        """Bytes of the budget that the part which is being written has."""
        self._whole = False
        """All parts are cut."""

    async def run(self) -> PackedBundle:
        self._take_over()
        try:
            etag = await self._make_all()
        except UploadGone:
            found = await self._find()
            if found is None:
                raise
            return found
        crcs = tuple(self._proven.get(number) for number in range(len(self._plan.entries)))
        return PackedBundle(size=self._writer.size, crc32=combine(self._sums), etag=etag, crcs=crcs)

    def _take_over(self) -> None:
        """Tells of what earlier attempts have made, and goes on with the entry that they have begun."""
        writer, entries = self._writer, self._plan.entries
        for number, packed in enumerate(writer.packed):
            self._watch.kept(number, entries[number].size)
            self._watch.done(number, packed.crc32)
            if entries[number].sha256 is None:
                self._proven[number] = packed.crc32
        if writer.begun is not None:
            self._watch.kept(writer.entry, writer.offset)
            self._check = self._check_of(writer.entry, writer.begun.crc32, writer.offset)
            self._method_of(writer.entry).set_result(writer.begun.method)

    async def _find(self) -> PackedBundle | None:
        """The bundle, if it was completed before."""
        found = await self._upload.find()
        if found is None:
            return None
        for number in range(len(self._writer.packed), len(self._plan.entries)):
            self._watch.done(number, self._plan.entries[number].crc32)
        known = self._whole and found.size == self._writer.size
        crcs = (None,) * len(self._plan.entries)
        return PackedBundle(size=found.size, crc32=combine(self._sums) if known else None, etag=found.etag, crcs=crcs)

    async def _make_all(self) -> str:
        async with self._bench.taken(), first_error_group() as group:
            try:
                await self._write(group)
            finally:
                self._bench.budget.give(self._room)
        self._whole = True
        return await self._upload.complete([self._etags[number] for number in sorted(self._etags)])

    async def _write(self, group: asyncio.TaskGroup) -> None:
        """Has as many chunks under way as the bench has room for."""
        under_way: deque[tuple[Chunk, asyncio.Task[_Squeezed]]] = deque()
        free = self._bench.size
        for chunk in self._plan.chunks(self._writer.entry, self._writer.offset):
            cost = _cost(chunk.stop - chunk.start)
            while free < cost:
                free += await self._write_chunk(group, *under_way.popleft())
            free -= cost
            under_way.append((chunk, group.create_task(self._squeeze(chunk))))
        while under_way:
            await self._write_chunk(group, *under_way.popleft())
        self._writer.finish()
        while self._writer.left:
            await self._take_room()
            self._cut(group)

    async def _write_chunk(self, group: asyncio.TaskGroup, chunk: Chunk, squeezing: asyncio.Task[_Squeezed]) -> int:
        """Returns the bytes of the bench that are free again."""
        squeezed = await squeezing
        crc = await self._check_chunk(chunk, squeezed)
        await self._take_room()
        self._writer.add(chunk, squeezed.data, squeezed.method, crc)
        if self._writer.full:
            self._cut(group)
        return _cost(chunk.stop - chunk.start)

    async def _check_chunk(self, chunk: Chunk, squeezed: _Squeezed) -> int:
        """The CRC-32 of the entry so far."""
        if self._check is None:
            self._check = self._check_of(chunk.entry)
        check = self._check
        with self._watch.blamed(chunk.entry):
            await check.add(squeezed.raw, squeezed.crc, last=chunk.last)
            if check.corrected:
                await self._correct(chunk.entry, check.crc, squeezed.method)
        if chunk.last:
            self._check = None
            self._methods.pop(chunk.entry, None)
            if check.proven:
                self._proven[chunk.entry] = check.crc
            self._watch.done(chunk.entry, check.crc)
        return check.crc

    def _check_of(self, number: int, crc: int = 0, offset: int = 0) -> StreamCheck:
        return StreamCheck(self._plan.entries[number], crc, offset, doubtful=self._sources[number].doubtful)

    async def _correct(self, number: int, crc: int, method: Method) -> None:
        """Makes sure of a CRC-32 that the catalogue does not know. Raises `CatalogueWrong` where it is too late for it."""
        entry = self._plan.entries[number]
        if entry.sha256 is None:  # bytes that were spoilt on their way must not pass
            same = StreamCheck(replace(entry, crc32=crc))
            for start in range(0, entry.size, CHUNK):
                stop = min(start + CHUNK, entry.size)
                again = bytearray()
                await self._reader.read(self._sources[number], start, stop, again.extend)
                await same.add(again, crc32(again), last=stop == entry.size)
        if method is Method.STORED and not is_whole(entry):
            raise CatalogueWrong(number, crc, entry.name)

    async def _take_room(self) -> None:
        if not self._room:
            room = part_room(self._plan.part_size)
            await self._bench.budget.take(room)
            self._room = room

    def _cut(self, group: asyncio.TaskGroup) -> None:
        """Sends a part, which keeps as much of the room as it needs."""
        part, checkpoint = self._writer.cut(crc32)
        self._sums.append((checkpoint.crc32, checkpoint.size))
        self._bench.budget.give(self._room - len(part))
        self._room = 0
        task = group.create_task(self._send(len(self._sums), part, checkpoint))
        # Not in the task itself: one that is cancelled before its first step never gets there.
        task.add_done_callback(lambda _: self._bench.budget.give(checkpoint.size))

    async def _send(self, number: int, part: bytearray, checkpoint: Checkpoint) -> None:
        etag = await self._upload.send(number, part)
        self._etags[number] = etag
        self._watch.part(DonePart(number=number, etag=etag, crcs={}, checkpoint=checkpoint))

    def _method_of(self, entry: int) -> asyncio.Future[Method]:
        if entry not in self._methods:
            self._methods[entry] = asyncio.get_running_loop().create_future()
        return self._methods[entry]

    async def _squeeze(self, chunk: Chunk) -> _Squeezed:
        """Reads a chunk and compresses it, unless its entry is to be stored."""
        raw = bytearray()
        decided = self._method_of(chunk.entry)

        def take(data: bytes) -> None:
            raw.extend(data)
            self._watch.read(chunk.entry, len(data))

        with self._watch.blamed(chunk.entry):
            await self._reader.read(self._sources[chunk.entry], chunk.start, chunk.stop, take)
        if chunk.start and await decided is Method.STORED:
            return _Squeezed(raw, raw, Method.STORED, crc32(raw))
        crc, deflated = await asyncio.to_thread(lambda: (crc32(raw), deflate(raw, last=chunk.last)))
        if not chunk.start:
            decided.set_result(self._plan.method(chunk, len(deflated)))
        method = decided.result()
        return _Squeezed(raw, raw if method is Method.STORED else deflated, method, crc)


def _first_parts(done: Sequence[DonePart]) -> list[tuple[DonePart, Checkpoint]]:
    """The parts that the rest of the bundle can be written behind: up to the first that is missing."""
    first: list[tuple[DonePart, Checkpoint]] = []
    for number, part in enumerate(sorted(done, key=lambda part: part.number), 1):
        if part.number != number or part.checkpoint is None:
            break
        first.append((part, part.checkpoint))
    return first
