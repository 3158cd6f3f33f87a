"""What `haulage doctor` requests through the proxies between it and the gateway.

Neither reads a job or a dependency, and both wait at most `MAX_WAIT` seconds.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import Literal

from sse_starlette import ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.client_counts import client_address
from app.context import Context, context, json_response
from app.diagnosis_limits import MAX_WAIT
from app.endpoints.streams import HEADERS, MEDIA_TYPE
from app.http_protocol import MAX_HEAD_BYTES
from app.requests import invalid
from app.schemas import API_HEADERS, DiagnosticEvent, GatewayLimits, SeenRequest

NO_STORE = {"Cache-Control": "no-store, no-transform"}

_SECONDS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?", re.ASCII)


async def request(request: Request) -> Response:
    """What the gateway has seen of the request, after `wait` seconds. The body is counted and discarded."""
    it, client = context(request), client_address(request.scope)
    wait = _query_seconds(request, "wait")
    with it.diagnosis_limits.acquired(client):
        body_bytes = 0
        async for piece in request.stream():
            body_bytes += len(piece)
        request.state.response.without_deadline()
        await _wait_unless_disconnected(request.receive, wait)
        return json_response(_seen(request, it, body_bytes), headers=NO_STORE)


async def stream(request: Request) -> Response:
    """An event with the time, and another one after `silence` seconds in which nothing is sent."""
    silence = _query_seconds(request, "silence")
    if request.method == "HEAD":
        return Response(None, headers=HEADERS, media_type=MEDIA_TYPE)
    return _SilentStream(context(request), client_address(request.scope), silence)


class _SilentStream(Response):
    media_type = MEDIA_TYPE

    def __init__(self, context: Context, client: str, silence: float) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["content-length"]
        self._limits = context.diagnosis_limits
        self._client = client
        self._silence = silence

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._limits.acquired(self._client):
            scope["state"]["response"].without_deadline()
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": _event(), "more_body": True})
            if await _wait_unless_disconnected(receive, self._silence):
                await send({"type": "http.response.body", "body": _event(), "more_body": False})


def _event() -> bytes:
    return ServerSentEvent(DiagnosticEvent(time=datetime.now(UTC)).model_dump_json(), event="time", sep="\n").encode()


def _seen(request: Request, context: Context, body_bytes: int) -> SeenRequest:
    scope, settings = request.scope, context.services.settings
    return SeenRequest(
        time=datetime.now(UTC),
        method=request.method,
        scheme=scope["scheme"],
        host=request.headers.get("host", ""),
        http_version=scope["http_version"],
        client=client_address(request.scope),
        forwarded_for=_forwarded_for(request),
        public_url=context.address.url,
        head_bytes=sum(len(name) + len(value) + 4 for name, value in scope["headers"]),
        body_bytes=body_bytes,
        headers=[name for name in API_HEADERS if name in request.headers],
        request_id=request.state.request_id,
        limits=GatewayLimits(
            head_bytes=MAX_HEAD_BYTES, body_bytes=settings.max_body_bytes, keep_alive=settings.keep_alive
        ),
    )


def _forwarded_for(request: Request) -> Literal["used", "ignored", "missing"]:
    """Whether the client's address is the one that a trusted proxy forwards.

    uvicorn then sets the client's port to 0, or to the one that follows the address in `X-Forwarded-For`.
    """
    forwarded, client = ",".join(request.headers.getlist("x-forwarded-for")), request.client
    if not forwarded or client is None:  # `ForwardedClients` takes it away from what names no client
        return "missing"
    with_port = (f"{client.host}:{client.port}", f"[{client.host}]:{client.port}")
    is_used = client.port == 0 or any(one.strip() in with_port for one in forwarded.split(","))
    return "used" if is_used else "ignored"


async def _wait_unless_disconnected(receive: Receive, seconds: float) -> bool:
    """Waits; returns whether the client is still connected."""
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return True
    return False


def _query_seconds(request: Request, name: str) -> float:
    """Seconds from the query, 0 if absent. Raises `InvalidRequest` unless they are from 0 to `MAX_WAIT`."""
    text = request.query_params.get(name, "0")
    if _SECONDS.fullmatch(text) is None or float(text) > MAX_WAIT:
        raise invalid(name, f"must be a number of seconds from 0 to {MAX_WAIT}", text)
    return float(text)
