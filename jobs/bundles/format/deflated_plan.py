"""The deflated bundle: what can be said of it beforehand, and how it grows.

How small a file becomes is known when it is done. So this bundle is made from front to back, in the order of the request:
files are cut into chunks (`DeflatePlan.chunks`), each of which can be compressed by itself, and a `Writer` puts one behind
the other. A part of the upload ends where a chunk ends, as soon as it is large enough, so parts differ in size. With each
part goes a `Checkpoint`: whoever has the checkpoints of the first parts can write the rest.

Readers that go from front to back like to know sizes before the bytes. So a file of up to `WHOLE` bytes waits until it
is compressed, and its local header says all. A larger one has a data descriptor behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from jobs.bundles.format import manifests, zip_records
from jobs.bundles.format.checkpoints import Checkpoint, PackedEntry
from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.stored_plan import MAX_PART_SIZE, MAX_PARTS, MIB, fitting_part_size
from jobs.bundles.format.zip_records import MAX_32, Deflated, Entry, Method

CHUNK = MIB
"""Bytes of a file that are compressed at once. Nothing refers back beyond them, which costs less than 1 % of the size."""
WHOLE = 2 * MIB
"""Bytes of a file whose compressed form is kept until it is complete."""
_STORED_BLOCK = 0xFFFF
"""Bytes of a stored block in a deflate stream (RFC 1951, 3.2.4)."""
_HEADERS = MIB // 8
"""Bytes of a local header and a data descriptor, and more: a name has 64 KiB at most."""
_WORTH = 0.95
"""A file whose first chunk stays larger than this share is stored: a JPEG or a ZIP gains nothing."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes `start` to `stop` of the file that is entry number `entry`. An empty file has one chunk, too."""

    entry: int
    start: int
    stop: int
    last: bool
    """The entry ends with it."""


@dataclass(frozen=True, slots=True)
class DeflatePlan:
    """What is known before the first byte is read."""

    entries: tuple[Entry, ...]
    manifest: Manifest
    part_size: int
    """Bytes that a part has at least; the last may be shorter. It has at most `part_room(part_size)`."""
    size_at_most: int
    """Bytes of the bundle if no file shrinks."""

    def chunks(self, entry: int = 0, offset: int = 0) -> Iterator[Chunk]:
        """The chunks of all files, from byte `offset` of an entry on, which is a chunk's start."""
        for number in range(entry, len(self.entries)):
            size = self.entries[number].size
            for start in range(offset, max(size, 1), CHUNK):
                stop = min(start + CHUNK, size)
                yield Chunk(number, start, stop, stop == size)
            offset = 0

    def method(self, chunk: Chunk, deflated: int) -> Method:
        """How to pack an entry whose first chunk becomes `deflated` bytes.

        A stored entry's CRC-32 must be known when its header is written.
        """
        entry = self.entries[chunk.entry]
        worth = deflated < (chunk.stop - chunk.start) * _WORTH
        known = is_whole(entry) or entry.crc32 is not None
        return Method.STORED if known and not worth else Method.DEFLATED


def plan_deflated(
    entries: Iterable[Entry], manifest: Manifest, part_size: int, max_part_size: int = MAX_PART_SIZE
) -> DeflatePlan:
    """The plan of a deflated bundle. Arguments and errors are those of `plans.plan_bundle`."""
    entries = tuple(entries)
    size = _size_at_most(entries, manifest)
    return DeflatePlan(entries, manifest, fitting_part_size(size, part_size, max_part_size, MAX_PARTS), size)


def is_whole(entry: Entry) -> bool:
    """Its local header has its sizes."""
    return entry.size <= WHOLE


def part_room(part_size: int) -> int:
    """Bytes that a part which is being written can take: it may lack one byte when a whole file comes."""
    return part_size + at_most(WHOLE) + _HEADERS


def stored_blocks(data: bytes | bytearray | memoryview, *, last: bool) -> bytes:
    """The data as a deflate stream that does not shrink it (RFC 1951, 3.2.4): 5 bytes more for each 65,535."""
    blocks = []
    for start in range(0, max(len(data), 1), _STORED_BLOCK):
        block = data[start : start + _STORED_BLOCK]
        ends = last and start + _STORED_BLOCK >= len(data)
        length = len(block)
        blocks += [bytes([ends]), length.to_bytes(2, "little"), (length ^ 0xFFFF).to_bytes(2, "little"), block]
    return b"".join(blocks)


