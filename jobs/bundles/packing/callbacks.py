"""What a packer reports while it works, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from jobs.bundles.format.checkpoints import DonePart
from jobs.errors import HaulageError
from jobs.storage import UploadGone


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedBundle:
    """A bundle that is in the store. Size in bytes."""

    size: int
    crc32: int | None
    """None when an earlier attempt has completed the bundle and not every file's CRC-32 is known."""
    etag: str
    source_crcs: tuple[int | None, ...]
    """The CRC-32 of each source; None unless the source was verified completely."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackingCallbacks:
    """What a packer reports while it works. Entries are given by their index in the plan, amounts are bytes."""

    bytes_read: Callable[[int, int], None]
    """Bytes of an entry were read, or copied by the store."""
    bytes_reused: Callable[[int, int], None]
    """Bytes of an entry are in parts that earlier attempts have uploaded."""
    part_uploaded: Callable[[DonePart], None]
    """A part was uploaded or copied."""
    entry_packed: Callable[[int, int | None], None]
    """An entry is in the bundle and verified; with its CRC-32, if it is known."""
    entry_failed: Callable[[int, HaulageError], None]
    """The bundle cannot be made because of this entry."""

    @contextmanager
    def reporting_failure(self, entry: int) -> Iterator[None]:
        """Reports an error of the block as a failure of the entry, unless it is the upload that is gone."""
        try:
            yield
        except UploadGone:
            raise
        except HaulageError as error:
            self.entry_failed(entry, error)
            raise
