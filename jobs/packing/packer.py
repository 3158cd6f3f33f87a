"""Runs a plan: fills part after part within the byte budget, uploads them, completes the bundle.

Parts are independent. They are started in the plan's order as the budget allows; a part that needs a checksum which other
parts bring waits for them, and the plan's order sees to it that those have been started before it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from jobs.blobs.uploads import Uploads
from jobs.concurrency import all_of, first_error_group
from jobs.domain.errors import HaulageError, StorageTimeout, StorageUnreachable
from jobs.domain.plans import BundlePlan, Header, Part, SourceRange, Tail
from jobs.packing.budget import Budget
from jobs.packing.checks import FileCheck, combine, crc32
from jobs.packing.reader import Reader
from jobs.resolving import Source

UPLOAD_PAUSES = (0.2, 1.0, 3.0)
"""Seconds before a part is uploaded again within the attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A bundle that is in the store. Size in bytes."""

    size: int
    crc32: int
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What a packer tells of its work; the numbers are places in the plan's entries."""

    read: Callable[[int, int], None]
    """So many more bytes of this entry were read."""
    done: Callable[[int, int], None]
    """This entry was read whole and checked; its CRC-32."""
    failed: Callable[[int, HaulageError], None]
    """This entry is why the bundle can't be made."""


class Packer:
    """Packs bundles for all jobs of a worker process, within its one budget."""

    def __init__(self, reader: Reader, uploads: Uploads, budget: Budget) -> None:
        self._reader = reader
        self._uploads = uploads
        self._budget = budget

    async def pack(self, plan: BundlePlan, sources: Sequence[Source], key: str, upload_id: str, watch: Watch) -> Packed:
        """Makes the bundle of the sources, which are the plan's entries, under `key`.

        Raises what `Reader.fill` raises, `ChecksumMismatch`, and what the store complains of. The upload is then left
        as it is: whoever made it removes it.
        """
        run = _Run(plan, sources, key, upload_id, watch, self._reader, self._uploads, self._budget)
        return await run.run()


class _Run:
    def __init__(
        self,
        plan: BundlePlan,
        sources: Sequence[Source],
        key: str,
        upload_id: str,
        watch: Watch,
        reader: Reader,
        uploads: Uploads,
        budget: Budget,
    ) -> None:
        self._plan = plan
        self._sources = sources
        self._key = key
        self._upload_id = upload_id
        self._watch = watch
        self._reader = reader
        self._uploads = uploads
        self._budget = budget
        self._checks = [FileCheck(entry) for entry in plan.entries]
        self._etags: dict[int, str] = {}
        self._crcs: dict[int, int] = {}

    async def run(self) -> Packed:
        for index, check in enumerate(self._checks):
            if check.complete:  # an empty file: there is nothing to read
                self._watch.done(index, await check.known())
        for piece in self._plan.read_first:
            await self._read_first(piece)
        async with first_error_group() as group:
            for part in self._plan.order:
                await self._budget.take(part.size)
                self._start(group, part)
        etag = await self._uploads.complete(self._key, self._upload_id, sorted(self._etags.items()))
        whole = combine((self._crcs[part.number], part.size) for part in self._plan.parts)
        return Packed(size=self._plan.size, crc32=whole, etag=etag)

    def _start(self, group: asyncio.TaskGroup, part: Part) -> None:
        task = group.create_task(self._make(part))
        # Not in the task itself: one that is cancelled before its first step never gets there.
        task.add_done_callback(lambda _: self._budget.give(part.size))

    async def _make(self, part: Part) -> None:
        buffer = bytearray(part.size)
        generated: list[tuple[Header | Tail, memoryview]] = []
        reads = []
        place = 0
        for piece in part.pieces:
            target = memoryview(buffer)[place : place + piece.stop - piece.start]
            place += len(target)
            if isinstance(piece, SourceRange):
                reads.append(self._read(piece, target))
            else:
                generated.append((piece, target))
        await all_of(reads)
        await self._generate(part, generated)
        self._crcs[part.number] = crc32(buffer)
        self._etags[part.number] = await self._upload(part, buffer)

    async def _upload(self, part: Part, buffer: bytearray) -> str:
        """Uploads a part, which may be done twice, and again after a broken connection."""
        for pause in UPLOAD_PAUSES:
            try:
                return await self._uploads.upload_part(self._key, self._upload_id, part.number, buffer)
            except (StorageUnreachable, StorageTimeout):
                await asyncio.sleep(pause)
        return await self._uploads.upload_part(self._key, self._upload_id, part.number, buffer)

    async def _read(self, piece: SourceRange, target: memoryview) -> None:
        entry = piece.entry
        with self._blamed(entry):
            await self._reader.fill(
                self._sources[entry], piece.start, target, lambda amount: self._watch.read(entry, amount)
            )
            completed = await self._checks[entry].add(piece.start, target)
        if completed:
            self._watch.done(entry, await self._checks[entry].known())

    @contextmanager
    def _blamed(self, entry: int) -> Iterator[None]:
        try:
            yield
        except HaulageError as error:
            self._watch.failed(entry, error)
            raise

    async def _read_first(self, piece: SourceRange) -> None:
        """Reads a range for its checksum alone, a buffer at a time; a whole file is checked again when it is packed."""
        step = min(self._plan.part_size, self._budget.size)
        check = self._checks[piece.entry]
        for start in range(piece.start, piece.stop, step):
            stop = min(start + step, piece.stop)
            async with self._budget.lend(stop - start):
                target = memoryview(bytearray(stop - start))
                with self._blamed(piece.entry):
                    await self._reader.fill(self._sources[piece.entry], start, target, lambda _: None)
                    await check.add(start, target)
        if check.complete:
            known = replace(check.entry, crc32=await check.known(), sha256=None)
            self._checks[piece.entry] = FileCheck(known)

    async def _generate(self, part: Part, generated: Sequence[tuple[Header | Tail, memoryview]]) -> None:
        crcs: list[int | None] = [check.crc for check in self._checks]
        for entry in self._plan.needs(part):
            crcs[entry] = await self._checks[entry].known()
        tail = self._plan.render_tail(crcs) if part.holds_tail else None
        for piece, target in generated:
            target[:] = self._plan.render(piece, crcs, tail)
