"""A client of clamd: one connection for each command (clamd(8), "COMMANDS", in their `z` form that ends with a NUL)."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import struct
from collections.abc import AsyncIterator, Coroutine
from time import monotonic
from typing import Any, TypeVar
from urllib.parse import urlsplit

from jobs.breakers import Breaker
from jobs.errors import ScannerMisconfigured, ScannerTimeout, ScannerUnavailable

T = TypeVar("T")

MAX_STREAM = 2**31 - 3
"""Bytes of the largest file that ClamAV scans, whatever `MaxFileSize` is set to (libclamav, `cl_engine_set_num`)."""
RECOVERY_TIMEOUT = 2.0
"""Seconds before the open circuit of clamd lets calls through again."""
_PIECE = 256 << 10
"""Bytes that clamd must accept within the idle time-out."""
_MAX_RESPONSE = 4096
"""Bytes after which a response without an end is given up. The longest have a signature's name, of 255 bytes at most."""
_END = struct.pack("!I", 0)
_OUT = "The virus scanner is unavailable. It is called again every few seconds."
_TOO_LONG = "it did not respond in time: CLAMD_TIMEOUT must exceed its MaxScanTime"
_ADVICE = {
    errno.ENOENT: "start clamd, or correct CLAMD_URL (LocalSocket in clamd.conf)",
    errno.ECONNREFUSED: "start clamd, or correct CLAMD_URL (LocalSocket or TCPSocket in clamd.conf)",
    errno.EACCES: "let this user write to the socket (LocalSocketGroup and LocalSocketMode in clamd.conf)",
}


def unavailable(reason: str) -> ScannerUnavailable:
    """Return the error for a clamd that does not work. `reason` is for operators."""
    return ScannerUnavailable("The virus scanner is unavailable. The file is scanned once it is back.", reason)


def too_slow(reason: str) -> ScannerTimeout:
    """Return the error for a clamd that is too slow. `reason` is for operators."""
    return ScannerTimeout("The virus scanner did not respond in time. The file is scanned again later.", reason)


class Clamd:
    """Sends commands to clamd. After failures in a row, `breaker` lets no call through for two seconds at a time.

    Every method raises `ScannerUnavailable` when clamd does not work, and `ScannerTimeout` when it is too slow.
    """

    def __init__(self, url: str, idle_timeout: float, timeout: float) -> None:
        """`url` as `addresses.clamd_url` returns it.

        `idle_timeout`: seconds to connect, to respond to a simple command, or to accept the next bytes. `timeout`: seconds
        that clamd may take for a whole stream, without the time in which it waits for bytes.
        """
        self._url = url
        self._idle_timeout = idle_timeout
        self._timeout = timeout
        self.breaker = Breaker(
            "clamd",
            (ScannerUnavailable,),
            ScannerUnavailable(_OUT),
            RECOVERY_TIMEOUT,
            refusals=(ScannerMisconfigured,),
        )

    async def command(self, name: str) -> str:
        """Return the response to `PING` or `VERSION`."""
        connection = await self._connect(self._idle_timeout)
        try:
            await connection.send(f"z{name}\0".encode())
            return await connection.response(decisive=False)
        finally:
            connection.close()

    async def scan(self, chunks: AsyncIterator[bytes], *, decisive: bool = True) -> tuple[str | None, bool]:
        """Send a file by INSTREAM. Return the response, and whether clamd had all bytes before it.

        clamd responds early to a file that exceeds its `StreamMaxLength`; then the rest of `chunks` is not read. Nor is it
        of a file that exceeds `MAX_STREAM`, for which the response is None. What `chunks` raises is raised.
        `decisive=False`: a response does not show that clamd works.
        """
        connection = await self._connect(self._timeout)
        try:
            size, reading = 0, await connection.send(b"zINSTREAM\0")
            async for chunk in chunks:
                if not chunk:
                    continue  # its length of zero would end the stream
                size += len(chunk)
                if size > MAX_STREAM:
                    return None, False
                reading = reading and await connection.send(struct.pack("!I", len(chunk)), chunk)
                if not reading:
                    break
            reading = reading and await connection.send(_END)
            return await connection.response(decisive=decisive), reading
        finally:
            connection.close()

    async def _connect(self, time_limit: float) -> _Connection:
        self.breaker.check()
        with self.breaker.record("connect", decisive=False):
            error = unavailable(f"{self._url}: the name has no address")
            for family, address in await self._addresses():
                client = socket.socket(family, socket.SOCK_STREAM)
                client.settimeout(0)
                try:
                    async with asyncio.timeout(self._idle_timeout):
                        await asyncio.get_running_loop().sock_connect(client, address)
                except BaseException as failure:
                    client.close()
                    if not isinstance(failure, OSError):
                        raise
                    error = self._connection_error(failure)
                else:
                    return _Connection(client, self.breaker, self._idle_timeout, time_limit)
            raise error

    async def _addresses(self) -> list[tuple[socket.AddressFamily, Any]]:
        url = urlsplit(self._url)
        if url.scheme == "unix":
            return [(socket.AF_UNIX, url.path)]
        try:
            async with asyncio.timeout(self._idle_timeout):
                found = await asyncio.get_running_loop().getaddrinfo(url.hostname, url.port, type=socket.SOCK_STREAM)
        except OSError as failure:
            raise self._connection_error(failure) from None
        return [(family, address) for family, _, _, _, address in found]

    def _connection_error(self, failure: OSError) -> ScannerUnavailable:
        code = failure.errno or 0
        if isinstance(failure, TimeoutError) and not code:
            return too_slow(f"{self._url}: no connection within {self._idle_timeout:g} s")
        reason = failure.strerror if isinstance(failure, socket.gaierror) else os.strerror(code)
        return unavailable(f"{self._url}: {reason}" + (f": {_ADVICE[code]}" if code in _ADVICE else ""))


