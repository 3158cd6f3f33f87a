"""Fetching a result through its presigned link: resumed after every break, verified as a whole."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO

import urllib3
from isal import isal_zlib
from urllib3.exceptions import HTTPError

from app.cli.errors import Refused, ServerUnreachable
from app.schemas import Link
from jobs.errors import ChecksumMismatch

_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each further try that follows one without a new byte."""
_CHUNK = 1 << 17
_TIMEOUT = urllib3.Timeout(connect=5, read=30)


@dataclass(frozen=True, slots=True)
class Saved:
    """What was received and verified. Size in bytes, checksums in lower-case hex; `link` is the last one used."""

    size: int
    crc32: str
    sha256: str
    link: Link


class _Broken(Exception):
    """The store's answer can't be used, or ended early; another try may help."""


class _LinkRefused(_Broken):
    """The store no longer takes the link: it has expired, or the object has gone."""


class Fetch:
    """One result on its way into `out`. `arrived` is told how many bytes there are so far."""

    def __init__(
        self,
        pool: urllib3.PoolManager,
        new_link: Callable[[], Link],
        out: BinaryIO,
        arrived: Callable[[int], None],
    ) -> None:
        self._pool = pool
        self._new_link = new_link
        self._out = out
        self._arrived = arrived
        self._etag: str | None = None
        self._restart()

    def _restart(self) -> None:
        self._out.seek(0)
        self._out.truncate()
        self._size = 0
        self._crc = 0
        self._sha = hashlib.sha256()

    def run(self) -> Saved:
        """Fetch all of it. Raises `ChecksumMismatch`, `ServerUnreachable`, `Refused`, and what a new link raises."""
        link = self._new_link()
        failures = 0
        while True:
            before = self._size
            try:
                self._pull(link)
                break
            except (HTTPError, _Broken) as error:
                failures = 1 if self._size > before else failures + 1
                if failures > len(_PAUSES):
                    raise _given_up(error) from error
                time.sleep(_PAUSES[failures - 1])
                if isinstance(error, _LinkRefused):
                    link = self._new_link()
        self._verify(link)
        return Saved(self._size, f"{self._crc:08x}", self._sha.hexdigest(), link)

    def _pull(self, link: Link) -> None:
        """Take what is missing. Raises `HTTPError` when the connection breaks off before the end."""
        headers = {}
        if self._size and self._etag:
            headers = {"Range": f"bytes={self._size}-", "If-Range": self._etag}
        answer = self._pool.request(
            "GET", link.url, headers=headers, preload_content=False, decode_content=False, timeout=_TIMEOUT
        )
        try:
            self._begin(answer)
            for chunk in answer.stream(_CHUNK, decode_content=False):
                self._take(chunk)
        finally:
            answer.close()

    def _begin(self, answer: urllib3.BaseHTTPResponse) -> None:
        """Go on where we were if the store does, else from the start."""
        if answer.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            raise _LinkRefused(f"the store answers {answer.status}")
        if answer.status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            raise _Broken(f"the store answers {answer.status}")
        etag = answer.headers.get("ETag", "")
        resumed = answer.status == HTTPStatus.PARTIAL_CONTENT and etag == self._etag and _start(answer) == self._size
        if not resumed:
            self._restart()
            self._etag = etag
            if answer.status == HTTPStatus.PARTIAL_CONTENT:
                self._etag = None
                raise _Broken("the store sent another part than was asked for")

    def _take(self, chunk: bytes) -> None:
        self._out.write(chunk)
        self._crc = isal_zlib.crc32(chunk, self._crc)
        self._sha.update(chunk)
        self._size += len(chunk)
        self._arrived(self._size)

    def _verify(self, link: Link) -> None:
        if self._size != link.size:
            raise ChecksumMismatch(f"{link.filename} came with {self._size} bytes, but it has {link.size}.")
        if link.checksum is not None and int(link.checksum.value, 16) != self._crc:
            raise ChecksumMismatch(
                f"{link.filename} came with CRC-32 {self._crc:08x}, but it has {link.checksum.value}."
            )
        if link.sha256 is not None and link.sha256 != self._sha.hexdigest():
            raise ChecksumMismatch(f"{link.filename} did not come with the SHA-256 that it has.")


def _start(answer: urllib3.BaseHTTPResponse) -> int | None:
    """The first byte of a 206 (RFC 9110, section 14.4)."""
    first = answer.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() else None


def _given_up(error: Exception) -> Refused | ServerUnreachable:
    if isinstance(error, _Broken):
        return Refused(f"The result can't be fetched: {error}.", "storage_fault")
    return ServerUnreachable(f"The store can't be reached, or breaks off again and again ({type(error).__name__}).")
