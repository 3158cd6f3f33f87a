"""A bundle on its way into the store: its multipart upload, and the parts of it that are there.

An upload outlives the attempt that began it: the next one, or that of a person's retry, makes only what is missing, as
long as it has the same plan. What is known of the parts is in PostgreSQL, so nothing is asked of the store to go on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

from jobs.bundles.format.zip_records import Method


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A multipart upload that a job's attempts share."""

    key: str
    id: str
    fingerprint: str
    """Of the plan and its pinned sources (`jobs.bundles.planning.fingerprint`): with another one nothing can be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedEntry:
    """What the directory of a deflated bundle has to say of an entry. `size` is its bytes in the bundle."""

    offset: int
    """Of its local header, in bytes from the start of the bundle."""
    method: Method
    crc32: int
    size: int

    def grown(self, amount: int, crc32: int) -> Self:
        """With so many more bytes in the bundle, and the CRC-32 of all of the file that is there then."""
        return replace(self, size=self.size + amount, crc32=crc32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What is known at the end of a part of a deflated bundle: the next part goes on from there."""

    size: int
    """Of the part, in bytes."""
    crc32: int
    """Of the part."""
    entry: int
    """The number of the entry whose bytes come next; with no entry left, that of entries."""
    offset: int
    """The next of its bytes; with no entry left, of those behind the entries."""
    begun: PackedEntry | None
    """That entry as far as it is in the bundle, if any of it is."""
    ended: tuple[PackedEntry, ...]
    """The entries that end in the part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DonePart:
    """A part that the store has."""

    number: int
    etag: str
    crcs: Mapping[int, int]
    """CRC-32 of ranges of sources in it, by their place among its pieces. One that is a whole file whose CRC-32 is
    promised is left out: it was checked. A part of a deflated bundle has none."""
    checkpoint: Checkpoint | None = None
    """Of a part of a deflated bundle."""
