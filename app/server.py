"""Runs the gateway on uvicorn."""

from __future__ import annotations

import uvicorn

from app.gateway import create_gateway
from jobs.settings import Settings


def gateway_server(settings: Settings) -> uvicorn.Server:
    """A server that is ready to run. Its lines in the log are those of the envelope and no others."""
    config = uvicorn.Config(
        create_gateway(settings),
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
    return uvicorn.Server(config)


def serve(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT."""
    gateway_server(settings).run()
