"""WebSockets on a TCP connection: uvicorn's protocol, whose refused handshakes get a problem."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.datastructures import Headers
from websockets.http11 import Response

from app.refusals import refusal
from app.tcp_connections import TcpConnections


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """A connection that `HttpProtocol` has handed over. It counts as one until it is closed."""

    def __init__(self, connections: TcpConnections, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._tcp = connections
        self.conn.reject = self._reject  # type: ignore[method-assign]

    def connection_made(self, transport: Any) -> None:
        """Takes over the client's address: once the client has reset the connection, the socket has none any more."""
        super().connection_made(transport)
        self.client = transport.get_protocol().client

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._tcp.release(self._address)

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _reject(self, status: int, text: str) -> Response:
        """As `websockets.server.ServerProtocol.reject`; it names the version that is supported (RFC 6455, section 4.4)."""
        reason = text.strip() or "There is no WebSocket at this address."
        error = HTTPException(status, reason, {"Sec-WebSocket-Version": "13"})
        self._tcp.log_rejected(self._address, error)
        response = refusal(error, self.request.method, self.request.path, self._tcp.settings)
        fields = [*self.default_headers, *response.raw_headers]
        headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields)
        return Response(status, HTTPStatus(status).phrase, headers, bytes(response.body))
