"""The plan of a stored bundle: how it is cut into the parts of a multipart upload, before its first byte is read.

A bundle is, in the layout's order, the local header and the bytes of each entry, then the trailer: the manifest as the
last entry, the central directory, and the end records. The central directory lists the entries in the order of the
request, whatever the layout's order.

There are two ways to cut a bundle into parts. When it is streamed, all parts have the same size and only the last may be
shorter, since some stores require this. When the store can copy ranges of objects into parts, most bytes of the large
files become parts of their own (`Part.copied`), which no worker transfers, and parts of small files end where a file
ends, so that each file is read in one piece. Between two copied parts comes a run of generated and streamed bytes. A
part has at least 5 MiB, so the layout puts small files before each large one; where they do not suffice, the run includes
the first bytes of the large file. The layout is the same for both ways, so the size of a bundle does not depend on what
the store supports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, repeat
from zlib import crc32

from jobs.bundles.format import manifests, zip_records
from jobs.bundles.format.bundle_parts import HeaderRange, Part, Piece, SourceRange, TrailerRange
from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.part_schedule import entry_spans, ranges_to_prescan, schedule_parts
from jobs.bundles.format.zip_records import Entry
from jobs.errors import BundleTooLarge

MIB = 1 << 20
MAX_PARTS = 10_000
"""Amazon S3 User Guide, "Multipart upload limits", as are the next two."""
MIN_PART_SIZE = 5 * MIB
MAX_PART_SIZE = 5 << 30
MAX_COPY_SIZE = 256 * MIB
"""Bytes of a copied part: small enough to show progress and to be cheap to repeat."""
OVERSIZE_SHARE = 64
"""A part that ends with a file may exceed the part size by one part in 64: two files of half a part have headers, too."""
MAX_COPIED = 2_500
"""The number of copied files in a bundle, and of copied parts not counting the last of each file. The runs between them
and the streamed files need some of the 10,000 parts, too."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The offsets of everything, in bytes from the start of the bundle."""

    entry_order: tuple[int, ...]
    """The indexes of the entries, in the order of their bytes."""
    offsets: tuple[int, ...]
    """Of the local headers, by entry index."""
    manifest_entry: Entry
    trailer_offset: int
    directory_offset: int
    directory_size: int
    size: int
    """Of the whole bundle."""


