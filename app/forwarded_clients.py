"""What behind trusted proxies is known of a client, and a limit on its requests: their connections carry those of many."""

from __future__ import annotations

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from app.client_counts import ClientCounts, TrustedProxies, client_address, client_of
from app.middleware import HEALTH
from app.problems import TooManyConnections, problem
from jobs.settings import GatewaySettings

log = structlog.get_logger()

FORWARD_ADDRESS = "Let the proxy send X-Forwarded-For: until then, limits for each client do not apply to its clients."
"""What to change if a trusted proxy does not say whose requests it sends."""


class ForwardedClients:
    """Refuses a request with 429 while `MAX_CONNECTIONS_PER_CLIENT` others of its forwarded address are being served.

    Long-polls count here, too. Streams count against `MAX_FOLLOWERS_PER_CLIENT` once they have begun, as do WebSockets.

    What a trusted proxy sends without a forwarded address has no client from here on. As requests of the proxy itself they
    would be refused for everybody as soon as one client's worth of them were open, so they are limited only in total.
    """

    def __init__(self, app: ASGIApp, settings: GatewaySettings) -> None:
        self._app = app
        self._limit = settings.max_connections_per_client
        self._counts = ClientCounts(self._limit)
        self._proxies = TrustedProxies(settings)
        self._is_logged = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or not scope["client"]:
            return await self._app(scope, receive, send)
        client = client_address(scope)
        if not self._is_known(client, scope):
            self._log_once(client, scope)
            scope["client"] = None
            return await self._app(scope, receive, send)
        if scope["type"] == "websocket":
            return await self._app(scope, receive, send)
        if self._counts.is_full(client):
            error = TooManyConnections(f"{self._limit} requests from {client} are being served. Try again later.")
            return await problem(Request(scope), error)(scope, receive, send)
        with self._counts.acquired(client):
            await self._app(scope, receive, send)
        return None

    def _is_known(self, client: str, scope: Scope) -> bool:
        """Whether this is the address of a client, not that of a trusted proxy which forwards none."""
        if not client_of(client):
            return False
        if client not in self._proxies:
            return True
        return any(name == b"x-forwarded-for" and value.strip() for name, value in scope["headers"])

    def _log_once(self, proxy: str, scope: Scope) -> None:
        """Logs what to change, unless it is a health check, which a proxy sends on its own behalf."""
        if self._is_logged or scope["path"].removeprefix(scope.get("root_path", "")) in HEALTH:
            return
        self._is_logged = True
        log.warning("forwarded_address_missing", proxy=proxy, path=scope["path"], hint=FORWARD_ADDRESS)
