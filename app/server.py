"""Runs gateway and intake on uvicorn."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Sequence
from functools import partial
from time import monotonic
from types import FrameType
from typing import cast

import structlog
import uvicorn
from starlette.types import ASGIApp
from uvicorn._types import ASGI3Application
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.access.proxy_headers import ProxyHeaderFilter
from app.exit_codes import ExitCode
from app.gateway import Gateway
from app.http_protocol import HttpProtocol
from app.intake.intake import CLEANUP_TIMEOUT, Intake
from app.listening import bound_sockets, url_of
from app.tcp_connections import BACKLOG, TcpConnections, connection_limit
from app.websocket_protocol import WebSocketProtocol
from jobs.memory import freeze_startup_objects, limit_malloc_arenas, return_large_blocks
from jobs.settings import Settings
from jobs.shutdown import CLOSE_TIMEOUT, exit_after

log = structlog.get_logger()

MAX_MESSAGE_BYTES = 64 * 1024
"""Largest message that a WebSocket client may send, in bytes."""
PING = 30.0
"""Seconds between two pings of a WebSocket (seed 003, "Timeout Configuration")."""
PONG = 15.0
"""Seconds within which its client has to respond to one."""


class Server(uvicorn.Server):
    """Serves an application, in an event loop that may run other tasks, too."""

    def __init__(self, app: ASGIApp, settings: Settings, *, long_bodies: bool = False) -> None:
        """`long_bodies`: whether a body may take any time, as long as some of it arrives within `BODY_TIMEOUT`."""
        self._connections = TcpConnections(settings, connection_limit(settings), long_bodies=long_bodies)
        super().__init__(_config(app, settings, self._connections))

    async def on_tick(self, counter: int) -> bool:
        """Called by uvicorn ten times a second."""
        self._connections.tick(monotonic())
        return await super().on_tick(counter)


class GatewayServer(Server):
    """Serves the gateway. Drains the streams before it shuts down."""

    def __init__(self, settings: Settings) -> None:
        self._gateway = Gateway(settings)
        super().__init__(self._gateway, settings)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()  # so that clients reconnect to another process, or later
        await self._gateway.drain()
        await super().shutdown(sockets)


def _is_not_access_log(record: logging.LogRecord) -> bool:
    """Filters out uvicorn's own lines for each WebSocket: the middleware logs one."""
    return '"WebSocket ' not in str(record.msg)  # `msg` may be an exception


def _config(app: ASGIApp, settings: Settings, connections: TcpConnections) -> uvicorn.Config:
    """Requests are logged by the middleware, and what never becomes one by `connections`."""
    logging.getLogger("uvicorn.error").addFilter(_is_not_access_log)
    websockets = cast("type[asyncio.Protocol]", partial(WebSocketProtocol, connections))
    return uvicorn.Config(
        _behind_proxies(app, settings),
        loop="uvloop",
        http=cast("type[asyncio.Protocol]", partial(HttpProtocol, connections)),  # uvicorn only calls it
        ws="none" if connections.long_bodies else websockets,  # the intake has no WebSockets
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING,
        ws_ping_timeout=PONG,
        ws_per_message_deflate=False,  # twice the CPU and the memory for messages of a few hundred bytes
        lifespan="on",
        backlog=BACKLOG,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,  # `_behind_proxies` has them, in the right order
        timeout_graceful_shutdown=int(settings.shutdown_timeout),
    )


def _behind_proxies(app: ASGIApp, settings: Settings) -> ASGIApp:
    """The application with the addresses that `TRUSTED_PROXIES` forward, and the users that one of them names."""
    if settings.trusted_proxies:
        forwarded = ProxyHeadersMiddleware(cast("ASGI3Application", app), list(settings.trusted_proxies))
        app = cast("ASGIApp", forwarded)
    return ProxyHeaderFilter(app, settings) if settings.auth_proxy_user else app


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then drains; exits at most `CLOSE_TIMEOUT` after the time that draining may take."""
    patience = settings.stream_drain + settings.shutdown_timeout + CLOSE_TIMEOUT
    _run(GatewayServer(settings), "gateway_started", settings.host, settings.port, patience)


def intake_server(settings: Settings) -> Server:
    """A server of the intake. Raises `InvalidRequest` as `Intake`."""
    return Server(Intake(settings), settings, long_bodies=True)


def serve_intake(settings: Settings) -> None:
    """Serves the intake until SIGTERM or SIGINT. Uploads in progress have `SHUTDOWN_TIMEOUT` to end."""
    limit_malloc_arenas()
    return_large_blocks()
    patience = settings.shutdown_timeout + CLEANUP_TIMEOUT + CLOSE_TIMEOUT
    _run(intake_server(settings), "intake_started", settings.host, settings.intake_port, patience)


def run(app: ASGIApp, settings: Settings) -> None:
    """Serves another application with the settings of the gateway, in a process of its own."""
    patience = settings.shutdown_timeout + CLOSE_TIMEOUT
    _run(Server(app, settings), "gateway_started", settings.host, settings.port, patience)


def _run(server: uvicorn.Server, event: str, hosts: Sequence[str], port: int, patience: float) -> None:
    """Runs the server as the only task of this process, which exits within `patience` seconds of a signal."""
    try:
        bound = bound_sockets(hosts, port)
    except OSError as error:
        log.error("listen_failed", reason=error.strerror)  # noqa: TRY400 - no bug, so no trace
        sys.exit(ExitCode.NOT_STARTED)
    # uvicorn raises the signal again once it has shut down: a process that was asked to end has succeeded.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    startup, handle_exit = server.startup, server.handle_exit

    async def start(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        freeze_startup_objects()
        log.info(event, urls=[url_of(*sock.getsockname()[:2]) for sock in bound])

    def leave(number: int, frame: FrameType | None) -> None:
        exit_after(patience)
        handle_exit(number, frame)

    server.startup = start  # type: ignore[method-assign]
    server.handle_exit = leave  # type: ignore[method-assign, assignment]
    server.run(bound)