@dataclass(frozen=True, slots=True)
class StoredPlan:
    """Everything about a stored bundle that follows from names and sizes. The same input always gives the same plan."""

    entries: tuple[Entry, ...]
    manifest: Manifest
    layout: Layout
    part_size: int
    """Bytes of a streamed part; one that ends with a file may be slightly larger or smaller."""
    parts: tuple[Part, ...]
    schedule: tuple[Part, ...]
    """The parts in the order in which they are started. A part waits only for parts that come earlier here, so memory
    for a single part is enough to finish."""
    prescan: tuple[SourceRange, ...]
    """Ranges that are read once before any part, only for their checksums; their bytes are discarded.

    There are two kinds. First, whole entries in several parts whose SHA-256 is known but not their CRC-32: the hash
    needs the parts from front to back, but the first part needs the CRC-32. Second, the bytes that an entry without
    CRC-32 has in the first part of the trailer: the part with its header waits for these bytes, and the trailer waits
    for the bytes in that part.
    """
    unknown_crcs: tuple[int, ...]
    """Indexes of the entries whose CRC-32 is known only after reading them."""
    copied: frozenset[int] = frozenset()
    """Indexes of the entries some of whose bytes the store copies."""

    @property
    def size(self) -> int:
        """Bytes of the bundle."""
        return self.layout.size

    @property
    def single(self) -> bool:
        """True if the bundle is a single part, which needs no multipart upload."""
        return len(self.parts) == 1

    def known_crcs(self) -> list[int | None]:
        """The CRC-32 of every entry as far as it is known before reading: the list to complete for `render`."""
        return [entry.known_crc32 for entry in self.entries]

    def required_crcs(self, part: Part) -> tuple[int, ...]:
        """Indexes of the entries without a known CRC-32 that must be read in full before `part` can be rendered.

        Their bytes may be in the part itself. The trailer requires all of them.
        """
        if part.has_trailer:
            return self.unknown_crcs
        headers = (piece.entry for piece in part.pieces if isinstance(piece, HeaderRange))
        return tuple(entry for entry in headers if self.entries[entry].known_crc32 is None)

    def render(
        self, piece: HeaderRange | TrailerRange, crcs: Sequence[int | None], trailer: bytes | None = None
    ) -> bytes:
        """The bytes of a generated piece. `crcs` has one CRC-32 per entry, at least those of `required_crcs`.

        `trailer` is what `render_trailer` returned, if it was called already: in several parts it is best rendered once.
        Raises `ValueError` when a CRC-32 is missing.
        """
        if isinstance(piece, TrailerRange):
            whole = self.render_trailer(crcs) if trailer is None else trailer
        else:
            whole = self.render_header(piece.entry, crcs)
        return whole[piece.start : piece.stop]

    def render_header(self, entry: int, crcs: Sequence[int | None]) -> bytes:
        """The local header of an entry. Raises `ValueError` as `render`."""
        return zip_records.local_header(self.entries[entry], _required(crcs, entry))

    def render_trailer(self, crcs: Sequence[int | None]) -> bytes:
        """The manifest with its header, the central directory and the end records. Raises `ValueError` as `render`."""
        known = [_required(crcs, entry) for entry in range(len(self.entries))]
        layout = self.layout
        manifest = manifests.render(self.manifest, self.entries, known)
        listed = chain(
            zip(self.entries, known, layout.offsets, strict=True),
            [(layout.manifest_entry, crc32(manifest), layout.trailer_offset)],
        )
        return b"".join(
            [
                zip_records.local_header(layout.manifest_entry, crc32(manifest)),
                manifest,
                *(zip_records.central_directory_header(*row) for row in listed),
                zip_records.end_records(len(self.entries) + 1, layout.directory_offset, layout.directory_size),
            ]
        )


def plan_stored(
    entries: Iterable[Entry],
    manifest: Manifest,
    part_size: int,
    max_part_size: int = MAX_PART_SIZE,
    *,
    copies: bool = False,
) -> StoredPlan:
    """The plan of a stored bundle of these entries, whose names come from `names.unique_names`.

    `part_size` and `max_part_size` are bytes, from 5 MiB to 5 GiB. Streamed parts are larger than `part_size`, by whole
    MiB, when there would be more than 10,000 of them. `copies`: the store copies ranges of the sources into parts.
    Raises `BundleTooLarge` when parts would have to be larger than `max_part_size`, and `ValueError` when `part_size`
    exceeds it or is not a size that S3 accepts.
    """
    entries = tuple(entries)
    layout = _lay_out(entries, manifest)
    copy_starts = _copy_starts(layout, entries) if copies else {}
    part_size, parts = _parts(layout, entries, copy_starts, part_size, max_part_size, whole_files=copies)
    spans = list(entry_spans(parts))
    return StoredPlan(
        entries=entries,
        manifest=manifest,
        layout=layout,
        part_size=part_size,
        parts=parts,
        schedule=schedule_parts(parts, entries, spans),
        prescan=tuple(ranges_to_prescan(parts, entries, spans)),
        unknown_crcs=tuple(index for index, entry in enumerate(entries) if entry.known_crc32 is None),
        copied=frozenset(copy_starts),
    )


def bundle_size(entries: Iterable[Entry], manifest: Manifest) -> int:
    """The exact size of the stored bundle of these entries, in bytes."""
    return _lay_out(tuple(entries), manifest).size


# --- the layout --------------------------------------------------------------------------------------------------------


