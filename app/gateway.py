"""The gateway: the operations as an ASGI application."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from app.access.audit import Audit
from app.access.control import AccessControl
from app.context import Context
from app.cors import with_cors
from app.diagnosis_limits import DiagnosisLimits
from app.dispatch import EXCEPTION_HANDLERS, routes_of
from app.endpoints import oidc, sockets
from app.endpoints.pages import PAGES, Assets, docs, operations, product_version, sign_in_page, view
from app.following.hub import Hub
from app.following.overview_topic import OverviewTopic
from app.forwarded_clients import ForwardedClients
from app.metrics import timer_of
from app.middleware import RequestMiddleware
from app.openapi import openapi
from app.operations import OPERATIONS, V1
from app.operator_reads import OperatorReader
from app.overview_reader import OverviewReader
from app.polls import PollMiddleware
from app.public_address import PublicAddress
from app.request_limits import RequestLimits
from app.scanner_check import ScannerCheck
from jobs.bundles.result_links import ResultLinks
from jobs.engine.gateway_heartbeat import GatewayHeartbeat
from jobs.engine.worker.conditions import Conditions
from jobs.errors import InvalidRequest
from jobs.mail.mailer import mailing
from jobs.services import open_services
from jobs.serving_metrics import serving_metrics
from jobs.settings import Settings

STATUS_PATH = f"{V1}/job/{{jobId}}"
"""Requested more often than all others together, so it is matched first."""
[STATUS] = [one for one in OPERATIONS if (one.method, one.path) == ("GET", STATUS_PATH)]
"""The operation that `PollMiddleware` is a short way of."""


class Gateway(RequestMiddleware):
    """The application. Its clients of database, Redis and store live as long as it runs, and reconnect by themselves."""

    def __init__(self, settings: Settings) -> None:
        self._hub: Hub | None = None
        address = PublicAddress(settings)

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            async with (
                open_services(settings) as services,
                AccessControl.running(settings, address, services) as access,
            ):
                scanner = ScannerCheck(settings)
                overview = OverviewReader(services, scanner)
                hub = self._hub = Hub(services, access, OverviewTopic(overview.read))
                app.state.context = Context(
                    services=services,
                    access=access,
                    audit=Audit(services.database, is_open=access.guard.authenticator.is_open),
                    hub=hub,
                    result_links=ResultLinks(services.storage, settings),
                    address=address,
                    diagnosis_limits=DiagnosisLimits(),
                    scanner=scanner,
                    overview=overview,
                    operators=OperatorReader(services, hub.statuses, overview),
                )
                async with (
                    hub.running(),
                    mailing(services.database, settings, settings.public_url) as of_mail,
                    Conditions(services, of_mail).running(),
                    GatewayHeartbeat(services).running(),
                    serving_metrics(services),
                ):
                    yield

        app = Starlette(
            routes=_routes(address, is_open=settings.auth_mode == "open"),
            lifespan=lifespan,
            exception_handlers=EXCEPTION_HANDLERS,
        )
        app.router.redirect_slashes = False
        limited: ASGIApp = RequestLimits(app, settings)
        if settings.trusted_proxies:  # other clients are limited by their connections
            limited = ForwardedClients(limited, settings)
        timer = timer_of(STATUS.method, STATUS.path, STATUS.name)
        polls = PollMiddleware(limited, app.state, address.root, STATUS.rule, timer)
        super().__init__(with_cors(polls, settings), settings, address)
        self._drain_time = settings.stream_drain

    async def drain(self) -> None:
        """Refuses new streams, ends the open ones spread over `stream_drain` seconds, and long-polls at once."""
        self.stopping = True
        if self._hub is not None:
            await self._hub.drain(self._drain_time)


def _routes(address: PublicAddress, *, is_open: bool) -> list[Route | WebSocketRoute | Mount]:
    """All routes.

    Raises `InvalidRequest` for a root path that starts like one of these: whether a proxy has removed it from a path could
    not be told.
    """
    url = address.url or address.root or "/"
    document = json.dumps(openapi(product_version(), url, is_open=is_open)).encode()

    async def document_of(request: Request) -> Response:
        del request
        return Response(document, media_type="application/json")

    routes: list[Route | WebSocketRoute | Mount] = [
        *sorted(routes_of(OPERATIONS), key=lambda route: route.path != STATUS_PATH),
        WebSocketRoute(f"{V1}/subscribe", sockets.many),
        WebSocketRoute(f"{V1}/subscribe/{{jobId}}", sockets.one),
        Route("/openapi.json", document_of),
        Route("/docs", docs),
        Route("/jobs/{jobId}", view),
        Route("/account", view),
        Route("/uploads", view),
        Route("/operator", operations),
        Route("/operator/jobs", operations),
        Route("/operator/jobs/{jobId}", operations),
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
