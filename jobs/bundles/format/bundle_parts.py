"""The parts of a stored bundle: each is one part of the multipart upload, made of pieces that follow each other.

`HeaderRange` and `TrailerRange` pieces are generated, `SourceRange` pieces are read from the store. All ranges are bytes
`start` up to, not including, `stop`; entries are given by their index in the plan.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HeaderRange:
    """A range of the local header of an entry."""

    entry: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class SourceRange:
    """A range of the file that is an entry."""

    entry: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class TrailerRange:
    """A range of the trailer: the manifest with its header, the central directory, the end records."""

    start: int
    stop: int


Piece = HeaderRange | SourceRange | TrailerRange


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the upload. `number` counts from 1, `size` is in bytes."""

    number: int
    pieces: tuple[Piece, ...]
    size: int
    copied: bool = False
    """The store copies the part from a source (UploadPartCopy); it is a single `SourceRange`."""

    @property
    def has_trailer(self) -> bool:
        return isinstance(self.pieces[-1], TrailerRange)

    def source_ranges(self) -> list[tuple[int, SourceRange]]:
        """The ranges that are read, each with its index among the pieces."""
        return [(index, piece) for index, piece in enumerate(self.pieces) if isinstance(piece, SourceRange)]
