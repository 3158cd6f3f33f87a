"""What every answer has in common: request id, security headers, one line in the log, and no error without a problem.

Plain ASGI around the whole application, in one layer: a hot read passes it a few thousand times a second.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Mapping
from time import perf_counter
from uuid import uuid4

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected

from app.close_codes import Closing
from app.deadlines import Deadlines
from app.problems import BodyTooLarge, RequestTimeout, ServerStops, WrongHost, internal_problem, problem
from jobs.errors import HaulageError
from jobs.settings import Settings

log = structlog.get_logger()

_PORT = re.compile(r":\d+$")
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:+/=-]{1,128}")

MAX_HOSTS = 16
"""`Host` headers that are kept as checked."""
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
]
POLICY = b"default-src 'none'; frame-ancestors 'none'"
"""For all but pages, which bring their own."""


class Envelope:
    """Wraps the application.

    What is left in the request's `state["rest"]`, a coroutine function of `receive`, runs when the application has
    returned: a stream that went on inside would keep a dozen frames and requests in memory, two thirds of what it takes.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._settings = settings
        self.deadlines = Deadlines(settings.request_timeout)
        self.stopping = False
        """Every answer is the last one of its connection: the next request goes to another process."""
        self.checked_hosts: set[bytes] = set()
        """Some `Host` headers that were found to be ours."""
        self._hosts = {host.lower() for host in settings.allowed_hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        request_id = headers.get(b"x-request-id", b"")
        if REQUEST_ID.fullmatch(request_id) is None:
            request_id = str(uuid4()).encode()
        state = scope.setdefault("state", {})
        state["request_id"] = request_id.decode()
        if scope["type"] == "websocket":
            state["send"] = send
            with structlog.contextvars.bound_contextvars(request_id=request_id.decode()):
                await self._connected(scope, receive, send)
            return
        answer = state["answer"] = Answer(send, request_id, self)
        structlog.contextvars.bind_contextvars(request_id=request_id.decode())
        started = perf_counter()
        try:
            await self._answered(scope, headers, receive, answer)
        finally:
            log.info(
                "request",
                method=scope["method"],
                path=scope["path"],
                status=answer.status,
                ms=round(1000 * (perf_counter() - started), 1),
            )
            structlog.contextvars.unbind_contextvars("request_id")
        if "rest" in state:
            del headers
            await state["rest"](receive)

    async def _connected(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket: its endpoint says how it ends, unless that breaks."""
        started = perf_counter()
        try:
            await self._app(scope, receive, send)
            if "rest" in scope["state"]:
                await scope["state"]["rest"](receive)
        except (ClientDisconnected, WebSocketDisconnect):
            pass  # it left before it was accepted, or while it was told why not
        except Exception:
            log.exception("socket_broke", path=scope["path"])
            await send({"type": "websocket.close", "code": Closing.INTERNAL.code, "reason": Closing.INTERNAL.reason})
        log.info("socket", path=scope["path"], ms=round(1000 * (perf_counter() - started), 1))

    async def _answered(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, answer: Answer) -> None:
        clock = answer.clock
        try:
            check_host(headers, self._hosts)
            if len(self.checked_hosts) < MAX_HOSTS:
                self.checked_hosts.add(headers.get(b"host", b""))
            async with clock:
                self.deadlines.start(clock)
                await self._app(scope, self._limited(headers, receive), answer.send)
        except HaulageError as error:
            await answer.instead(problem(Request(scope), error), scope)
        except asyncio.CancelledError:  # by the server, which stops, when `SHUTDOWN_TIMEOUT` is over
            late = ServerStops("The server stops, and this would have taken too long. Try again.")
            await answer.instead(problem(Request(scope), late), scope)
        except Exception as error:
            if isinstance(error, TimeoutError) and clock.expired():
                slow = RequestTimeout(f"The answer took longer than {self._settings.request_timeout:g} s.")
                await answer.instead(problem(Request(scope), slow), scope)
                return
            log.exception("request_broke", method=scope["method"], path=scope["path"])
            await answer.instead(internal_problem(Request(scope)), scope)
        finally:
            self.deadlines.end(clock)

    def _limited(self, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """Refuses a body that is announced as too large when it is asked for, any other at the first byte too many."""
        limit = self._settings.max_body_bytes
        length = headers.get(b"content-length", b"")
        announced = int(length) if length.isdigit() else 0
        received = 0

        async def counted() -> Message:
            nonlocal received
            if announced > limit:
                raise _too_large(limit)
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit)
            return message

        return counted


def check_host(headers: Mapping[bytes, bytes], hosts: Collection[str]) -> None:
    """Refuses names that are not ours: a page elsewhere could point its own name at this address."""
    if "*" in hosts:
        return
    name = _PORT.sub("", headers.get(b"host", b"").decode("latin-1").lower())
    if name not in hosts:
        raise WrongHost(f"The host name {name[:100]!r} is not one of ALLOWED_HOSTS.")


class Answer:
    """Sends an answer with the common headers."""

    def __init__(self, send: Send, request_id: bytes, envelope: Envelope) -> None:
        self._send = send
        self._request_id = request_id
        self._envelope = envelope
        self.clock = asyncio.timeout(None)
        self.status = 0

    def stream(self) -> Send:
        """What the server gave to send with: for an answer that goes on and on, without a deadline."""
        self._envelope.deadlines.end(self.clock)
        return self._send

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = {name for name, _ in message["headers"]}
            message["headers"] = [*message["headers"], *SECURITY_HEADERS, (b"x-request-id", self._request_id)]
            if b"content-security-policy" not in own:
                message["headers"].append((b"content-security-policy", POLICY))
            if self._envelope.stopping:
                message["headers"].append((b"connection", b"close"))
        await self._send(message)

    async def instead(self, response: ASGIApp, scope: Scope) -> None:
        """Sends another answer, if none has begun."""
        if not self.status:
            await response(scope, _nothing, self.send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


def _too_large(limit: int) -> BodyTooLarge:
    return BodyTooLarge(f"The body is larger than {limit} bytes.")
