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

MAX_SAID = 64 * 1024
"""Bytes of a message that a WebSocket client may send."""
PING = 30.0
"""Seconds between two pings of a WebSocket (seed 003, "Timeout Configuration")."""
PONG = 15.0
"""Seconds that its client has to answer one."""


class GatewayServer(uvicorn.Server):
    """Serves the gateway, in a loop that may have more to do. Ends streams gently before it ends at all."""

    def __init__(self, settings: Settings) -> None:
        self._gateway = Gateway(settings)
        super().__init__(_config(self._gateway, settings))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()  # so that who is sent away comes back to another process, or later
        await self._gateway.drain()
        await super().shutdown(sockets)


def _is_news(record: logging.LogRecord) -> bool:
    """Not so what uvicorn says of each WebSocket: the envelope has a line for it."""
    return '"WebSocket ' not in str(record.msg)  # an `OSError` where the port is taken


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """What is logged of requests are the lines of the envelope and no others."""
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=MAX_SAID,
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
    """Serve until SIGTERM or SIGINT, then until streams and requests have ended; `CLOSE_TIMEOUT` longer at most."""
    _run(GatewayServer(settings), settings.stream_drain + settings.shutdown_timeout + CLOSE_TIMEOUT)


def run(app: ASGIApp, settings: Settings) -> None:
    """Serves an application as the gateway is served, in a process of its own."""
    _run(uvicorn.Server(_config(app, settings)), settings.shutdown_timeout + CLOSE_TIMEOUT)


def _run(server: uvicorn.Server, patience: float) -> None:
    """All there is in this process, which ends within `patience` seconds when it is told to."""
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
