"""The order in which the parts of a stored bundle are started, so that none waits for a part that starts later.

A part that holds the local header of an entry whose CRC-32 is unknown waits for all parts that hold bytes of that entry.
A SHA-256 is computed from front to back, so the parts of an entry that has one wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import chain, pairwise

from jobs.bundles.format.bundle_parts import HeaderRange, Part, SourceRange
from jobs.bundles.format.zip_records import Entry


@dataclass(slots=True)
class EntrySpan:
    """Which parts hold an entry, as indexes: its header from `header` to `header_end`, its bytes from `first` to `last`."""

    entry: int
    header: int
    header_end: int
    first: int = -1
    last: int = -1


def entry_spans(parts: Sequence[Part]) -> Iterator[EntrySpan]:
    """The spans of the entries that have bytes and are streamed in more than one part."""
    span: EntrySpan | None = None
    for index, part in enumerate(parts):
        if part.copied:
            span = None
            continue
        for piece in part.pieces:
            if isinstance(piece, SourceRange) and span:
                span.first = index if piece.start == 0 else span.first
                span.last = index
            elif isinstance(piece, HeaderRange) and span and piece.start:
                span.header_end = index
            else:
                if span and span.header < span.last:
                    yield span
                span = EntrySpan(piece.entry, index, index) if isinstance(piece, HeaderRange) else None


def schedule_parts(parts: Sequence[Part], entries: Sequence[Entry], spans: Iterable[EntrySpan]) -> tuple[Part, ...]:
    """Every part after those that it waits for, otherwise by number; the parts of the trailer come last.

    Entries follow each other, so two of them share at most one part, and their dependencies cannot form a cycle. Only
    the trailer could close one, and what it shares with an entry is in `ranges_to_prescan`.
    """
    trailer = _first_trailer_part(parts)
    dependents: list[list[int]] = [[] for _ in parts]
    dependency_counts = [0] * trailer
    for earlier, later in chain.from_iterable(_dependencies(entries[span.entry], span) for span in spans):
        if max(earlier, later) < trailer:
            dependents[earlier].append(later)
            dependency_counts[later] += 1
    ready = [index for index in range(trailer) if not dependency_counts[index]]
    schedule = []
    while ready:
        index = heappop(ready)
        schedule.append(parts[index])
        for dependent in dependents[index]:
            dependency_counts[dependent] -= 1
            if not dependency_counts[dependent]:
                heappush(ready, dependent)
    return (*schedule, *parts[trailer:])


def _dependencies(entry: Entry, span: EntrySpan) -> Iterator[tuple[int, int]]:
    """Pairs of part indexes; the second part waits for the first because of this entry."""
    if entry.known_crc32 is None:
        for header in range(span.header, span.header_end + 1):
            yield from ((part, header) for part in range(max(header + 1, span.first), span.last + 1))
    elif entry.sha256 is not None:
        # Sorting by number gives this order anyway, since only the last of these parts can be delayed. It is explicit
        # because the hash depends on it.
        yield from pairwise(range(span.first, span.last + 1))


def ranges_to_prescan(
    parts: Sequence[Part], entries: Sequence[Entry], spans: Iterable[EntrySpan]
) -> Iterator[SourceRange]:
    """The ranges whose checksums are needed before any part can be made (`StoredPlan.prescan`)."""
    trailer = _first_trailer_part(parts)
    for span in spans:
        entry = entries[span.entry]
        if entry.known_crc32 is not None:
            continue
        if entry.sha256 is not None and span.first < span.last:
            yield SourceRange(span.entry, 0, entry.size)
        elif span.header < trailer <= span.last:
            yield from (piece for _, piece in parts[trailer].source_ranges() if piece.entry == span.entry)


def _first_trailer_part(parts: Sequence[Part]) -> int:
    return next(index for index, part in enumerate(parts) if part.has_trailer)
