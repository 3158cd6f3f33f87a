"""What all responses have in common: request id, security headers, a line in the log, and problems instead of errors.

Plain ASGI around the whole application, in one layer: it handles a few thousand polls a second.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Collection
from http import HTTPStatus
from time import perf_counter

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected

from app.client_counts import client_address
from app.close_codes import CloseCode
from app.metrics import OTHER
from app.problems import RESPONSES, MalformedRequest, ServerStops, UnsupportedTransferCoding, problem
from app.public_address import PublicAddress
from app.rate_limit_headers import Quota, rate_limit_headers
from jobs.errors import HaulageError
from jobs.settings import GatewaySettings, Settings

log = structlog.get_logger()

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:+/=-]{1,128}")
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
]
STRICT_TRANSPORT_SECURITY = (b"strict-transport-security", b"max-age=31536000")
"""Where `PUBLIC_URL` is https: browsers use nothing else for a year (RFC 6797). Subdomains are not ours to bind."""
CONTENT_SECURITY_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
"""For all responses but pages, which have their own."""
HEALTH = frozenset({"/health", "/health/live", "/health/ready"})
"""Served whatever the `Host`: orchestrators and load balancers probe the address of a pod, which nobody can list."""


def common_headers(settings: GatewaySettings) -> list[tuple[bytes, bytes]]:
    """Those of every response, but for its request id and its content security policy."""
    is_https = (settings.public_url or "").startswith("https:")
    return [*SECURITY_HEADERS, STRICT_TRANSPORT_SECURITY] if is_https else SECURITY_HEADERS


class RequestMiddleware:
    """Wraps the application.

    A coroutine function of `receive` that the application leaves in the request's `state["continuation"]` runs after it
    has returned: a stream that ran inside would keep a dozen frames and requests alive, two thirds of its memory. One that
    it leaves `state["quiet"]` in is logged at level debug, and so is a health check that succeeds, of which there are many.
    The time counts for the `RequestTimer` in `state["timer"]`, if there is one, and for none if that is None.
    """

    def __init__(self, app: ASGIApp, settings: Settings, address: PublicAddress) -> None:
        self._app = app
        self._settings = settings
        self._address = address
        self.common_headers = common_headers(settings)
        self.stopping = False
        """Every response closes its connection: the client's next request goes to another process."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        path = self._address.enter(scope)
        headers = dict(scope["headers"])
        request_id = headers.get(b"x-request-id", b"")
        if _REQUEST_ID.fullmatch(request_id) is None:
            request_id = os.urandom(16).hex().encode()
        state = scope.setdefault("state", {})
        state["request_id"] = request_id.decode()
        if scope["type"] == "websocket":
            state["send"] = send
            with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
                await self._serve_socket(scope, receive, send)
            return
        response = state["response"] = ResponseSender(send, request_id, self)
        structlog.contextvars.bind_contextvars(request_id=request_id.decode())
        started = perf_counter()
        try:
            await self._serve_request(scope, headers, receive, response, any_host=path in HEALTH)
        finally:
            taken = perf_counter() - started
            timer = state["timer"] if "timer" in state else OTHER.get(scope["method"], OTHER["other"])
            if timer is not None:
                timer.observe(response.status, taken)
            is_quiet = "quiet" in state or (path in HEALTH and response.status == HTTPStatus.OK)
            write = log.debug if is_quiet else log.info
            write(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=response.status,
                ms=round(1000 * taken, 1),
            )
            structlog.contextvars.unbind_contextvars("request_id")
        if "continuation" in state:
            del headers
            await state["continuation"](receive)

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: its endpoint closes it, unless that fails."""
        started = perf_counter()
        try:
            await self._app(scope, receive, send)
            if "continuation" in scope["state"]:
                await scope["state"]["continuation"](receive)
        except (ClientDisconnected, WebSocketDisconnect):
            pass  # before it was accepted, or while it was being closed
        except Exception:
            log.exception("socket_failed", path=scope["path"])
            code = CloseCode.INTERNAL
            await send({"type": "websocket.close", "code": code.code, "reason": code.reason})
        log.info("socket", path=scope["path"], ms=round(1000 * (perf_counter() - started), 1))

    async def _serve_request(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        receive: Receive,
        response: ResponseSender,
        *,
        any_host: bool,
    ) -> None:
        """A request; any error becomes a problem, unless a response has begun."""
        error: BaseException
        try:
            fields = scope["headers"]
            if len(headers) != len(fields) or b"host" not in headers or b"transfer-encoding" in headers:
                check_headers(fields, scope["http_version"])
            if not any_host:
                self._address.check_host(headers)
            await self._app(scope, receive, response.send)
        except asyncio.CancelledError:  # by the server, which stops, after `SHUTDOWN_TIMEOUT`
            error = ServerStops("The server is shutting down and could not finish this request. Try again.")
        except (MalformedRequest, UnsupportedTransferCoding) as raised:
            client, status = client_address(scope), RESPONSES[raised.code].status
            log.warning("request_rejected", client=client, status=status, reason=raised.message)
            error = raised
        except HaulageError as raised:
            error = raised
        except Exception as raised:
            log.exception("request_failed", method=scope["method"], path=scope["path"])
            error = raised
        else:
            return
        if not response.status:
            await problem(Request(scope), error)(scope, receive, response.send)


class ResponseSender:
    """Sends a response with the common headers."""

    def __init__(self, send: Send, request_id: bytes, middleware: RequestMiddleware) -> None:
        self._send = send
        self._request_id = request_id
        self._middleware = middleware
        self.deadline: asyncio.Timeout | None = None
        """That of the request, once `RequestLimits` has set it."""
        self.status = 0
        """The status of the response; 0 until it has begun."""
        self.closes = False
        """Whether it closes its connection, since the rest of the request's body will not be read."""
        self.quotas: list[Quota] = []
        """What the response says of the caller's limits, whether it is an error or not."""

    def without_deadline(self) -> Send:
        """The server's own `send`, for a response that goes on without end: the request has no deadline any more."""
        if self.deadline is not None:
            self.deadline.reschedule(None)
        return self._send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = message["headers"]
            headers = message["headers"] = [*own, *self._middleware.common_headers, (b"x-request-id", self._request_id)]
            if CONTENT_SECURITY_POLICY[0] not in dict(own):
                headers.append(CONTENT_SECURITY_POLICY)
            if self.quotas:
                fields = rate_limit_headers(self.quotas).items()
                headers += ((name.lower().encode(), value.encode()) for name, value in fields)
            if self._middleware.stopping or self.closes:
                headers.append((b"connection", b"close"))
        await self._send(message)


def check_headers(fields: Collection[tuple[bytes, bytes]], version: str) -> None:
    """Raises for headers that another server might read differently.

    `MalformedRequest` unless there is one `Host` (RFC 9112, section 3.2), which HTTP/1.0 may leave out, and
    `UnsupportedTransferCoding` for any coding but chunked (section 6.1).
    """
    hosts = [value for name, value in fields if name == b"host"]
    if len(hosts) > 1 or (not hosts and version != "1.0"):
        raise MalformedRequest("A request must have exactly one Host header.")
    codings = [value.lower() for name, value in fields if name == b"transfer-encoding"]
    if codings not in ([], [b"chunked"]):
        raise UnsupportedTransferCoding("The only supported transfer coding is chunked.")