def _lay_out(entries: tuple[Entry, ...], manifest: Manifest) -> Layout:
    last = Entry(manifests.NAME, manifests.size(manifest, entries), None, None, manifest.created_at)
    order = _entry_order(entries)
    offsets, at, directory_size = [0] * len(entries), 0, 0
    for number in order:
        offsets[number] = at
        directory_size += zip_records.central_directory_header_size(entries[number], at)
        at += zip_records.local_header_size(entries[number]) + entries[number].size
    trailer_offset = at
    directory_size += zip_records.central_directory_header_size(last, at)
    at += zip_records.local_header_size(last) + last.size
    return Layout(
        entry_order=order,
        offsets=tuple(offsets),
        manifest_entry=last,
        trailer_offset=trailer_offset,
        directory_offset=at,
        directory_size=directory_size,
        size=at + directory_size + zip_records.end_records_size(len(offsets) + 1, at, directory_size),
    )


def _entry_order(entries: tuple[Entry, ...]) -> tuple[int, ...]:
    """The copyable files, largest first, each preceded by other files that fill a part with its header; then the rest."""
    large = sorted((n for n, entry in enumerate(entries) if _is_copyable(entry)), key=lambda n: -entries[n].size)
    large = large[:MAX_COPIED]
    chosen = set(large)
    others = (number for number in range(len(entries)) if number not in chosen)
    order: list[int] = []
    for number in large:
        run = zip_records.local_header_size(entries[number])
        while run < MIN_PART_SIZE and (other := next(others, None)) is not None:
            order.append(other)
            run += zip_records.local_header_size(entries[other]) + entries[other].size
        order.append(number)
    return (*order, *others)


def _is_copyable(entry: Entry) -> bool:
    """Copied bytes are never read: their checksum must be trusted, and they must be enough for a part."""
    return entry.trusted and entry.crc32 is not None and entry.size > MIN_PART_SIZE


def _copy_starts(layout: Layout, entries: tuple[Entry, ...]) -> dict[int, int]:
    """The copied entries with the first byte that is copied; the bytes before it belong to the run that ends there."""
    starts: dict[int, int] = {}
    run = 0
    for number in layout.entry_order:
        entry = entries[number]
        run += zip_records.local_header_size(entry)
        start = max(0, MIN_PART_SIZE - run)
        if len(starts) < MAX_COPIED and _is_copyable(entry) and entry.size - start >= MIN_PART_SIZE:
            starts[number] = start
            run = 0
        else:
            run += entry.size
    return starts


