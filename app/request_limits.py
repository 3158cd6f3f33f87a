"""The limits of a request: its deadline and the size of its body."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.problems import BodyTooLarge, RequestTimeout
from jobs.settings import GatewaySettings


class RequestLimits:
    """Raises `RequestTimeout` and `BodyTooLarge`, which `RequestMiddleware` turns into responses."""

    def __init__(self, app: ASGIApp, settings: GatewaySettings) -> None:
        self._app = app
        self._timeout = settings.request_timeout
        self._max_body_bytes = settings.max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        deadline = scope["state"]["response"].deadline = asyncio.timeout(self._timeout)
        try:
            async with deadline:
                await self._app(scope, self._limited(dict(scope["headers"]), receive), send)
        except TimeoutError as error:
            if not deadline.expired():
                raise
            raise RequestTimeout(f"The request took longer than {self._timeout:g} s.") from error

    def _limited(self, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """Refuses a body whose announced length is too large before it is read, any other at the first byte too many."""
        limit = self._max_body_bytes
        length = headers.get(b"content-length", b"")
        announced = int(length) if length.isdigit() else 0
        received = 0

        async def counted() -> Message:
            nonlocal received
            message: Message = {} if announced > limit else await receive()
            received += len(message.get("body", b""))
            if max(announced, received) > limit:
                raise BodyTooLarge(f"The body is larger than {limit} bytes.")
            return message

        return counted
