"""Requests whose body the application does not read to its end: their connection can't be used again."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class UnreadBodies:
    """Lets the response close the connection if it begins before the body has ended.

    Otherwise the server would receive the rest of it, which may be gigabytes, only to find the next request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers, response = dict(scope["headers"]), scope["state"]["response"]
        response.closes = b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"

        async def read() -> Message:
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False):
                response.closes = False
            return message

        return await self._app(scope, read, send)
