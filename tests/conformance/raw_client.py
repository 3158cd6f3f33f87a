"""An HTTP and WebSocket client that exposes what the server really sends: status, headers, raw events, close codes."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError, ReadTimeoutError
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.frames import Frame, Opcode
from websockets.protocol import Event
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from tests.conformance.limits import SUBPROTOCOL
from tests.event_stream_parser import EventStreamParser, StreamEvent

TIMEOUT = 10.0
"""Seconds that any response may take."""
NO_CLOSE_FRAME = 1006
"""The code of a connection that ended without a close frame (RFC 6455, section 7.1.5)."""
Message = dict[str, Any]
_MAX_RECEIVED = 1 << 25
_CHUNK = 1 << 16


class ProtocolViolation(AssertionError):
    """The server broke the protocol before a test could check anything; the message says how."""


def parse_message(text: str | bytes) -> Message:
    """Returns the message. Raises `ProtocolViolation` unless it is a JSON object."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ProtocolViolation(f"a message that is not a JSON object: {text[:80]!r}")
    return found


@dataclass(frozen=True, slots=True)
class Response:
    """A complete HTTP response, or the head of an event stream."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Message:
        """The body. Raises `ProtocolViolation` unless it is a JSON object."""
        return parse_message(self.body)

    @property
    def proxy(self) -> str | None:
        """The proxy that has passed it on, if that names itself (RFC 9110, sections 7.6.3 and 10.2.4)."""
        return self.headers.get("Via") or self.headers.get("Server")


@dataclass(slots=True)
class EventStream:
    """An event stream and what it sent; `ended`: the server ended it properly."""

    response: Response
    parser: EventStreamParser
    events: list[StreamEvent] = field(default_factory=list)
    ended: bool = False

    @property
    def messages(self) -> list[Message]:
        return [parse_message(event.data) for event in self.events]


class _PingCounter(ClientConnection):
    """A connection that counts the pings it receives."""

    pings = 0

    def process_event(self, event: Event) -> None:
        if isinstance(event, Frame) and event.opcode is Opcode.PING:
            self.pings += 1
        super().process_event(event)


class WebSocket:
    """An open WebSocket. Every method raises `ProtocolViolation` when the server closes it unexpectedly."""

    def __init__(self, connection: _PingCounter) -> None:
        self._connection = connection

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose."""
        return self._connection.subprotocol

    @property
    def pings(self) -> int:
        """The number of pings that the server has sent."""
        return self._connection.pings

    def send(self, message: Mapping[str, Any] | str | bytes) -> None:
        text = json.dumps(message) if isinstance(message, Mapping) else message
        try:
            self._connection.send(text)
        except ConnectionClosed as error:
            raise ProtocolViolation(f"closed with {_close_code(error)}") from error

    def receive(self, timeout: float = TIMEOUT) -> Message:
        """Returns the next message."""
        try:
            return parse_message(self._connection.recv(timeout))
        except TimeoutError:
            raise ProtocolViolation(f"no message within {timeout:g} s") from None
        except ConnectionClosed as error:
            raise ProtocolViolation(f"closed with {_close_code(error)}") from error

    def receive_error(self) -> Message:
        """Returns the next message, which has to be an error message."""
        message = self.receive()
        if set(message) != {"type", "error", "message", "jobId"} or message["type"] != "error":
            raise ProtocolViolation(f"not an error message: {message}")
        return message

    def close_code(self, timeout: float = TIMEOUT) -> int:
        """Waits until the server closes, skipping messages, and returns the close code."""
        deadline = time.monotonic() + timeout
        try:
            while (left := deadline - time.monotonic()) > 0:
                self._connection.recv(left)
        except TimeoutError:
            pass
        except ConnectionClosed as error:
            return _close_code(error)
        raise ProtocolViolation(f"not closed within {timeout:g} s")

    def assert_open(self) -> None:
        """Pings the server and waits for its pong (RFC 6455, section 5.5.3)."""
        try:
            answered = self._connection.ping().wait(TIMEOUT)
        except ConnectionClosed as error:
            raise ProtocolViolation(f"closed with {_close_code(error)}") from error
        if not answered:
            raise ProtocolViolation(f"no pong within {TIMEOUT:g} s")


