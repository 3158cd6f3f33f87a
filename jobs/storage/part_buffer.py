"""A part's bytes, uploaded while they still arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from threading import Condition
from typing import Self

from jobs.storage.crc32 import Buffer, crc32_of

STALL_TIMEOUT = 5.0
"""Seconds that a connection waits for the next bytes. Amazon S3 closes it after 20 (`RequestTimeout`)."""


class BodyStalled(Exception):
    """The bytes of a request body did not arrive in time. The store is not at fault."""


class PartBuffer:
    """Consecutive pieces of known sizes. Each is filled in chunks from its front; all pieces are filled concurrently.

    The event loop fills it. A thread sends it at the same time, as far as there is no gap, and can send it again.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        """`sizes` are those of the pieces in bytes."""
        self._size = sum(sizes)
        self._missing = list(sizes)
        """Bytes that each piece still lacks."""
        self._chunks: list[list[Buffer]] = [[] for _ in sizes]
        self._left = self._size
        """Bytes that all pieces still lack."""
        self._awaited: int | None = None
        """The piece that a thread waits for."""
        self._arrived = Condition()
        self.ready = asyncio.Event()
        """Set when the first bytes can be sent."""
        self.full = asyncio.Event()
        """Set when all bytes are there."""

    @classmethod
    def of(cls, data: Buffer) -> Self:
        """Return a full buffer with this data."""
        buffer = cls([len(data)])
        buffer.put(0, data)
        return buffer

    def __len__(self) -> int:
        return self._size

    def chunks(self, piece: int) -> Sequence[Buffer]:
        """Return the bytes of a piece that have arrived."""
        return self._chunks[piece]

    async def crc32(self) -> int:
        """Return the CRC-32 of a full buffer."""
        return await crc32_of([*chain.from_iterable(self._chunks)])

    def put(self, piece: int, chunk: Buffer) -> None:
        """Append the next bytes of a piece; they must not change afterwards."""
        with self._arrived:
            self._chunks[piece].append(chunk)
            self._missing[piece] -= len(chunk)
            if piece == self._awaited:
                self._arrived.notify_all()
        self._left -= len(chunk)
        if piece == 0:
            self.ready.set()
        if not self._left:
            self.full.set()

    def iter_chunks(self, stopped: Callable[[], bool]) -> Iterator[Buffer]:
        """Yield all chunks in order. Call it in a thread: it blocks until the next chunk arrives or `stopped` is true.

        Raises `BodyStalled` after `STALL_TIMEOUT`.
        """
        for piece, chunks in enumerate(self._chunks):
            done = 0
            while self._has_more(piece, done, stopped) and not stopped():
                yield chunks[done]
                done += 1

    def _has_more(self, piece: int, done: int, stopped: Callable[[], bool]) -> bool:
        """Wait until it is known whether the piece has more than `done` chunks, and return that."""
        chunks = self._chunks[piece]
        with self._arrived:
            self._awaited = piece
            if not self._arrived.wait_for(
                lambda: done < len(chunks) or not self._missing[piece] or stopped(), timeout=STALL_TIMEOUT
            ):
                raise BodyStalled
            return done < len(chunks)

    def wake(self) -> None:
        """Make the waiting thread check again whether it is stopped."""
        with self._arrived:
            self._arrived.notify_all()
