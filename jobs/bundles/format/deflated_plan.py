"""The deflated bundle: what is known of it beforehand, and how it is written.

The compressed size of a file is known only when the file is finished. So this bundle is written from front to back, in
the order of the request: files are cut into chunks (`DeflatedPlan.chunks`), which are compressed independently, and a
`BundleWriter` appends them. A part of the upload ends where a chunk ends, as soon as it is large enough, so parts differ
in size. Each part comes with a `Checkpoint`: the checkpoints of the first parts are enough to write the rest.

Streaming readers prefer sizes before the bytes. So a file of up to `MAX_BUFFERED_SIZE` bytes is buffered until it is
compressed, and its local header has its sizes. A larger file is followed by a data descriptor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from zlib import crc32

from jobs.bundles.format import manifests, zip_records
from jobs.bundles.format.checkpoints import Checkpoint, PackedEntry
from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.stored_plan import MAX_PART_SIZE, MAX_PARTS, MIB, fitting_part_size
from jobs.bundles.format.zip_records import Deflated, Entry, Method

CHUNK_SIZE = MIB
"""Bytes of a file that are compressed at once. No match reaches beyond them, which costs less than 1 % of the size."""
MAX_BUFFERED_SIZE = 2 * MIB
"""Bytes of the largest file whose compressed form is buffered until it is complete."""
_STORED_BLOCK = 0xFFFF
"""Bytes of a stored block in a deflate stream (RFC 1951, 3.2.4)."""
_HEADERS = MIB // 8
"""An upper bound of the bytes of a local header and a data descriptor: a name has at most 64 KiB."""
_MAX_RATIO = 0.95
"""A file whose first chunk does not shrink below this ratio is stored: compressing a JPEG or a ZIP gains nothing."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes `start` to `stop` of the file at index `entry`. An empty file has one chunk, too."""

    entry: int
    start: int
    stop: int
    last: bool
    """It is the last chunk of the entry."""


@dataclass(frozen=True, slots=True)
class DeflatedPlan:
    """What is known of a deflated bundle before the first byte is read."""

    entries: tuple[Entry, ...]
    manifest: Manifest
    part_size: int
    """The least bytes of a part, except the last. A part has at most `part_capacity(part_size)`."""
    max_size: int
    """Bytes of the bundle if no file shrinks."""

    def chunks(self, entry: int = 0, offset: int = 0) -> Iterator[Chunk]:
        """The chunks of all files from byte `offset` of an entry on, where a chunk must start."""
        for number in range(entry, len(self.entries)):
            size = self.entries[number].size
            for start in range(offset, max(size, 1), CHUNK_SIZE):
                stop = min(start + CHUNK_SIZE, size)
                yield Chunk(number, start, stop, stop == size)
            offset = 0

    def method(self, chunk: Chunk, deflated: int) -> Method:
        """The compression method of an entry whose first chunk was deflated to `deflated` bytes.

        The CRC-32 of a stored entry must be known when its header is written.
        """
        entry = self.entries[chunk.entry]
        shrinks = deflated < (chunk.stop - chunk.start) * _MAX_RATIO
        known = is_buffered(entry) or entry.crc32 is not None
        return Method.STORED if known and not shrinks else Method.DEFLATED


def plan_deflated(
    entries: Iterable[Entry], manifest: Manifest, part_size: int, max_part_size: int = MAX_PART_SIZE
) -> DeflatedPlan:
    """The plan of a deflated bundle. Arguments and errors are those of `stored_plan.plan_stored`."""
    entries = tuple(entries)
    max_size = _max_size(entries, manifest)
    return DeflatedPlan(entries, manifest, fitting_part_size(max_size, part_size, max_part_size, MAX_PARTS), max_size)


def is_buffered(entry: Entry) -> bool:
    """True if the entry is buffered until it is complete, so that its local header has its sizes."""
    return entry.size <= MAX_BUFFERED_SIZE


def part_capacity(part_size: int) -> int:
    """The most bytes of a part while it is written: a whole buffered file may come when one byte is missing."""
    return part_size + max_deflated_size(MAX_BUFFERED_SIZE) + _HEADERS


def stored_blocks(data: bytes | bytearray | memoryview, *, last: bool) -> bytes:
    """The data as stored blocks of a deflate stream (RFC 1951, 3.2.4): 5 bytes more for every 65,535."""
    blocks = []
    for start in range(0, max(len(data), 1), _STORED_BLOCK):
        block = data[start : start + _STORED_BLOCK]
        final = last and start + _STORED_BLOCK >= len(data)
        length = len(block)
        blocks += [bytes([final]), length.to_bytes(2, "little"), (length ^ 0xFFFF).to_bytes(2, "little"), block]
    return b"".join(blocks)