def _close_code(error: ConnectionClosed) -> int:
    return NO_CLOSE_FRAME if error.rcvd is None else error.rcvd.code


class RawClient:
    """A client of one server. All calls raise `ProtocolViolation` when it does not even speak HTTP or WebSocket."""

    def __init__(self, server: str, token: str | None = None) -> None:
        """`token`: an API key that every request carries."""
        self.server = server.rstrip("/")
        self._authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._pool = urllib3.PoolManager(retries=False, maxsize=8)

    def close(self) -> None:
        self._pool.clear()

    @property
    def origin(self) -> str:
        """The origin of the server's own pages."""
        parts = urlsplit(self.server)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}".lower()

    def request(
        self,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "GET",
        body: Mapping[str, Any] | None = None,
        timeout: float = TIMEOUT,
    ) -> Response:
        """Sends one request, without retries or redirects."""
        content = None if body is None else json.dumps(body).encode()
        all_headers = (
            self._authorization | dict(headers or {}) | ({} if body is None else {"Content-Type": "application/json"})
        )
        try:
            found = self._pool.request(
                method, self.server + path, body=content, headers=all_headers, timeout=timeout, redirect=False
            )
        except HTTPError as error:
            raise ProtocolViolation(f"{path} failed: {type(error).__name__}") from error
        return Response(found.status, found.headers, found.data)

    def problem(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        """Returns status and code of a problem (RFC 9457). Raises `ProtocolViolation` for any other response."""
        response = self.request(path, headers)
        media_type = response.headers.get("Content-Type", "")
        if media_type != "application/problem+json":
            raise ProtocolViolation(f"{response.status} {media_type} instead of a problem")
        return response.status, str(response.json.get("error"))

    def stream(
        self, path: str, headers: Mapping[str, str] | None = None, timeout: float = TIMEOUT, total: float = TIMEOUT
    ) -> EventStream:
        """Reads an event stream to its end, for at most `total` seconds. `timeout`: seconds without a byte."""
        deadline = time.monotonic() + total
        try:
            found = self._pool.request(
                "GET",
                self.server + path,
                headers=self._authorization | dict(headers or {}),
                timeout=timeout,
                preload_content=False,
            )
            with closing(found):
                stream = EventStream(Response(found.status, found.headers, b""), EventStreamParser())
                while time.monotonic() < deadline and not stream.ended:
                    try:
                        data = found.read1(_CHUNK)
                    except ReadTimeoutError:
                        break
                    stream.ended = not data
                    stream.events += stream.parser.feed(data)
        except HTTPError as error:
            raise ProtocolViolation(f"{path} failed: {type(error).__name__}") from error
        return stream

    @contextmanager
    def websocket(
        self,
        path: str,
        *,
        subprotocols: Sequence[str] = (SUBPROTOCOL,),
        origin: str | None = None,
        host: str | None = None,
    ) -> Iterator[WebSocket]:
        """Opens a WebSocket. `host`: the name to send as `Host` instead of the server's own."""
        parts = urlsplit("ws" + self.server.removeprefix("http") + path)
        netloc = parts.netloc.rpartition("@")[2]
        if host is not None:
            netloc = f"{host}:{parts.port}" if parts.port else host
        try:
            raw = socket.create_connection(
                (parts.hostname, parts.port or (443 if parts.scheme == "wss" else 80)), TIMEOUT
            )
            connection = connect(
                parts._replace(netloc=netloc).geturl(),
                sock=raw,
                server_hostname=parts.hostname if parts.scheme == "wss" else None,
                origin=None if origin is None else Origin(origin),
                subprotocols=[Subprotocol(name) for name in subprotocols] or None,
                additional_headers=self._authorization,
                compression=None,
                open_timeout=TIMEOUT,
                ping_interval=None,
                close_timeout=1,
                max_size=_MAX_RECEIVED,
                create_connection=_PingCounter,
            )
        except (WebSocketException, OSError, EOFError) as error:
            raise ProtocolViolation(f"the handshake failed: {error}") from error
        with connection:
            assert isinstance(connection, _PingCounter)
            yield WebSocket(connection)