def at_most(size: int) -> int:
    """Bytes that so many bytes can become: each chunk as `stored_blocks`."""
    chunks, rest = divmod(size, CHUNK)
    blocks = chunks * -(-CHUNK // _STORED_BLOCK) + max(1, -(-rest // _STORED_BLOCK))
    return size + 5 * blocks


def _is_zip64(entry: Entry) -> bool:
    """Whether a data descriptor has 64 bits. Java 17 takes that for granted beyond 4 GiB, and only there."""
    return at_most(entry.size) > MAX_32


def _size_at_most(entries: Sequence[Entry], manifest: Manifest) -> int:
    at = directory = 0
    for entry in entries:
        packed, zip64 = at_most(entry.size), _is_zip64(entry)
        directory += len(zip_records.directory_header(entry, 0, at, Deflated(packed, described=True)))
        at += (
            len(zip_records.described_header(entry, zip64=zip64))
            + packed
            + len(zip_records.descriptor(entry, 0, 0, zip64=zip64))
        )
    last = _manifest_entry(manifest, manifests.size(manifest, entries))
    directory += zip_records.directory_header_size(last, at)
    at += zip_records.local_header_size(last) + last.size
    return at + directory + zip_records.end_records_size(len(entries) + 1, at, directory)


def _manifest_entry(manifest: Manifest, size: int) -> Entry:
    return Entry(manifests.NAME, size, None, None, manifest.created_at)


class Writer:
    """Writes a deflated bundle, or the rest of one.

    `add` takes the plan's chunks from `place` on, in their order, and `finish` ends them. Whenever `full`, and after the
    end until nothing is `left`, `cut` hands out a part.
    """

    def __init__(self, plan: DeflatePlan, kept: Sequence[Checkpoint] = ()) -> None:
        """`kept` are the checkpoints of the first parts, in their order."""
        self._plan = plan
        self.packed = [one for part in kept for one in part.ended]
        """The entries that are in the bundle."""
        self.entry, self.offset = (kept[-1].entry, kept[-1].offset) if kept else (0, 0)
        """Where the next chunk starts; behind the last entry, the bytes of the tail that earlier parts have."""
        self.begun = kept[-1].begun if kept else None
        """The entry that `offset` is in, as far as it is in the bundle."""
        self._at = sum(part.size for part in kept)
        """Bytes of the parts that were cut."""
        self._told = len(self.packed)
        """The entries that the checkpoints have told of."""
        self._buffer = bytearray()
        self._waiting = bytearray()
        """Of an entry that is not complete and whose header is to have its sizes."""
        self._tail_start: int | None = None
        """In bytes of the bundle, once it is finished."""

    @property
    def size(self) -> int:
        """Bytes of the bundle so far."""
        return self._at + len(self._buffer)

    @property
    def full(self) -> bool:
        """There is a part to cut."""
        return len(self._buffer) >= self._plan.part_size

    @property
    def left(self) -> bool:
        """There are bytes that are in no part yet."""
        return bool(self._buffer)

    def add(self, chunk: Chunk, data: bytes | bytearray | memoryview, method: Method, crc: int) -> None:
        """Puts the chunk, which has become `data`, behind what is there.

        `method` is the one for its entry; `crc` is the CRC-32 of the entry up to the end of the chunk.
        """
        assert not self.full
        entry = self._plan.entries[chunk.entry]
        if self.begun is None:
            self.begun = PackedEntry(offset=self.size, method=method, crc32=0, size=0)
            if not is_whole(entry):
                self._buffer += self._header(entry, method)
        (self._waiting if is_whole(entry) else self._buffer).extend(data)
        self.begun = self.begun.grown(len(data), crc)
        self.entry, self.offset = chunk.entry, chunk.stop
        if chunk.last:
            self._end(entry, self.begun)

    def _header(self, entry: Entry, method: Method) -> bytes:
        if method is Method.DEFLATED:
            return zip_records.described_header(entry, zip64=_is_zip64(entry))
        assert entry.crc32 is not None
        return zip_records.local_header(entry, entry.crc32)

    def _end(self, entry: Entry, packed: PackedEntry) -> None:
        deflated = packed.size if packed.method is Method.DEFLATED else None
        if is_whole(entry):
            self._buffer += zip_records.local_header(entry, packed.crc32, deflated)
            self._buffer += self._waiting
            self._waiting = bytearray()
        elif deflated is not None:
            self._buffer += zip_records.descriptor(entry, packed.crc32, deflated, zip64=_is_zip64(entry))
        self.packed.append(packed)
        self.begun = None
        self.entry, self.offset = self.entry + 1, 0

    def finish(self) -> None:
        """Adds the manifest, the central directory and the end records, after all chunks."""
        assert self.entry == len(self._plan.entries)
        self._tail_start = self.size - self.offset
        self._buffer += memoryview(self._tail(self._tail_start))[self.offset :]

    def _tail(self, start: int) -> bytes:
        """What stands behind the entries, which end at byte `start`."""
        plan = self._plan
        text = manifests.render(plan.manifest, plan.entries, [packed.crc32 for packed in self.packed])
        last = _manifest_entry(plan.manifest, len(text))
        front = zip_records.local_header(last, crc32(text)) + text
        directory = b"".join(
            [
                *map(self._directory_header, plan.entries, self.packed),
                zip_records.directory_header(last, crc32(text), start),
            ]
        )
        return front + directory + zip_records.end_records(len(plan.entries) + 1, start + len(front), len(directory))

    @staticmethod
    def _directory_header(entry: Entry, packed: PackedEntry) -> bytes:
        described = not is_whole(entry)
        deflated = Deflated(packed.size, described) if packed.method is Method.DEFLATED else None
        return zip_records.directory_header(entry, packed.crc32, packed.offset, deflated)

    def cut(self, crc: Callable[[bytearray], int]) -> tuple[bytearray, Checkpoint]:
        """The next part, and what to keep with it. `crc` computes the CRC-32 of the part."""
        if self._tail_start is None:
            part, self._buffer = self._buffer, bytearray()
        else:
            part = self._buffer[: self._plan.part_size]
            del self._buffer[: self._plan.part_size]
        self._at += len(part)
        if self._tail_start is not None:
            self.offset = self._at - self._tail_start
        ended, self._told = tuple(self.packed[self._told :]), len(self.packed)
        return part, Checkpoint(
            size=len(part), crc32=crc(part), entry=self.entry, offset=self.offset, begun=self.begun, ended=ended
        )
