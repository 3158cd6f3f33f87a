"""Bytes that are sent while they still come in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from threading import Condition
from typing import Self

from jobs.storage.crc32 import Buffer

PATIENCE = 5.0
"""Seconds that a connection is kept waiting for more bytes. Amazon S3 closes it after 20 (`RequestTimeout`)."""


class Starved(Exception):
    """The bytes to send did not come in time. The store has no part in it."""


class Filling:
    """Pieces of known sizes, one behind the other. Each gets its bytes in chunks, from its front; all do side by side.

    The event loop fills it. A thread sends it, meanwhile and again, as far as there is no gap.
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        """Of pieces with so many bytes."""
        self._size = sum(sizes)
        self._missing = list(sizes)
        self._chunks: list[list[Buffer]] = [[] for _ in sizes]
        self._left = self._size
        """Bytes that are missing in all."""
        self._wanted: int | None = None
        """The piece that a thread waits for."""
        self._came = Condition()
        self.begun = asyncio.Event()
        """The first bytes may be sent."""
        self.full = asyncio.Event()

    @classmethod
    def of(cls, data: Buffer) -> Self:
        """The bytes, all there."""
        filling = cls([len(data)])
        filling.put(0, data)
        return filling

    def __len__(self) -> int:
        return self._size

    def chunks(self, piece: int) -> Sequence[Buffer]:
        """The bytes of a piece that are there."""
        return self._chunks[piece]

    def put(self, piece: int, chunk: Buffer) -> None:
        """The next bytes of a piece; they must stay as they are."""
        with self._came:
            self._chunks[piece].append(chunk)
            self._missing[piece] -= len(chunk)
            if piece == self._wanted:
                self._came.notify_all()
        self._left -= len(chunk)
        if piece == 0:
            self.begun.set()
        if not self._left:
            self.full.set()

    def sent(self, stopped: Callable[[], bool]) -> Iterator[Buffer]:
        """All chunks in their order, for a thread, which this blocks until the next is there or it is `stopped`.

        Raises `Starved` after `PATIENCE`.
        """
        for piece, chunks in enumerate(self._chunks):
            done = 0
            while self._has_more(piece, done, stopped) and not stopped():
                yield chunks[done]
                done += 1

    def _has_more(self, piece: int, done: int, stopped: Callable[[], bool]) -> bool:
        """Whether a piece has more chunks than those, once that is known."""
        chunks = self._chunks[piece]
        with self._came:
            self._wanted = piece
            if not self._came.wait_for(
                lambda: done < len(chunks) or not self._missing[piece] or stopped(), timeout=PATIENCE
            ):
                raise Starved
            return done < len(chunks)

    def wake(self) -> None:
        """Makes the thread look whether it is stopped."""
        with self._came:
            self._came.notify_all()
