"""Transfers a result through its presigned link: resumes after interruptions, and verifies the whole."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import urllib3
from isal import isal_zlib
from urllib3.exceptions import HTTPError

from app.cli.errors import Refused, ServerUnreachable
from app.cli.transfer.outputs import Output
from app.schemas import Link
from jobs.errors import ChecksumMismatch

_RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds before each retry after a request that brought no new byte."""
_CHUNK = 1 << 17
_TIMEOUT = urllib3.Timeout(connect=5, read=30)


@dataclass(frozen=True, slots=True)
class VerifiedResult:
    """What was received and verified. Size in bytes, checksums in lower-case hex; `link` is the last one used."""

    size: int
    crc32: str
    sha256: str
    link: Link


class _StoreError(Exception):
    """The store's response can't be used; a retry may help."""


class _LinkRefused(_StoreError):
    """The store refuses the link: it has expired, or the object is gone."""


class ResultTransfer:
    """The transfer of one result into `out`. `on_progress` is called with the number of bytes received so far."""

    def __init__(
        self,
        pool: urllib3.PoolManager,
        link: Link,
        fetch_link: Callable[[], Link],
        out: Output,
        on_progress: Callable[[int], None],
    ) -> None:
        """`fetch_link` is called for a new link when the store refuses `link`."""
        self._pool = pool
        self._link = link
        self._fetch_link = fetch_link
        self._out = out
        self._on_progress = on_progress
        self._etag: str | None = None
        self._start_over()

    def _start_over(self) -> None:
        self._out.restart()
        self._size = 0
        self._crc = 0
        self._sha = hashlib.sha256()

    def run(self) -> VerifiedResult:
        """Transfer and verify everything.

        Raises `ChecksumMismatch`, `ServerUnreachable`, `Refused`, `CommandFailed`, and what `fetch_link` raises.
        """
        failures = 0
        while True:
            before = self._size
            try:
                self._receive()
                break
            except (HTTPError, _StoreError) as error:
                failures = 1 if self._size > before else failures + 1
                if failures > len(_RETRY_DELAYS):
                    if isinstance(error, _StoreError):
                        raise Refused(f"The result can't be fetched: {error}.", "storage_fault") from error
                    raise ServerUnreachable(
                        f"The store can't be reached, or its connections keep failing ({type(error).__name__})."
                    ) from error
                time.sleep(_RETRY_DELAYS[failures - 1])
                if isinstance(error, _LinkRefused):
                    self._link = self._fetch_link()
        self._verify()
        return VerifiedResult(self._size, f"{self._crc:08x}", self._sha.hexdigest(), self._link)

    def _receive(self) -> None:
        """Request what is missing and append it. Raises `HTTPError` when the connection ends early."""
        headers = {}
        if self._size and self._etag:
            headers = {"Range": f"bytes={self._size}-", "If-Range": self._etag}
        response = self._pool.request(
            "GET", self._link.url, headers=headers, preload_content=False, decode_content=False, timeout=_TIMEOUT
        )
        try:
            self._resume_or_start_over(response)
            for chunk in response.stream(_CHUNK, decode_content=False):
                self._out.write(chunk)
                self._crc = isal_zlib.crc32(chunk, self._crc)
                self._sha.update(chunk)
                self._size += len(chunk)
                self._on_progress(self._size)
        finally:
            response.close()

    def _resume_or_start_over(self, response: urllib3.BaseHTTPResponse) -> None:
        if response.status in {HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND}:
            raise _LinkRefused(f"the store responds with status {response.status}")
        if response.status not in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}:
            raise _StoreError(f"the store responds with status {response.status}")
        etag = response.headers.get("ETag", "")
        partial = response.status == HTTPStatus.PARTIAL_CONTENT
        if not (partial and etag == self._etag and _first_byte(response) == self._size):
            self._start_over()
            self._etag = None if partial else etag
            if partial:
                raise _StoreError("the store sent another range than was requested")

    def _verify(self) -> None:
        link = self._link
        if self._size != link.size:
            raise ChecksumMismatch(f"{self._size} bytes of {link.filename} were received, but it has {link.size}.")
        if link.checksum is not None and int(link.checksum.value, 16) != self._crc:
            raise ChecksumMismatch(
                f"{link.filename} was received with CRC-32 {self._crc:08x}, but it has {link.checksum.value}."
            )
        if link.sha256 is not None and link.sha256 != self._sha.hexdigest():
            raise ChecksumMismatch(f"{link.filename} was received with another SHA-256 than it has.")


def _first_byte(response: urllib3.BaseHTTPResponse) -> int | None:
    """Return the position of the first byte of a 206 response (RFC 9110, section 14.4)."""
    first = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("-")[0]
    return int(first) if first.isdecimal() else None
