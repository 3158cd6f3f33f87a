"""HTTP/1.1 on a TCP connection: uvicorn's protocols with limits, deadlines and strict framing (RFC 9112).

What is refused here gets a problem like any other error, and a line in the log with the client's address. A request that is
served costs about as much CPU as with uvicorn alone, whose timer after each response is not needed.
"""

from __future__ import annotations

import asyncio
import math
import re
from typing import Any, Literal, cast

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.middleware import check_headers
from app.problems import HeadTooLarge, MalformedRequest, RequestIncomplete, TargetTooLong
from app.refusals import refusal
from app.small_reads import SmallReads
from app.tcp_connections import TcpConnections
from app.websocket_protocol import WebSocketProtocol
from jobs.errors import HaulageError

MAX_HEAD_BYTES = 32_000
"""Largest head of a request, in bytes. As many may stand between two pieces of a chunked body, and after the last one."""
MAX_HEADERS = 100
"""Most header fields of a request."""
MAX_HANDSHAKE_LINE = 8000
"""Longest header field of a WebSocket handshake, in bytes: `websockets` reads no longer ones."""
MAX_PIPELINED = 16
"""Requests that may wait on a connection for the response to an earlier one."""
LINGER = 2.0
"""Seconds in which a refused client may go on sending: closing the socket at once might cost it the response."""
MAX_LINGER_BYTES = 4_000_000
"""Bytes that such a client may still send."""
CLOSE_TIMEOUT = 5.0
"""Seconds in which a client has to read the rest of its response when the connection is being closed."""

_PIECE = 16 * 1024
"""Bytes that are parsed at once, so that what a client sends is checked before it takes up memory. A body that may take
hours is parsed as it is read: it is handed on at once."""
_ABSOLUTE_TARGET = re.compile(rb"https?://([^/?#@]+)([/?][^#]*)?", re.IGNORECASE)

State = Literal["idle", "head", "body", "response", "closing"]
"""What a connection waits for: a request, the rest of its head, the rest of its body, its response, its own end."""


class _Trailers(list[tuple[bytes, bytes]]):
    """Discards trailers: merged into the headers (RFC 9110, section 6.5.1) they would pass for checked ones."""

    def append(self, _: tuple[bytes, bytes], /) -> None:
        pass


_TRAILERS = _Trailers()
_WITHOUT_BODY = frozenset({b"GET", b"HEAD", b"OPTIONS"})
"""Methods whose requests have no body as a rule."""


class _RequestTransport:
    """The transport of a request that may have a body. It is closed with a pause if the body has not ended.

    Closing a socket while its client still sends resets the connection, which can cost the client, or the proxy in
    between, a response such as 413 (RFC 9112, section 9.6).
    """

    __slots__ = ("_protocol",)

    def __init__(self, protocol: HttpProtocol) -> None:
        self._protocol = protocol

    def __getattr__(self, name: str) -> Any:
        return getattr(self._protocol.transport, name)

    def close(self) -> None:
        if self._protocol.is_receiving_body:
            self._protocol.linger()
        else:
            self._protocol.transport.close()


