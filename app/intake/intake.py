"""The intake: an ASGI application beside the gateway, whose requests have bodies of any length and may take hours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from starlette.applications import Starlette
from starlette.types import ASGIApp

from app.access.audit import Audit
from app.access.control import AccessControl
from app.cors import with_cors
from app.dispatch import EXCEPTION_HANDLERS, routes_of
from app.forwarded_clients import ForwardedClients
from app.intake import tus
from app.intake.context import IntakeContext
from app.intake.operations import INTAKE_OPERATIONS
from app.intake.tus import TusHeaders
from app.intake.unread_bodies import UnreadBodies
from app.middleware import RequestMiddleware
from app.public_address import PublicAddress, intake_address
from app.scanner_check import ScannerCheck
from jobs.concurrency import cancel_and_wait
from jobs.errors import DatabaseUnavailable, InvalidRequest
from jobs.services import open_services
from jobs.serving_metrics import serving_metrics
from jobs.settings import Settings

log = structlog.get_logger()

REFRESH_INTERVAL = 1.5
"""Seconds between two reads of what was revoked."""
CLEANUP_TIMEOUT = 5.0
"""Seconds for which a shutdown waits until the uploads that it has broken off are cancelled."""


class Intake(RequestMiddleware):
    """The application. Its operations limit their bodies themselves."""

    def __init__(self, settings: Settings) -> None:
        """Raises `InvalidRequest` if links in responses would lead nowhere."""
        if settings.intake_url is not None and settings.public_url is None:
            raise InvalidRequest(
                "INTAKE_URL needs PUBLIC_URL: responses of the intake name the job of an upload, which the gateway serves."
            )
        address, gateway = intake_address(settings), PublicAddress(settings)

        @asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            async with (
                open_services(settings) as services,
                AccessControl.running(settings, address, services) as access,
            ):
                it = app.state.context = IntakeContext(
                    services=services,
                    access=access,
                    audit=Audit(services.database, is_open=access.guard.authenticator.is_open),
                    address=address,
                    scanner=ScannerCheck(settings),
                    appends=services.appends,
                    gateway_root=gateway.url or gateway.root,
                )
                refreshing = asyncio.create_task(_refresh(access))
                try:
                    async with serving_metrics(services):
                        yield
                finally:
                    await cancel_and_wait(refreshing)
                    await it.wait_for_receptions(CLEANUP_TIMEOUT)

        app = Starlette(routes=routes_of(INTAKE_OPERATIONS), lifespan=lifespan, exception_handlers=EXCEPTION_HANDLERS)
        app.router.redirect_slashes = False
        limited: ASGIApp = ForwardedClients(app, settings) if settings.trusted_proxies else app
        super().__init__(
            UnreadBodies(
                TusHeaders(with_cors(limited, settings, tus.REQUEST_HEADERS, tus.RESPONSE_HEADERS), address.root)
            ),
            settings,
            address,
        )


async def _refresh(access: AccessControl) -> None:
    """Reads what was revoked again and again, until it is cancelled."""
    while True:
        await asyncio.sleep(REFRESH_INTERVAL)
        try:
            await access.refresh()
        except DatabaseUnavailable as error:
            log.warning("access_refresh_failed", reason=error.message)
        except Exception:
            log.exception("access_refresh_failed")
