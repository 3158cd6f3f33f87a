"""PUT requests over urllib3, whose bodies are sent in slices, each with the idle time-out.

Neither botocore nor plain urllib3 can do this: both send under the *connect* time-out, which then applies to the whole
body. With 2 s to connect, a part of 16 MiB failed at less than 8 MiB/s.
"""

from __future__ import annotations

import contextlib
import socket
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from http import HTTPStatus
from ssl import SSLContext
from threading import Lock
from typing import Any, ClassVar

from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection

from jobs.storage.crc32 import Buffer
from jobs.storage.error_translation import UnexpectedResponse
from jobs.storage.etags import quoted
from jobs.storage.part_buffer import PartBuffer
from jobs.storage.thread_pool import ThreadPool

SLICE_SIZE = 256 * 1024
"""Bytes passed to the socket at once. The idle time-out applies to one slice; larger slices saved no CPU."""

SMALL_CHUNK = 64 * 1024
"""Bytes up to which chunks are joined: a call costs as much as copying this many bytes."""

HEADERS = {"ContentType": "Content-Type", "ChecksumCRC32": "x-amz-checksum-crc32"}
"""Parameters that botocore's presigning leaves to be sent as headers."""


class RequestBody:
    """A request body being sent, large chunks without a copy. Its bytes must not change until the request has ended."""

    def __init__(self, data: PartBuffer, idle_timeout: float) -> None:
        self._size = len(data)
        self._buffer = data
        self._slices = _slices(data.iter_chunks(lambda: self._aborted))
        self._slice = memoryview(b"")
        self._idle_timeout = idle_timeout
        self._socket: socket.socket | None = None
        self._aborted = False
        self._lock = Lock()

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        """urllib3 requires this of a body; `_Connection` uses `slices_for` instead."""
        raise NotImplementedError

    def slices_for(self, connection: HTTPConnection) -> Iterator[memoryview]:
        """Yield the slices for a connection, which must be open by the time the first slice is requested."""
        self._attach(connection.sock)
        for piece in self._slices:
            if self._aborted:
                break
            self._slice = piece
            yield piece
        if self._aborted:
            message = "the request was aborted"
            raise ConnectionAbortedError(message)

    def detach(self) -> None:
        """Release the connection to other requests: `abort` no longer breaks it."""
        with self._lock:
            self._socket = None

    def release(self) -> None:
        """Release the bytes, even if an error's traceback still refers to this object."""
        self._slice.release()
        self._slices.close()
        self._buffer = PartBuffer([])

    def abort(self) -> None:
        """Break the connection, from any thread: this ends a send or a wait for the response at once."""
        with self._lock:
            self._aborted = True
            if self._socket is not None:
                _shut_down(self._socket)
        self._buffer.wake()

    def _attach(self, connected: socket.socket | None) -> None:
        with self._lock:
            self._socket = connected
            if connected is not None:
                connected.settimeout(self._idle_timeout)


def _slices(chunks: Iterable[Buffer]) -> Generator[memoryview, None, None]:
    """Yield the same bytes in slices of at most about `SLICE_SIZE`."""
    small: list[Buffer] = []
    size = 0
    for chunk in chunks:
        if len(chunk) <= SMALL_CHUNK:
            small.append(chunk)
            size += len(chunk)
        if small and (size >= SLICE_SIZE or len(chunk) > SMALL_CHUNK):
            yield memoryview(b"".join(small))
            small, size = [], 0
        if len(chunk) > SMALL_CHUNK:
            view = memoryview(chunk)
            for start in range(0, len(view), SLICE_SIZE):
                yield view[start : start + SLICE_SIZE]
    if small:
        yield memoryview(b"".join(small))


def _shut_down(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):  # closed already
        # Not `connected.shutdown`: a TLS socket would remove its encryption while another thread may still be sending.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _clear_frames(error: BaseException | None) -> None:
    """Clear the frames of an error's traceback: over TLS they refer to the bytes until the garbage collector runs."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


class _Connection(HTTPConnection):
    """Sends a `RequestBody` under its own time-out, and anything else as urllib3 does."""

    _body: RequestBody | None = None

    def request(self, method: str, url: str, body: Any = None, *args: Any, **kwargs: Any) -> None:
        self._body = body if isinstance(body, RequestBody) else None
        slices: Any = body if self._body is None else self._body.slices_for(self)
        super().request(method, url, slices, *args, **kwargs)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as in urllib3
        response = super().getresponse()
        if self._body is not None:
            self._body.detach()
        return response


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Pools(PoolManager):
    CLASSES: ClassVar[dict[str, type[HTTPConnectionPool]]] = {"http": _Pool, "https": _TlsPool}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pool_classes_by_scheme = self.CLASSES


class PutClient:
    """Sends request bodies to URLs that `sign(operation, parameters)` returns (botocore's presigning).

    The signature does not cover the body, which saves a SHA-256 of every part.
    """

    def __init__(
        self,
        sign: Callable[[str, dict[str, Any]], str],
        connect_timeout: float,
        idle_timeout: float,
        size: int,
        tls_context: SSLContext | None,
    ) -> None:
        """`size` is the number of concurrent requests. The time-outs are in seconds."""
        self._sign = sign
        self._idle_timeout = idle_timeout
        self._threads = ThreadPool(size, "storage-put")
        timeout = Timeout(connect=connect_timeout, read=idle_timeout)
        self._pools = _Pools(maxsize=size, retries=False, timeout=timeout, ssl_context=tls_context)

    async def put(self, operation: str, parameters: dict[str, Any], data: Buffer | PartBuffer) -> str:
        """PUT the data and return the ETag of the response. Raises `BodyStalled` if the data does not arrive.

        When cancelled, the connection is broken, and `data` is no longer in use by the time this raises.
        """
        body = RequestBody(data if isinstance(data, PartBuffer) else PartBuffer.of(data), self._idle_timeout)
        return await self._threads.run_abortable(lambda: self._put(operation, parameters, body), body.abort)

    def _put(self, operation: str, parameters: dict[str, Any], body: RequestBody) -> str:
        headers = {"Content-Length": str(len(body))}
        headers |= {HEADERS[name]: value for name, value in parameters.items() if name in HEADERS}
        url = self._sign(operation, parameters)
        try:
            response = self._pools.request("PUT", url, body=body, headers=headers, redirect=False)
        except BaseException as error:
            _clear_frames(error)
            raise
        finally:
            body.release()
        if response.status != HTTPStatus.OK or "ETag" not in response.headers:
            raise UnexpectedResponse(response.status, response.data)
        return quoted(response.headers["ETag"])

    async def close(self) -> None:
        """Wait for the requests in progress and close the connections."""
        await self._threads.close()
        self._pools.clear()
