"""The gateway: the operations as an ASGI application."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from app.access.audit import Audit
from app.access.control import AccessControl
from app.access.guard import principal_of
from app.access.principals import Role
from app.context import Context, context
from app.diagnosis_limits import DiagnosisLimits
from app.endpoints import oidc, sockets
from app.endpoints.pages import PAGES, Assets, docs, product_version, sign_in_page, view
from app.following.hub import Hub
from app.forwarded_clients import ForwardedClients
from app.middleware import RequestMiddleware
from app.openapi import openapi
from app.operations import OPERATIONS, V1, Handler, Operation
from app.polls import PollMiddleware
from app.problems import handle
from app.public_address import Patterns, PublicAddress
from app.request_limits import RequestLimits
from app.requests import path_job_id
from jobs.bundles.result_links import ResultLinks
from jobs.concurrency import cancel_and_wait
from jobs.errors import DatabaseUnavailable, HaulageError, InvalidRequest
from jobs.services import open_services
from jobs.settings import Settings

STATUS_PATH = f"{V1}/job/{{jobId}}"
"""Requested more often than all others together, so it is matched first."""
[STATUS_RULE] = [one.rule for one in OPERATIONS if (one.method, one.path) == ("GET", STATUS_PATH)]
"""That of the short way of `PollMiddleware`, too."""


class Gateway(RequestMiddleware):
    """The application. Its clients of database, Redis and store live as long as it runs, and reconnect by themselves."""

    def __init__(self, settings: Settings) -> None:
        self._hub: Hub | None = None
        address = PublicAddress(settings)

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            async with open_services(settings) as services:
                access = AccessControl(settings, address, services)
                hub = self._hub = Hub(services, access)
                app.state.context = Context(
                    services=services,
                    access=access,
                    audit=Audit(services.database, is_open=access.guard.authenticator.is_open),
                    hub=hub,
                    result_links=ResultLinks(services.storage, settings),
                    address=address,
                    diagnosis_limits=DiagnosisLimits(),
                )
                with suppress(DatabaseUnavailable):  # then the comparison reads it, as soon as that is possible
                    await access.refresh()
                counting = asyncio.create_task(access.quotas.run())
                try:
                    async with hub.running():
                        yield
                finally:
                    await cancel_and_wait(counting)
                    await access.close()

        app = Starlette(
            routes=_routes(address, is_open=settings.auth_mode == "open"),
            lifespan=lifespan,
            exception_handlers=dict.fromkeys((HaulageError, HTTPException, ClientDisconnect, Exception), handle),
        )
        app.router.redirect_slashes = False
        limited: ASGIApp = RequestLimits(app, settings)
        if settings.trusted_proxies:  # other clients are limited by their connections
            limited = ForwardedClients(limited, settings)
        polls = PollMiddleware(limited, app.state, address.root, STATUS_RULE)
        super().__init__(_with_cors(polls, settings), settings, address)
        self._drain_time = settings.stream_drain

    async def drain(self) -> None:
        """Refuses new streams, ends the open ones spread over `stream_drain` seconds, and long-polls at once."""
        self.stopping = True
        if self._hub is not None:
            await self._hub.drain(self._drain_time)


def _routes(address: PublicAddress, *, is_open: bool) -> list[Route | WebSocketRoute | Mount]:
    """A route for each path, so that a wrong method gets an `Allow` header with all the right ones.

    Raises `InvalidRequest` for a root path that starts like one of these: whether a proxy has removed it from a path could
    not be told.
    """
    operations: defaultdict[str, dict[str, Operation]] = defaultdict(dict)
    for operation in OPERATIONS:
        operations[operation.path][operation.method] = operation
    paths = sorted(operations, key=lambda path: path != STATUS_PATH)
    url = address.url or address.root or "/"
    document = json.dumps(openapi(product_version(), url, is_open=is_open)).encode()

    async def document_of(request: Request) -> Response:
        del request
        return Response(document, media_type="application/json")

    routes: list[Route | WebSocketRoute | Mount] = [
        *(Route(path, _dispatch(operations[path]), methods=list(operations[path])) for path in paths),
        WebSocketRoute(f"{V1}/subscribe", sockets.many),
        WebSocketRoute(f"{V1}/subscribe/{{jobId}}", sockets.one),
        Route("/openapi.json", document_of),
        Route("/docs", docs),
        Route("/jobs/{jobId}", view),
        Route("/account", view),
        Route("/sign-in", sign_in_page),
        Route(oidc.PATH, oidc.begin),
        Route(oidc.CALLBACK, oidc.callback),
        Mount("/assets", GZipMiddleware(Assets())),
        Mount("/static", StaticFiles(directory=PAGES / "static")),
    ]
    first = address.root.split("/")[1:2]
    if any(route.path.split("/")[1:2] == first for route in routes):
        raise InvalidRequest(f"ROOT_PATH must not start with /{first[0]}, as addresses of the gateway itself do.")
    return routes


def _dispatch(operations: dict[str, Operation]) -> Handler:
    async def handle(request: Request) -> Response:
        operation = operations["GET" if request.method == "HEAD" else request.method]
        it = context(request)
        await it.guard.admit(request, operation.rule)
        is_served = False
        try:
            response = await operation.handler(request)
            is_served = True
            return response
        finally:  # also if the client has left: what it created is there
            if operation.rule.scope is not None:
                await _audit(request, operation, is_served=is_served)

    return handle


async def _audit(request: Request, operation: Operation, *, is_served: bool) -> None:
    """Records what changes something of a user, and who has got a result of somebody else by a role.

    The creation of a job is recorded in the transaction that creates it.
    """
    if getattr(request.state, "is_recorded", False):
        return
    it, principal = context(request), principal_of(request)
    created = getattr(request.state, "subject", None)
    subject = request.path_params.get("jobId") or request.path_params.get("id") or created
    if operation.is_audited:
        is_recorded = is_served or created is not None
    elif operation.hands_out_results and principal.role.includes(Role.OPERATOR):
        is_recorded = is_served and it.guard.owners.known(path_job_id(request)) != principal.owner
    else:
        is_recorded = False
    if is_recorded:
        await it.audit.record(request, principal, operation.name, subject)


def _with_cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    """Around all of the application, so that pages of other origins can read errors, too."""
    if not settings.cors_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=[origin for origin in settings.cors_origins if "*." not in origin],
        allow_origin_regex=Patterns(settings.cors_origins).regex,
        allow_methods=["GET", "POST", "DELETE"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-None-Match",
            "Last-Event-ID",
            "Prefer",
            "X-Request-ID",
        ],
        expose_headers=[
            "ETag",
            "Link",
            "Location",
            "Preference-Applied",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "WWW-Authenticate",
            "X-Request-ID",
        ],
    )
