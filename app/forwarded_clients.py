"""A limit on the concurrent requests of each client behind trusted proxies, whose connections carry those of many."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.client_counts import ClientCounts
from app.problems import TooManyConnections, problem


class ForwardedClients:
    """Refuses a request with 429 while `MAX_CONNECTIONS_PER_CLIENT` others of its forwarded address are being served.

    Long-polls count here, too. Streams count against `MAX_FOLLOWERS_PER_CLIENT` once they have begun, as do WebSockets.
    """

    def __init__(self, app: ASGIApp, limit_per_client: int) -> None:
        self._app = app
        self._limit = limit_per_client
        self._counts = ClientCounts(limit_per_client)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["client"]:
            return await self._app(scope, receive, send)
        client = scope["client"][0]
        if self._counts.is_full(client):
            error = TooManyConnections(f"{self._limit} requests from {client} are being served. Try again later.")
            return await problem(Request(scope), error)(scope, receive, send)
        with self._counts.acquired(client):
            await self._app(scope, receive, send)
        return None