class HttpProtocol(HttpToolsProtocol):
    """A connection, until it is closed or becomes a WebSocket."""

    def __init__(self, connections: TcpConnections, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._tcp = connections
        self._counted = False
        self._state: State = "head"
        self._size = 0
        """Bytes received since the head began, or since the last piece of a body; fewer if requests are pipelined."""
        self._parsed = 0
        """Bytes that are being parsed."""
        self.deadline = math.inf
        self.headers = []
        self.url = b""

    @property
    def address(self) -> str:
        """The peer's address; empty for a UNIX socket."""
        return self.client[0] if self.client else ""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if self._tcp.long_bodies:
            transport.set_protocol(SmallReads(self, self._tcp.read_buffer))
        reason = self._tcp.add(self, self.address)
        if reason is not None:
            self._respond(reason)
            if not self._tcp.keep_refused(self):
                self.transport.close()
            return
        self._counted = True
        self.deadline = self._tcp.head_deadline
        if self._tcp.is_proxy(self.address):  # some connect before there is a request
            self._wait_for_request()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._tcp.discard(self)
        if self._counted:
            self._tcp.release(self.address)

    def shutdown(self) -> None:
        if self._state == "closing" and self.deadline < math.inf:  # its response, if any, was sent
            self.transport.close()
        else:
            super().shutdown()

    def expire(self) -> None:
        """Ends the connection: its deadline has passed, or its transport is being closed."""
        if self._state == "closing" and self.deadline <= self._tcp.now:
            self.transport.abort()
        elif self.transport.is_closing():
            self._close()
        elif self._state == "body" and self.flow.read_paused:  # it is the application that does not read
            if self._tcp.long_bodies:
                self._wait_for_body()
        elif self._state == "body":
            self._refuse(RequestIncomplete(f"The body did not arrive within {self._tcp.settings.body_timeout:g} s."))
        elif self._state == "head" and self._size > 0:
            self._refuse(RequestIncomplete(f"The head did not arrive within {self._tcp.settings.head_timeout:g} s."))
        elif self._state in {"idle", "head"}:
            self._close()

    # --- receiving -----------------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._state == "idle":
            self._state = "head"
            self._size = 0
            self.deadline = self._tcp.head_deadline
        if len(data) <= _PIECE or (self._tcp.long_bodies and self._state == "body"):
            return self._receive(data)
        for start in range(0, len(data), _PIECE):
            self._receive(data[start : start + _PIECE])
        return None

    def _receive(self, data: bytes) -> None:
        if self._state == "closing":
            self._size += len(data)
            if self._size > MAX_LINGER_BYTES:
                self.transport.abort()
            return
        self._parsed = len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._upgrade(data[upgrade.args[0] :])
            return
        except httptools.HttpParserError as error:
            reason = error.__context__
            if not isinstance(reason, HaulageError):
                found = str(error) or "the target cannot be read"
                reason = MalformedRequest(f"This is not a valid HTTP/1.1 request (RFC 9112): {found}.")
            self._refuse(reason)
            return
        self._size += len(data)
        if self._size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            self._refuse(self._too_large())

    def on_headers_complete(self) -> None:
        if len(self.headers) > MAX_HEADERS or self._size < 0 or self._size + self._parsed > MAX_HEAD_BYTES:
            self._check_size()
        if not self.url.startswith(b"/"):
            self._accept_other_target()
        if self.parser.should_upgrade():
            return self._check_upgrade()
        queued = self._state == "response"
        if queued and len(self.pipeline) >= MAX_PIPELINED:
            raise MalformedRequest(f"More than {MAX_PIPELINED} requests are waiting on this connection.")
        super().on_headers_complete()
        self.headers = _TRAILERS
        if self.parser.get_method() not in _WITHOUT_BODY:
            self.cycle.transport = cast("asyncio.Transport", _RequestTransport(self))
        if not queued:
            self._wait_for_body()
        return None

    def on_body(self, body: bytes) -> None:
        cycle = self.cycle
        if not cycle.body and not cycle.response_complete:
            cycle.body = body  # type: ignore[assignment] # what uvicorn would copy twice
            cycle.message_event.set()
        else:
            cycle.body = bytearray(cycle.body)
            super().on_body(body)
        self._size = -self._parsed
        if self._tcp.long_bodies and self._state == "body":
            self._wait_for_body()
            self.flow.pause_reading()  # until the application asks for more: it may hold what it has for a long time

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return None
        self._size = -self._parsed
        self.url = b""
        cycle = self.cycle
        if cycle.response_complete:
            return self._wait_for_request()
        cycle.more_body = False
        cycle.message_event.set()
        if self._state == "body":
            self._state = "response"
            self.deadline = math.inf
        return None

    def on_response_complete(self) -> None:
        """As uvicorn's, with a deadline instead of a timer."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return self._close()
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            if cycle.more_body and self._state == "response":
                self._wait_for_body()
        elif self._state == "response":
            self._wait_for_request()
        return None

    def _wait_for_request(self) -> None:
        self._state = "idle"
        self.deadline = self._tcp.request_deadline

    def _wait_for_body(self) -> None:
        self._state = "body"
        self.deadline = self._tcp.body_deadline

    # --- what is accepted ----------------------------------------------------------------------------------------------

    def _check_size(self) -> None:
        """Raises for a head that is too large: some of what was received with it may belong to what follows."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > MAX_HEAD_BYTES or len(self.headers) > MAX_HEADERS:
            raise self._too_large()

    def _accept_other_target(self) -> None:
        """Reads an absolute URI, which replaces `Host` (RFC 9112, section 3.2.2), or `*`. Raises for all others."""
        if self.url == b"*":
            return
        absolute = _ABSOLUTE_TARGET.fullmatch(self.url)
        if absolute is None:
            raise MalformedRequest("The request target must be a path, or an http URL without a user name.")
        host, rest = absolute.groups()
        self.headers[:] = [(name, host if name == b"host" else value) for name, value in self.headers]
        self.url = rest if rest and rest.startswith(b"/") else b"/" + (rest or b"")

    def _check_upgrade(self) -> None:
        """Raises for an upgrade while a response is due, and for a WebSocket handshake that could not be read."""
        if self._state == "response":
            raise MalformedRequest("A connection can only be upgraded when nothing else is requested on it.")
        if not self._should_upgrade():
            return
        check_headers(self.headers, "1.1")
        super().on_headers_complete()
        for name, value in self.headers:
            if name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0")):
                raise MalformedRequest("A WebSocket handshake has no body.")
            if len(name) + len(value) > MAX_HANDSHAKE_LINE:
                raise HeadTooLarge(f"A header of a WebSocket handshake may have up to {MAX_HANDSHAKE_LINE} bytes.")

    def _should_upgrade(self) -> bool:
        """Whether it becomes a WebSocket: HTTP/1.0 can't be upgraded (RFC 9110, section 7.8)."""
        return self.parser.get_http_version() == "1.1" and super()._should_upgrade()

    def _upgrade(self, rest: bytes) -> None:
        """Continues as a WebSocket; or ignores an upgrade to anything else (RFC 9110, section 7.8).

        The parser takes no body of a request with an upgrade: what follows would be another request. So it reads the head
        again without that header.
        """
        if self._should_upgrade():
            return self.handle_websocket_upgrade()
        version = self.parser.get_http_version().encode()
        head = [self.parser.get_method(), b" ", self.url, b" HTTP/", version, b"\r\n"]
        for name, value in self.headers:
            if name != b"upgrade":
                head += [name, b": ", value, b"\r\n"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._size = 0
        return self._receive(b"".join([*head, b"\r\n", rest]))

    def handle_websocket_upgrade(self) -> None:
        self._state = "closing"  # whatever else was received now precedes the handshake's response, and is discarded
        self._tcp.discard(self)
        super().handle_websocket_upgrade()
        socket = cast("WebSocketProtocol", self.transport.get_protocol())
        if not socket.handshake_initiated:
            self._send_problem(MalformedRequest(f"The WebSocket handshake is not valid: {socket.conn.handshake_exc}."))
            self.transport.close()

    # --- what is refused -----------------------------------------------------------------------------------------------

    def _too_large(self) -> HaulageError:
        if self._state == "body":
            return MalformedRequest(f"More than {MAX_HEAD_BYTES} bytes of the body are none of its data.")
        if len(self.url) > MAX_HEAD_BYTES // 2:
            return TargetTooLong(f"The head of a request may have up to {MAX_HEAD_BYTES} bytes.")
        return HeadTooLarge(f"The head of a request may have up to {MAX_HEAD_BYTES} bytes and {MAX_HEADERS} headers.")

    def _refuse(self, error: HaulageError) -> None:
        """Ends the connection, with a response to the request that was refused unless another one comes before it."""
        state, cycle = self._state, self.cycle
        self._state = "closing"
        self._size = 0
        if state == "response" and not cycle.more_body:  # what was complete before it gets its response
            self._tcp.log_rejected(self.address, error)
            cycle.keep_alive = False
        elif state == "response" or (state == "body" and cycle.response_started):
            self._tcp.log_rejected(self.address, error)
            self._close()
        else:
            if state == "body":
                cycle.disconnected = True
                cycle.waiting_for_100_continue = False
                cycle.message_event.set()
            self._respond(error)

    def _respond(self, error: HaulageError) -> None:
        """Sends a response, and nothing after it; what the client still sends is discarded until it has closed, too."""
        self._send_problem(error)
        self.linger()

    @property
    def is_receiving_body(self) -> bool:
        """Whether the rest of a body is still to come."""
        return self._state == "body"

    def linger(self) -> None:
        """Sends nothing more, and discards what the client still sends until it has closed the connection, too."""
        self.transport.write_eof()
        self._state = "closing"
        self._size = 0
        self.deadline = self._tcp.now + LINGER

    def _send_problem(self, error: HaulageError) -> None:
        self._tcp.log_rejected(self.address, error)
        response = refusal(error, "", self.url.decode("latin-1"), self._tcp.settings)
        head = [*self.server_state.default_headers, *response.raw_headers]
        lines = [STATUS_LINE[response.status_code], *(b"%b: %b\r\n" % header for header in head), b"\r\n"]
        self.transport.write(b"".join(lines) + bytes(response.body))

    def _close(self) -> None:
        soon = self._tcp.now + CLOSE_TIMEOUT
        self.deadline = min(self.deadline, soon) if self._state == "closing" else soon
        self._state = "closing"
        self.transport.close()
