"""Checksums of files that are read in pieces, by several readers, in any order."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any

from jobs.bundles.format.stored_plan import Entry
from jobs.errors import ChecksumMismatch
from jobs.storage.crc32 import Buffer, combine, combine_pair, crc32

INLINE = 128 * 1024
"""Bytes that are hashed at once: a thread costs as much as they do."""


class CatalogueWrong(ChecksumMismatch):
    """The bytes are right, but what the catalogue says of them stands in the bundle already.

    An attempt that knows the right CRC-32 from the start makes it.
    """

    def __init__(self, entry: int, crc: int, name: str) -> None:
        super().__init__(
            f"{name}: the catalogue said a wrong CRC-32, the right one is {crc:08x}. Nothing else is wrong."
        )
        self.entry = entry
        self.crc = crc


class _Check:
    """What is known of one file's content, and whether it is what the catalogue promises."""

    def __init__(self, entry: Entry, crc: int | None, *, hashed: bool, unseen: bool, doubtful: bool) -> None:
        """Of an entry whose CRC-32 is `doubtful` the bytes are right, unless they have not got the SHA-256 either."""
        self.entry = entry
        self.crc = crc
        self._doubtful = doubtful
        self._complete = asyncio.Event()
        self._sha = hashlib.sha256() if hashed and entry.sha256 is not None else None
        self._unseen = unseen
        """A SHA-256 is promised, but can't be checked in this attempt."""

    @property
    def complete(self) -> bool:
        """The whole file was read and is what was promised."""
        return self._complete.is_set()

    @property
    def corrected(self) -> bool:
        """The bytes have another CRC-32 than was said; headers that were made before the file was read are wrong."""
        return self.complete and self.entry.crc32 not in {None, self.crc}

    @property
    def proven(self) -> bool:
        """All that is promised of the file is known to hold."""
        return self.complete and not self._unseen

    def _compare(self, crc: int) -> None:
        """The whole file was read. Raises `ChecksumMismatch` unless it has the checksums that were promised."""
        entry, corrects = self.entry, self._doubtful and not self._unseen
        if entry.crc32 not in {None, crc} and not corrects:
            raise ChecksumMismatch(
                f"{entry.name}: its bytes have CRC-32 {crc:08x}, but the catalogue says {entry.crc32:08x}."
            )
        if self._sha is not None and self._sha.hexdigest() != entry.sha256:
            raise ChecksumMismatch(f"{entry.name}: its bytes do not have the SHA-256 that the catalogue says.")
        self.crc = crc
        self._complete.set()


class FileCheck(_Check):
    """Of a file whose pieces are read in any order.

    CRC-32 is combined from the pieces in whatever order they come. SHA-256, where it is promised, needs them from front
    to back: a piece that comes early waits for the one before it (the plan starts them in an order that lets it).
    Bytes that the store copies are not looked at: the plan lets it copy only where the CRC-32 is certain.
    """

    def __init__(self, entry: Entry, *, copied: bool = False, doubtful: bool = False) -> None:
        """`crc` is promised, or known since the whole file was read."""
        super().__init__(entry, entry.crc32, hashed=not copied, unseen=False, doubtful=doubtful)
        self._copied = copied
        self._pieces: dict[int, tuple[int, int]] = {}
        self._read = 0
        self._hashed = 0
        self._turn = asyncio.Condition()
        if entry.size == 0:
            self._finish()

    async def add(self, start: int, chunks: Sequence[Buffer]) -> bool:
        """Takes note of the bytes from `start`, which are in chunks; True when the file is complete with them, and right.

        Raises `ChecksumMismatch` when it is complete and wrong.
        """
        if self._sha is not None:
            await self._hash(start, chunks)
        crc = 0
        for chunk in chunks:
            crc = crc32(chunk, crc)
        completed = self._note(start, crc, _length(chunks))
        if completed:
            self._finish()
        return completed

    def restore(self, start: int, crc: int, length: int) -> bool:
        """Takes note of bytes that an earlier attempt read, as `add` does; the SHA-256 can't be checked any more then.

        They were read under the same ETag, and CRC-32 and size still hold for the whole.
        """
        if self._sha is not None:
            self._sha, self._unseen = None, True
        completed = self._note(start, crc, length)
        if completed:
            self._finish()
        return completed

    def copied(self, length: int) -> bool:
        """Takes note of bytes that the store has copied; True when the file is complete with them."""
        self._read += length
        if self._read == self.entry.size:
            self._finish()
        return self.complete

    def _note(self, start: int, value: int, length: int) -> bool:
        earlier = self._pieces.get(start)
        if earlier is not None and earlier != (value, length):
            raise ChecksumMismatch(f"{self.entry.name}: the store gave two different answers for the same bytes.")
        if earlier is None and length:
            self._pieces[start] = (value, length)
            self._read += length
        return self._read == self.entry.size and not self._complete.is_set()

    def crc_of(self, start: int) -> int:
        """The CRC-32 of the bytes that were taken note of from `start`."""
        return self._pieces[start][0]

    async def known(self) -> int:
        """The file's CRC-32, as soon as it is known."""
        if self.crc is None:
            await self._complete.wait()
        assert self.crc is not None
        return self.crc

    async def _hash(self, start: int, chunks: Sequence[Buffer]) -> None:
        async with self._turn:
            await self._turn.wait_for(lambda: self._hashed >= start)
            if self._hashed == start:  # else these bytes were read before, for the checksum alone
                await _update(self._sha_of(), chunks)
                self._hashed += _length(chunks)
            self._turn.notify_all()

    def _sha_of(self) -> Any:
        assert self._sha is not None
        return self._sha

    def _finish(self) -> None:
        if self._copied:
            self._complete.set()
            return
        self._compare(combine(self._pieces[start] for start in sorted(self._pieces)))


class StreamCheck(_Check):
    """Of a file whose pieces come from front to back: nothing is kept of them.

    One that an earlier attempt has begun, up to byte `offset`, is checked by CRC-32 and size alone.
    """

    crc: int
    """Of the bytes that came so far."""

    def __init__(self, entry: Entry, crc: int = 0, offset: int = 0, *, doubtful: bool = False) -> None:
        unseen = entry.sha256 is not None and offset > 0
        super().__init__(entry, crc, hashed=offset == 0, unseen=unseen, doubtful=doubtful)

    async def add(self, data: Buffer, crc: int, *, last: bool) -> None:
        """Takes note of the next bytes and their CRC-32. Raises `ChecksumMismatch` when the last of them are wrong."""
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
