"""The bundle under construction: its multipart upload, and the parts of it that the store already has.

A multipart upload outlives the attempt that created it: the next attempt, or one after a person's retry, only makes the
missing parts, as long as it has the same plan. The finished parts are recorded in PostgreSQL, so continuing costs no call
to the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from jobs.bundles.format.zip_records import Method
from jobs.engine.jobs import UploadPart


@dataclass(frozen=True, slots=True, kw_only=True)
class MultipartUpload:
    """A multipart upload that the attempts of a download share."""

    key: str
    id: str
    fingerprint: str
    """Of the plan and its pinned sources (`jobs.bundles.planning.fingerprint_plan`). Another plan needs a new upload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedEntry:
    """What the central directory of a deflated bundle needs of an entry. `size` is its compressed size in bytes."""

    offset: int
    """The offset of its local header, in bytes from the start of the bundle."""
    method: Method
    crc32: int
    size: int

    def grown(self, amount: int, crc32: int) -> Self:
        """The entry with `amount` more bytes in the bundle, and the CRC-32 of the file up to there."""
        return replace(self, size=self.size + amount, crc32=crc32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The state at the end of a part of a deflated bundle, from which the next part continues."""

    size: int
    """Of the part, in bytes."""
    crc32: int
    """Of the part."""
    entry: int
    """The index of the entry whose bytes come next; after the last entry, the number of entries."""
    offset: int
    """The next byte of that entry; after the last entry, the next byte of the trailer."""
    begun: PackedEntry | None
    """That entry as far as it is in the bundle, if it has begun."""
    ended: tuple[PackedEntry, ...]
    """The entries that end in the part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DonePart:
    """A part that the store has received."""

    number: int
    etag: str
    crcs: Mapping[int, int]
    """CRC-32 of the source ranges in the part, by their index among its pieces. A range that is a whole file with the
    catalogue's CRC-32 is left out. A part of a deflated bundle has none."""
    checkpoint: Checkpoint | None = None
    """Only of a part of a deflated bundle."""

    def record(self) -> UploadPart:
        """The part as the engine stores it."""
        checkpoint = None if self.checkpoint is None else _checkpoint_json(self.checkpoint)
        return UploadPart(
            number=self.number, etag=self.etag, detail={"crcs": dict(self.crcs), "checkpoint": checkpoint}
        )

    @classmethod
    def of(cls, record: UploadPart) -> Self:
        """The part from what the engine has stored."""
        crcs, checkpoint = record.detail["crcs"], record.detail["checkpoint"]
        return cls(
            number=record.number,
            etag=record.etag,
            crcs={int(place): crc for place, crc in crcs.items()},
            checkpoint=None if checkpoint is None else _checkpoint_of(checkpoint),
        )


def _checkpoint_json(checkpoint: Checkpoint) -> dict[str, Any]:
    begun = checkpoint.begun
    return {
        "size": checkpoint.size,
        "crc32": checkpoint.crc32,
        "entry": checkpoint.entry,
        "offset": checkpoint.offset,
        "begun": None if begun is None else _packed_json(begun),
        "ended": [_packed_json(one) for one in checkpoint.ended],
    }


def _checkpoint_of(stored: Mapping[str, Any]) -> Checkpoint:
    return Checkpoint(
        size=stored["size"],
        crc32=stored["crc32"],
        entry=stored["entry"],
        offset=stored["offset"],
        begun=None if stored["begun"] is None else _packed_of(stored["begun"]),
        ended=tuple(map(_packed_of, stored["ended"])),
    )


def _packed_json(packed: PackedEntry) -> list[int]:
    return [packed.offset, packed.method, packed.crc32, packed.size]


def _packed_of(stored: Sequence[int]) -> PackedEntry:
    offset, method, crc32, size = stored
    return PackedEntry(offset=offset, method=Method(method), crc32=crc32, size=size)
