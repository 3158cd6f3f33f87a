"""What whoever makes a bundle tells of its work, and what comes of it."""

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
    """None when an earlier attempt has completed it and this one does not know the CRC-32 of every file."""
    etag: str
    crcs: tuple[int | None, ...]
    """Of the sources, as far as they are known to be theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackingCallbacks:
    """What a packer tells of its work; the numbers are places in the plan's entries."""

    read: Callable[[int, int], None]
    """So many more bytes of this entry were read."""
    kept: Callable[[int, int], None]
    """So many bytes of this entry are in parts that earlier attempts have made."""
    part: Callable[[DonePart], None]
    """The store has this part."""
    done: Callable[[int, int | None], None]
    """This entry is in the bundle and was checked; its CRC-32, if it is known."""
    failed: Callable[[int, HaulageError], None]
    """This entry is why the bundle can't be made."""

    @contextmanager
    def blamed(self, entry: int) -> Iterator[None]:
        """Tells that the entry has failed when the block does, unless it is the upload that is gone."""
        try:
            yield
        except UploadGone:
            raise
        except HaulageError as error:
            self.failed(entry, error)
            raise