def max_deflated_size(size: int) -> int:
    """The most bytes that `size` bytes are deflated to: every chunk as `stored_blocks`."""
    chunks, rest = divmod(size, CHUNK_SIZE)
    blocks = chunks * -(-CHUNK_SIZE // _STORED_BLOCK) + max(1, -(-rest // _STORED_BLOCK))
    return size + 5 * blocks


def _max_size(entries: Sequence[Entry], manifest: Manifest) -> int:
    at = directory = 0
    for entry in entries:
        packed = max_deflated_size(entry.size)
        directory += len(zip_records.central_directory_header(entry, 0, at, Deflated(packed, has_descriptor=True)))
        at += (
            len(zip_records.local_header_with_descriptor(entry))
            + packed
            + len(zip_records.data_descriptor(entry, 0, packed))
        )
    last = _manifest_entry(manifest, manifests.size(manifest, entries))
    directory += zip_records.central_directory_header_size(last, at)
    at += zip_records.local_header_size(last) + last.size
    return at + directory + zip_records.end_records_size(len(entries) + 1, at, directory)


def _manifest_entry(manifest: Manifest, size: int) -> Entry:
    return Entry(manifests.NAME, size, None, None, manifest.created_at)


class BundleWriter:
    """Writes a deflated bundle, or the rest of one.

    `add` appends the chunks of the plan, in their order, from byte `offset` of `entry` on; `finish` appends the trailer.
    `next_part` returns a part: whenever the writer has a `full_part`, and in the end as long as it has `pending` bytes.
    """

    def __init__(self, plan: DeflatedPlan, checkpoints: Sequence[Checkpoint] = ()) -> None:
        """`checkpoints` are those of the first parts, in their order, if these exist already."""
        self._plan = plan
        self.packed = [entry for checkpoint in checkpoints for entry in checkpoint.ended]
        """The entries that are complete in the bundle."""
        self.entry, self.offset = (checkpoints[-1].entry, checkpoints[-1].offset) if checkpoints else (0, 0)
        """Where the next chunk starts. After the last entry, `offset` counts the bytes of the trailer in earlier parts."""
        self.begun = checkpoints[-1].begun if checkpoints else None
        """The entry that `offset` is in, as far as it is in the bundle."""
        self._parts_size = sum(checkpoint.size for checkpoint in checkpoints)
        """Bytes of the finished parts."""
        self._recorded = len(self.packed)
        """The number of entries that are in a checkpoint."""
        self._part = bytearray()
        """The bytes that are in no finished part."""
        self._buffered = bytearray()
        """The compressed bytes of an incomplete entry whose header is to have its sizes."""
        self._trailer_start: int | None = None
        """The offset of the trailer in the bundle, once it is written."""

    @property
    def size(self) -> int:
        """Bytes of the bundle so far."""
        return self._parts_size + len(self._part)

    @property
    def full_part(self) -> bool:
        """True if there are enough bytes for a part."""
        return len(self._part) >= self._plan.part_size

    @property
    def pending(self) -> bool:
        """True if there are bytes that are in no part yet."""
        return bool(self._part)

    def add(self, chunk: Chunk, data: bytes | bytearray | memoryview, method: Method, crc: int) -> None:
        """Appends a chunk, of which `data` are the packed bytes.

        `method` is that of its entry; `crc` is the CRC-32 of the entry up to the end of the chunk.
        """
        assert not self.full_part
        entry = self._plan.entries[chunk.entry]
        if self.begun is None:
            self.begun = PackedEntry(offset=self.size, method=method, crc32=0, size=0)
            if not is_buffered(entry):
                self._part += self._header(entry, method)
        (self._buffered if is_buffered(entry) else self._part).extend(data)
        self.begun = self.begun.grown(len(data), crc)
        self.entry, self.offset = chunk.entry, chunk.stop
        if chunk.last:
            self._end_entry(entry, self.begun)

    @staticmethod
    def _header(entry: Entry, method: Method) -> bytes:
        if method is Method.DEFLATED:
            return zip_records.local_header_with_descriptor(entry)
        assert entry.crc32 is not None
        return zip_records.local_header(entry, entry.crc32)

    def _end_entry(self, entry: Entry, packed: PackedEntry) -> None:
        deflated = packed.size if packed.method is Method.DEFLATED else None
        if is_buffered(entry):
            self._part += zip_records.local_header(entry, packed.crc32, deflated)
            self._part += self._buffered
            self._buffered = bytearray()
        elif deflated is not None:
            self._part += zip_records.data_descriptor(entry, packed.crc32, deflated)
        self.packed.append(packed)
        self.begun = None
        self.entry, self.offset = self.entry + 1, 0

    def finish(self) -> None:
        """Appends the manifest, the central directory and the end records, after all chunks."""
        assert self.entry == len(self._plan.entries)
        self._trailer_start = self.size - self.offset
        self._part += memoryview(self._render_trailer(self._trailer_start))[self.offset :]

    def _render_trailer(self, start: int) -> bytes:
        """The manifest with its header, the central directory and the end records, for offset `start`."""
        plan = self._plan
        text = manifests.render(plan.manifest, plan.entries, [packed.crc32 for packed in self.packed])
        last = _manifest_entry(plan.manifest, len(text))
        manifest = zip_records.local_header(last, crc32(text)) + text
        directory = b"".join(
            [
                *map(self._directory_header, plan.entries, self.packed),
                zip_records.central_directory_header(last, crc32(text), start),
            ]
        )
        end = zip_records.end_records(len(plan.entries) + 1, start + len(manifest), len(directory))
        return manifest + directory + end

    @staticmethod
    def _directory_header(entry: Entry, packed: PackedEntry) -> bytes:
        deflated = (
            Deflated(packed.size, has_descriptor=not is_buffered(entry)) if packed.method is Method.DEFLATED else None
        )
        return zip_records.central_directory_header(entry, packed.crc32, packed.offset, deflated)

    def next_part(self, crc: Callable[[bytearray], int]) -> tuple[bytearray, Checkpoint]:
        """The next part and its checkpoint. `crc` computes the CRC-32 of the part."""
        if self._trailer_start is None:
            part, self._part = self._part, bytearray()
        else:
            part = self._part[: self._plan.part_size]
            del self._part[: self._plan.part_size]
        self._parts_size += len(part)
        if self._trailer_start is not None:
            self.offset = self._parts_size - self._trailer_start
        ended, self._recorded = tuple(self.packed[self._recorded :]), len(self.packed)
        return part, Checkpoint(
            size=len(part), crc32=crc(part), entry=self.entry, offset=self.offset, begun=self.begun, ended=ended
        )
