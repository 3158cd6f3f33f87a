"""One part of a local file: its CRC-32, and its PUT to the store. Both read it in pieces and never hold it whole."""

from __future__ import annotations

import os
import zlib
from collections.abc import Callable, Iterator
from http import HTTPStatus
from threading import Event

import urllib3
from urllib3.exceptions import HTTPError

from app.cli.local_files import LocalFile, UnreadableFile, unreadable
from app.schemas import SignedPartItem

_PIECE = 1 << 18
"""Bytes that are read at once."""
_TIMEOUT = urllib3.Timeout(connect=5, read=60)


class Stopped(Exception):
    """The command was interrupted, or cannot go on."""


class PartNotSent(Exception):
    """The store did not accept a part. A new URL, or the bytes as they are now, may help.

    `status` is the store's response; None if it can't be reached.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status

    @property
    def is_refusal(self) -> bool:
        """Whether the store refuses this part, and may accept those of other files."""
        busy = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
        return self.status is not None and self.status < HTTPStatus.INTERNAL_SERVER_ERROR and self.status not in busy


class PartSender:
    """Reads and sends parts of files, in any number of threads. `stop` ends what runs with `Stopped`."""

    def __init__(self, stop: Event, on_progress: Callable[[int], None], connections: int) -> None:
        """`on_progress` is called with the number of bytes that were sent; negative for those that were in vain."""
        self._stop = stop
        self._on_progress = on_progress
        self._pool = urllib3.PoolManager(retries=False, maxsize=connections)

    def crc32(self, file: LocalFile, start: int, size: int) -> int:
        """Return the CRC-32 of `size` bytes from `start`. Raises `UnreadableFile`, also if the file has changed."""
        found = 0
        for piece in self._pieces(file, start, size):
            found = zlib.crc32(piece, found)
        return found

    def put(self, file: LocalFile, start: int, part: SignedPartItem) -> None:
        """Send a part. Raises `PartNotSent`, and what `crc32` raises."""
        counted = 0

        def body() -> Iterator[bytes]:
            nonlocal counted
            for piece in self._pieces(file, start, part.size):
                yield piece
                counted += len(piece)
                self._on_progress(len(piece))

        headers = {**part.headers, "Content-Length": str(part.size)}
        try:
            response = self._pool.request("PUT", part.url, body=body(), headers=headers, timeout=_TIMEOUT)
        except HTTPError as error:
            self._on_progress(-counted)
            raise PartNotSent(f"the store can't be reached ({type(error).__name__})") from error
        # 412: a file of one part is written once, and an earlier PUT has done that.
        if response.status not in {HTTPStatus.OK, HTTPStatus.PRECONDITION_FAILED}:
            self._on_progress(-counted)
            raise PartNotSent(f"the store responds with status {response.status}", response.status)

    def _pieces(self, file: LocalFile, start: int, size: int) -> Iterator[bytes]:
        try:
            with file.path.open("rb", buffering=0) as opened:
                file.require_unchanged(os.fstat(opened.fileno()))
                opened.seek(start)
                while size:
                    if self._stop.is_set():
                        raise Stopped
                    piece = opened.read(min(size, _PIECE))
                    if not piece:
                        file.require_unchanged(os.fstat(opened.fileno()))
                        raise UnreadableFile(file.path, f"can't be read: it has fewer than {file.size:,} bytes")
                    size -= len(piece)
                    yield piece
        except OSError as error:
            raise unreadable(file.path, error) from error