class _Connection:
    """A connection for one command and its response. Its calls count for `breaker`."""

    def __init__(self, client: socket.socket, breaker: Breaker, idle_timeout: float, time_limit: float) -> None:
        """`time_limit`: seconds that all calls together may take."""
        self._client = client
        self._breaker = breaker
        self._idle_timeout = idle_timeout
        self._left = time_limit

    async def send(self, *buffers: bytes) -> bool:
        """Send the buffers. Return False if clamd reads no more, because it has responded or closed the connection."""
        loop = asyncio.get_running_loop()
        with self._breaker.record("send", decisive=False):
            for buffer in buffers:
                view = memoryview(buffer)
                for start in range(0, len(view), _PIECE):
                    if self._has_response():
                        return False
                    piece = view[start : start + _PIECE]
                    try:
                        await self._limited(loop.sock_sendall(self._client, piece), self._idle_timeout)
                    except TimeoutError:
                        idle = f"it accepted no byte for {self._idle_timeout:g} s"
                        raise too_slow(_TOO_LONG if self._left <= 0 else idle) from None
                    except OSError:
                        return False
        return True

    async def response(self, *, decisive: bool = True) -> str:
        """Return what clamd responds, without the NUL at its end."""
        loop = asyncio.get_running_loop()
        received = b""
        with self._breaker.record("respond", decisive=decisive):
            while b"\0" not in received:
                try:
                    data = await self._limited(loop.sock_recv(self._client, _MAX_RESPONSE), self._left)
                except TimeoutError:
                    raise too_slow(_TOO_LONG) from None
                except OSError as failure:
                    raise unavailable(f"it closed the connection: {failure.strerror or failure}") from None
                received += data
                if not data or len(received) > _MAX_RESPONSE:
                    text = received[:100].decode("ascii", "replace")
                    raise unavailable(f"its response has no end: {text!r}" if text else "it closed the connection")
        return received.split(b"\0")[0].decode("ascii", "replace")

    def _has_response(self) -> bool:
        """Return True if there is something to read: a response, or the end of the connection."""
        try:
            self._client.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    async def _limited(self, call: Coroutine[Any, Any, T], limit: float) -> T:
        started_at = monotonic()
        try:
            async with asyncio.timeout(min(limit, self._left)):
                return await call
        finally:
            self._left -= monotonic() - started_at

    def close(self) -> None:
        self._client.close()
