"""Verifies files against the checksums of the catalogue while they are packed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from jobs.bundles.format.zip_records import Entry
from jobs.errors import ChecksumMismatch
from jobs.storage.crc32 import Buffer, combine, combine_pair, crc32_of

INLINE = 128 * 1024
"""Bytes up to which SHA-256 is computed on the event loop: starting a thread costs as much."""


class CatalogueChecksumWrong(ChecksumMismatch):
    """The bytes are right, but the wrong CRC-32 of the catalogue is already in the bundle.

    An attempt that knows the right CRC-32 from the start succeeds.
    """

    def __init__(self, entry: int, crc: int, name: str) -> None:
        super().__init__(
            f"{name}: the catalogue has a wrong CRC-32; {crc:08x} is right. The file itself is not damaged."
        )
        self.entry = entry
        self.crc = crc


class _Verifier:
    """Compares one file with its entry."""

    def __init__(
        self, entry: Entry, crc: int | None, *, hashed: bool, sha256_unverifiable: bool, correctable: bool
    ) -> None:
        """`correctable`: if the bytes have another CRC-32, they are right, unless their SHA-256 is wrong, too."""
        self.entry = entry
        self.crc = crc
        self._correctable = correctable
        self._complete = asyncio.Event()
        self._sha = hashlib.sha256() if hashed and entry.sha256 is not None else None
        self._sha256_unverifiable = sha256_unverifiable
        """The entry has a SHA-256 that this attempt cannot compute, because it has not read the whole file."""

    @property
    def complete(self) -> bool:
        """True if the whole file was read and matches its entry."""
        return self._complete.is_set()

    @property
    def corrected(self) -> bool:
        """True if the bytes have another CRC-32 than the entry, so that headers rendered before are wrong."""
        return self.complete and self.entry.crc32 not in {None, self.crc}

    @property
    def verified(self) -> bool:
        """True if every checksum of the entry was compared and matches."""
        return self.complete and not self._sha256_unverifiable

    def _compare(self, crc: int) -> None:
        """Compares the whole file with its entry. Raises `ChecksumMismatch`."""
        entry = self.entry
        if entry.crc32 not in {None, crc} and not (self._correctable and not self._sha256_unverifiable):
            raise ChecksumMismatch(
                f"{entry.name}: its bytes have CRC-32 {crc:08x}, not {entry.crc32:08x} as in the catalogue."
            )
        if self._sha is not None and self._sha.hexdigest() != entry.sha256:
            raise ChecksumMismatch(f"{entry.name}: its bytes do not match the SHA-256 in the catalogue.")
        self.crc = crc
        self._complete.set()


class FileVerifier(_Verifier):
    """Verifies a file whose ranges are read in any order.

    The CRC-32 is combined from those of the ranges. A SHA-256 needs the ranges from front to back: one that comes early
    waits for the one before it, and the plan schedules the parts so that this ends. Bytes that the store copies are not
    verified: the plan copies only files whose CRC-32 is trusted.
    """

    def __init__(self, entry: Entry, *, copied: bool = False, correctable: bool = False) -> None:
        super().__init__(entry, entry.crc32, hashed=not copied, sha256_unverifiable=False, correctable=correctable)
        self._copied = copied
        self._ranges: dict[int, tuple[int, int]] = {}
        """CRC-32 and length of the ranges that were read, by their start."""
        self._added = 0
        """Bytes that were read or copied."""
        self._hashed = 0
        """Bytes that are in the SHA-256."""
        self._hash_order = asyncio.Condition()
        if entry.size == 0:
            self._finish()

    async def add(self, start: int, chunks: Sequence[Buffer]) -> bool:
        """Adds the bytes from `start`, given in chunks. Returns True if they complete the file.

        Raises `ChecksumMismatch` if the complete file does not match its entry.
        """
        if self._sha is not None:
            async with self._hash_order:
                await self._hash_order.wait_for(lambda: self._hashed >= start)
                if self._hashed == start:  # otherwise these bytes are read for the second time, after a prescan
                    await _update(self._sha, chunks)
                    self._hashed += _length(chunks)
                self._hash_order.notify_all()
        return self._add_range(start, await crc32_of(chunks), _length(chunks))

    def add_earlier(self, start: int, crc: int, length: int) -> bool:
        """Adds bytes that an earlier attempt has read, as `add`. The SHA-256 can then no longer be verified.

        They had the same ETag, and CRC-32 and size are still compared for the whole file.
        """
        if self._sha is not None:
            self._sha, self._sha256_unverifiable = None, True
        return self._add_range(start, crc, length)

    def add_copied(self, length: int) -> bool:
        """Adds bytes that the store has copied. Returns True if the file is complete."""
        self._added += length
        if self._added == self.entry.size:
            self._finish()
        return self.complete

    def range_crc(self, start: int) -> int:
        """The CRC-32 of the bytes that were added at `start`."""
        return self._ranges[start][0]

    async def wait_for_crc(self) -> int:
        """The CRC-32 of the file, as soon as it is known."""
        if self.crc is None:
            await self._complete.wait()
        assert self.crc is not None
        return self.crc

    def _add_range(self, start: int, crc: int, length: int) -> bool:
        earlier = self._ranges.get(start)
        if earlier is not None and earlier != (crc, length):
            raise ChecksumMismatch(f"{self.entry.name}: the store returned different bytes for the same range.")
        if earlier is None and length:
            self._ranges[start] = (crc, length)
            self._added += length
        completes = self._added == self.entry.size and not self.complete
        if completes:
            self._finish()
        return completes

    def _finish(self) -> None:
        if self._copied:
            self._complete.set()
        else:
            self._compare(combine(self._ranges[start] for start in sorted(self._ranges)))


class StreamVerifier(_Verifier):
    """Verifies a file that is read from front to back, in constant memory.

    A file that an earlier attempt has read up to byte `offset` is compared by CRC-32 and size only.
    """

    crc: int
    """Of the bytes so far."""

    def __init__(self, entry: Entry, crc: int = 0, offset: int = 0, *, correctable: bool = False) -> None:
        unverifiable = entry.sha256 is not None and offset > 0
        super().__init__(entry, crc, hashed=offset == 0, sha256_unverifiable=unverifiable, correctable=correctable)

    async def add(self, data: Buffer, crc: int, *, last: bool) -> None:
        """Adds the next bytes with their CRC-32. Raises `ChecksumMismatch` with the `last` if the file does not match."""
        if self._sha is not None:
            await _update(self._sha, [data])
        self.crc = combine_pair(self.crc, crc, len(data))
        if last:
            self._compare(self.crc)


async def _update(sha: Any, chunks: Sequence[Buffer]) -> None:
    def update() -> None:
        for chunk in chunks:
            sha.update(chunk)

    if _length(chunks) <= INLINE:
        update()
    else:
        await asyncio.to_thread(update)


def _length(chunks: Sequence[Buffer]) -> int:
    return sum(len(chunk) for chunk in chunks)
