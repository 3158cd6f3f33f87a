"""Runs the gateway on uvicorn."""

from __future__ import annotations

import logging
import socket
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from app.gateway import Gateway
from jobs.memory import freeze_startup_objects
from jobs.settings import Settings
from jobs.shutdown import CLOSE_TIMEOUT, exit_after

MAX_MESSAGE_BYTES = 64 * 1024
"""Largest message that a WebSocket client may send, in bytes."""
PING = 30.0
"""Seconds between two pings of a WebSocket (seed 003, "Timeout Configuration")."""
PONG = 15.0
"""Seconds within which its client has to respond to one."""


class GatewayServer(uvicorn.Server):
    """Serves the gateway, in an event loop that may run other tasks, too. Drains the streams before it shuts down."""

    def __init__(self, settings: Settings) -> None:
        self._gateway = Gateway(settings)
        super().__init__(_config(self._gateway, settings))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()  # so that clients reconnect to another process, or later
        await self._gateway.drain()
        await super().shutdown(sockets)


def _is_not_access_log(record: logging.LogRecord) -> bool:
    """Filters out uvicorn's own lines for each WebSocket: the middleware logs one."""
    return '"WebSocket ' not in str(record.msg)  # `msg` is an `OSError` if the port is in use


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """Requests are logged by the middleware only."""
    logging.getLogger("uvicorn.error").addFilter(_is_not_access_log)
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=MAX_MESSAGE_BYTES,
        ws_ping_interval=PING,
        ws_ping_timeout=PONG,
        ws_per_message_deflate=False,  # twice the CPU and the memory for messages of a few hundred bytes
        lifespan="on",
        backlog=4096,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=int(settings.shutdown_timeout),
    )


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then drains; exits at most `CLOSE_TIMEOUT` after the time that draining may take."""
    _run(GatewayServer(settings), settings.stream_drain + settings.shutdown_timeout + CLOSE_TIMEOUT)


def run(app: ASGIApp, settings: Settings) -> None:
    """Serves another application with the settings of the gateway, in a process of its own."""
    _run(uvicorn.Server(_config(app, settings)), settings.shutdown_timeout + CLOSE_TIMEOUT)


def _run(server: uvicorn.Server, patience: float) -> None:
    """Runs the server as the only task of this process, which exits within `patience` seconds of a signal."""
    startup, handle_exit = server.startup, server.handle_exit

    async def start(sockets: list[socket.socket] | None = None) -> None:
        await startup(sockets)
        freeze_startup_objects()

    def leave(number: int, frame: FrameType | None) -> None:
        exit_after(patience)
        handle_exit(number, frame)

    server.startup = start  # type: ignore[method-assign]
    server.handle_exit = leave  # type: ignore[method-assign, assignment]
    server.run()
