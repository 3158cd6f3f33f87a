"""The gateway: the operations as an ASGI application."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from app.context import Context
from app.endpoints import sockets
from app.endpoints.pages import PAGES, Assets, docs, job_page, product_version
from app.following import Following
from app.middleware import Envelope
from app.openapi import openapi
from app.operations import OPERATIONS, V1, Handler
from app.polls import poll
from app.problems import http_problem, internal_problem, problem
from jobs.bundles.result_links import ResultLinks
from jobs.errors import HaulageError
from jobs.services import open_services
from jobs.settings import Settings

POLLED = "/v1/download/job/{jobId}"
"""Asked for more than all others together, so it is matched first."""
CLIENT_CLOSED_REQUEST = 499
"""nginx's status for it; there is none in HTTP."""


class Gateway(Envelope):
    """The application. Its clients are opened at start-up and closed at shutdown; none needs to be there yet."""

    def __init__(self, settings: Settings) -> None:
        self._following: Following | None = None

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            async with open_services(settings) as services:
                following = self._following = Following(services)
                app.state.context = Context(
                    services=services, following=following, result_links=ResultLinks(services.storage, settings)
                )
                async with following.running():
                    yield

        app = Starlette(
            routes=_routes(),
            lifespan=lifespan,
            exception_handlers={
                HaulageError: _problem,
                HTTPException: _http_problem,
                ClientDisconnect: _gone_away,
                Exception: _internal_problem,
            },
        )
        app.router.redirect_slashes = False
        super().__init__(_with_cors(app, settings), settings)
        self._drain_time = settings.stream_drain
        self._short_way = settings.log_level != "debug"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._short_way and self._following is not None and scope["type"] == "http":
            answered = poll(scope, self._following, self.checked_hosts)
            if answered is not None:
                await send(answered[0])
                await send(answered[1])
                return
        await super().__call__(scope, receive, send)

    async def drain(self) -> None:
        """Ends all streams, spread over `stream_drain` seconds, and takes no new ones; nobody waits any longer."""
        self.stopping = True
        if self._following is not None:
            await self._following.drain(self._drain_time)


def _routes() -> list[BaseRoute]:
    """A route for each path, so that a wrong method is told all the right ones."""
    handlers: defaultdict[str, dict[str, Handler]] = defaultdict(dict)
    for operation in OPERATIONS:
        handlers[operation.path][operation.method] = operation.handler
    paths = sorted(handlers, key=lambda path: path != POLLED)
    document = json.dumps(openapi(product_version())).encode()

    async def document_of(request: Request) -> Response:
        del request
        return Response(document, media_type="application/json")

    return [
        *(Route(path, _dispatch(handlers[path]), methods=list(handlers[path])) for path in paths),
        WebSocketRoute(f"{V1}/subscribe", sockets.many),
        WebSocketRoute(f"{V1}/subscribe/{{jobId}}", sockets.one),
        Route("/openapi.json", document_of),
        Route("/docs", docs),
        Route("/jobs/{jobId}", job_page),
        Mount("/assets", GZipMiddleware(Assets())),
        Mount("/static", StaticFiles(directory=PAGES / "static")),
    ]


def _dispatch(methods: dict[str, Handler]) -> Handler:
    async def handle(request: Request) -> Response:
        return await methods["GET" if request.method == "HEAD" else request.method](request)

    return handle


def _with_cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Around all of the application, so that a foreign page can read its errors, too."""
    if not settings.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=["Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID", "Prefer", "X-Request-ID"],
        expose_headers=["ETag", "Link", "Location", "Preference-Applied", "Retry-After", "X-Request-ID"],
    )


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HaulageError)
    return problem(request, error)


async def _http_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return http_problem(request, error)


async def _gone_away(request: Request, error: Exception) -> Response:
    """Nobody hears it, but the log shows no bug where a client only left in the middle of its body."""
    del request, error
    return Response(None, CLIENT_CLOSED_REQUEST)


async def _internal_problem(request: Request, error: Exception) -> Response:
    del error  # it goes on to the envelope, which logs it
    return internal_problem(request)
