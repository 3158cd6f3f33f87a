"""Runs the gateway on uvicorn."""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import ASGIApp

from app.gateway import create_gateway
from jobs.settings import Settings
from jobs.settling import settle


def gateway_server(settings: Settings) -> uvicorn.Server:
    """A server that is ready to run, in a loop that may have more to do."""
    return uvicorn.Server(_config(create_gateway(settings), settings))


def _config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """What is logged of requests are the lines of the envelope and no others."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        lifespan="on",
        backlog=4096,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=int(settings.shutdown_timeout),
    )


class _Server(uvicorn.Server):
    """A server that is all there is in its process."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        settle()


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT."""
    run(create_gateway(settings), settings)


def run(app: ASGIApp, settings: Settings) -> None:
    """Serves the application as the gateway is served, in a process of its own."""
    _Server(_config(app, settings)).run()
