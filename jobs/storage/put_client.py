"""Bodies on their way to the store: PUT requests over urllib3, in slices, each of which has the idle time-out.

Neither botocore nor plain urllib3 can do it: both send under the *connect* time-out, and a body in one piece must then
be through in that time as a whole. With 2 s to connect, a part of 16 MiB failed at less than 8 MiB/s.
"""

from __future__ import annotations

import contextlib
import socket
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from http import HTTPStatus
from threading import Lock
from typing import Any, ClassVar

from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection

from jobs.storage.crc32 import Buffer
from jobs.storage.error_translation import Refusal
from jobs.storage.etags import quoted
from jobs.storage.part_buffer import Filling
from jobs.storage.threads import Threads

SLICE = 256 * 1024
"""Bytes handed to the socket at once. The idle time-out is for one slice; more bytes a slice saved no CPU."""

SMALL = 64 * 1024
"""Chunks up to this size are put together: a call costs as much as copying so many bytes."""

HEADERS = {"ContentType": "Content-Type", "ChecksumCRC32": "x-amz-checksum-crc32"}
"""Parameters of a call that the signer leaves to be sent as headers."""


class Body:
    """Bytes that are being sent, large chunks without a copy. They must not change until the sending has ended."""

    def __init__(self, data: Filling, idle_timeout: float) -> None:
        self._size = len(data)
        self._filling = data
        self._slices = _sliced(data.sent(lambda: self._stopped))
        self._slice = memoryview(b"")
        self._idle_timeout = idle_timeout
        self._socket: socket.socket | None = None
        self._stopped = False
        self._lock = Lock()

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        """What urllib3 asks of a body; `_Connection` takes the slices from `over` instead."""
        raise NotImplementedError

    def over(self, connection: HTTPConnection) -> Iterator[memoryview]:
        """The slices, for a connection that is open by the time the first one is asked for."""
        self._attach(connection.sock)
        for piece in self._slices:
            if self._stopped:
                break
            self._slice = piece
            yield piece
        if self._stopped:
            message = "sending was stopped"
            raise ConnectionAbortedError(message)

    def detach(self) -> None:
        """From now on the connection may serve somebody else: `stop` leaves it alone."""
        with self._lock:
            self._socket = None

    def release(self) -> None:
        """Let go of the bytes, also when an error's traceback still holds on to this."""
        self._slice.release()
        self._slices.close()
        self._filling = Filling([])

    def stop(self) -> None:
        """Break the connection, from any thread, which ends a send or a wait for the answer at once."""
        with self._lock:
            self._stopped = True
            if self._socket is not None:
                _break(self._socket)
        self._filling.wake()

    def _attach(self, connected: socket.socket | None) -> None:
        with self._lock:
            self._socket = connected
            if connected is not None:
                connected.settimeout(self._idle_timeout)


def _sliced(chunks: Iterable[Buffer]) -> Generator[memoryview, None, None]:
    """The same bytes, at most about `SLICE` at once."""
    small: list[Buffer] = []
    size = 0
    for chunk in chunks:
        if len(chunk) <= SMALL:
            small.append(chunk)
            size += len(chunk)
        if small and (size >= SLICE or len(chunk) > SMALL):
            yield memoryview(b"".join(small))
            small, size = [], 0
        if len(chunk) > SMALL:
            view = memoryview(chunk)
            for start in range(0, len(view), SLICE):
                yield view[start : start + SLICE]
    if small:
        yield memoryview(b"".join(small))


def _break(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it is closed already, which is what was wanted
        # Not `connected.shutdown`: a TLS socket would take off its encryption while another thread may still be sending.
        socket.socket.shutdown(connected, socket.SHUT_RDWR)


def _forget_frames(error: BaseException | None) -> None:
    """Empty the frames that an error remembers: over TLS they hold the bytes too, until the garbage collector comes."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


class _Connection(HTTPConnection):
    """Sends a `Body` under its own time-out, and anything else as ever."""

    _body: Body | None = None

    def request(self, method: str, url: str, body: Any = None, *args: Any, **kwargs: Any) -> None:
        self._body = body if isinstance(body, Body) else None
        slices: Any = body if self._body is None else self._body.over(self)
        super().request(method, url, slices, *args, **kwargs)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override] # as urllib3 has it
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


class Sender:
    """Sends bodies to addresses that a signer makes: `sign(operation, parameters)` is botocore's presigning.

    The signature leaves the body out, which saves a SHA-256 over every part.
    """

    def __init__(
        self, sign: Callable[[str, dict[str, Any]], str], connect_timeout: float, idle_timeout: float, size: int
    ) -> None:
        """`size` is how many bodies can be under way at once. The time-outs are seconds."""
        self._sign = sign
        self._idle_timeout = idle_timeout
        self._threads = Threads(size, "storage-send")
        self._pools = _Pools(maxsize=size, retries=False, timeout=Timeout(connect=connect_timeout, read=idle_timeout))

    async def send(self, operation: str, parameters: dict[str, Any], data: Buffer | Filling) -> str:
        """PUT the bytes and return the ETag that the store answers with. Raises `Starved` when they don't come in.

        When cancelled, the connection is broken and `data` is free again by the time this raises.
        """
        body = Body(data if isinstance(data, Filling) else Filling.of(data), self._idle_timeout)
        return await self._threads.run_until_stopped(lambda: self._put(operation, parameters, body), body.stop)

    def _put(self, operation: str, parameters: dict[str, Any], body: Body) -> str:
        headers = {"Content-Length": str(len(body))}
        headers |= {HEADERS[name]: value for name, value in parameters.items() if name in HEADERS}
        address = self._sign(operation, parameters)
        try:
            response = self._pools.request("PUT", address, body=body, headers=headers, redirect=False)
        except BaseException as error:
            _forget_frames(error)
            raise
        finally:
            body.release()
        if response.status != HTTPStatus.OK or "ETag" not in response.headers:
            raise Refusal(response.status, response.data)
        return quoted(response.headers["ETag"])

    async def close(self) -> None:
        """Wait for what is under way and close the connections."""
        await self._threads.close()
        self._pools.clear()