def _parts(
    layout: Layout,
    entries: tuple[Entry, ...],
    copy_starts: Mapping[int, int],
    part_size: int,
    max_part_size: int,
    *,
    whole_files: bool,
) -> tuple[int, tuple[Part, ...]]:
    """The size of a streamed part, and all parts."""
    lengths = [entries[number].size - start for number, start in copy_starts.items()]
    copied = sum(lengths)
    copy_size = MAX_COPY_SIZE if copied <= MAX_COPY_SIZE * MAX_COPIED else -(-copied // (MAX_COPIED * MIB)) * MIB
    copies = sum(-(-length // copy_size) for length in lengths)
    # Each run may have a part that is not full.
    max_parts = MAX_PARTS - copies - len(copy_starts)
    part_size = fitting_part_size(layout.size - copied, part_size, max_part_size, max_parts)
    if whole_files:
        largest = min(part_size + part_size // OVERSIZE_SHARE, max_part_size)
        parts = tuple(_cut(layout, entries, copy_starts, part_size, copy_size, largest))
        if len(parts) <= MAX_PARTS:
            return part_size, parts
    return part_size, tuple(_cut(layout, entries, copy_starts, part_size, copy_size))


def fitting_part_size(size: int, part_size: int, max_part_size: int, parts: int) -> int:
    """The part size with which `size` bytes fit into `parts` parts. Raises as `plan_stored`."""
    if not MIN_PART_SIZE <= part_size <= max_part_size <= MAX_PART_SIZE:
        msg = f"part sizes are {MIN_PART_SIZE} to {MAX_PART_SIZE} bytes, not {part_size} to {max_part_size}"
        raise ValueError(msg)
    if size <= part_size * parts:
        return part_size
    needed = -(-size // (parts * MIB)) * MIB
    if needed > max_part_size:
        msg = (
            f"The bundle would have {size:,} bytes; with parts of at most {max_part_size:,} bytes it can have "
            f"{max_part_size * parts:,}. Request fewer files."
        )
        raise BundleTooLarge(msg)
    return needed


# --- the parts ---------------------------------------------------------------------------------------------------------


def _cut(
    layout: Layout,
    entries: tuple[Entry, ...],
    copy_starts: Mapping[int, int],
    part_size: int,
    copy_size: int,
    largest: int | None = None,
) -> Iterator[Part]:
    """The parts. Those after the last copied one end where files end, unless that makes them larger than `largest`."""
    numbers = count(1)
    run: list[Piece] = []
    for number in layout.entry_order:
        size = entries[number].size
        run.append(HeaderRange(number, 0, zip_records.local_header_size(entries[number])))
        start = copy_starts.get(number, size)
        if start:
            run.append(SourceRange(number, 0, start))
        if number in copy_starts:
            length = sum(piece.stop - piece.start for piece in run)
            parts = max(1, min(-(-length // part_size), length // MIN_PART_SIZE))
            yield from _slices(run, numbers, _split_evenly(length, parts))
            lengths = _split_evenly(size - start, -(-(size - start) // copy_size))
            yield from _slices([SourceRange(number, start, size)], numbers, lengths, copied=True)
            run = []
    run.append(TrailerRange(0, layout.size - layout.trailer_offset))
    yield from _slices(run, numbers, _whole_file_lengths(run, part_size, largest) if largest else repeat(part_size))


def _whole_file_lengths(run: Iterable[Piece], part_size: int, largest: int) -> Iterator[int]:
    """The lengths of parts that end where files end, if possible."""
    size = 0
    for file in _file_lengths(run):
        if size >= MIN_PART_SIZE and size + file > largest:
            yield size
            size = 0
        size += file
        while size > largest:
            yield part_size
            size -= part_size
    yield size


def _file_lengths(run: Iterable[Piece]) -> Iterator[int]:
    """The length of each file with its header, then that of the trailer."""
    length = 0
    for piece in run:
        if not isinstance(piece, SourceRange):
            yield length
            length = 0
        length += piece.stop - piece.start
    yield length


def _split_evenly(length: int, parts: int) -> Iterator[int]:
    """`parts` lengths that differ by at most one and add up to `length`."""
    return (length * (part + 1) // parts - length * part // parts for part in range(parts))


def _slices(
    run: Iterable[Piece], numbers: Iterator[int], sizes: Iterator[int], *, copied: bool = False
) -> Iterator[Part]:
    """The run, cut into parts of these sizes; the last may be shorter."""
    pieces: list[Piece] = []
    size = room = 0
    for piece in run:
        start = piece.start
        while start < piece.stop:
            if not room:
                size = room = next(sizes)
            stop = min(piece.stop, start + room)
            pieces.append(piece if (start, stop) == (piece.start, piece.stop) else _slice(piece, start, stop))
            room -= stop - start
            start = stop
            if not room:
                yield Part(next(numbers), tuple(pieces), size, copied)
                pieces = []
    if pieces:
        yield Part(next(numbers), tuple(pieces), size - room, copied)


def _slice(piece: Piece, start: int, stop: int) -> Piece:
    return TrailerRange(start, stop) if isinstance(piece, TrailerRange) else type(piece)(piece.entry, start, stop)


def _required(crcs: Sequence[int | None], entry: int) -> int:
    value = crcs[entry]
    if value is None:
        msg = f"the CRC-32 of entry {entry} is not known yet"
        raise ValueError(msg)
    return value
