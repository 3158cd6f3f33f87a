"""Health: for load balancers, orchestrators and people."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from starlette.requests import Request
from starlette.responses import Response

from app.context import context, json_response
from app.schemas import CheckState, Circuits, Health, HealthChecks, HealthStatus, Live, Ready
from jobs.engine.worker.heartbeat import any_worker
from jobs.services import Services

PATIENCE = 3.0
"""Seconds that a check may take."""
NO_STORE = {"Cache-Control": "no-store"}


async def health(request: Request) -> Response:
    """Checks all dependencies. 503 without database or store; without Redis or workers, jobs wait but nothing is lost."""
    services = context(request).services
    checks = await check_all(services)
    status = overall(checks)
    body = Health(status=status, checks=checks, circuits=Circuits.model_validate(services.circuits))
    return json_response(body, 503 if status == "unhealthy" else 200, NO_STORE)


async def live(request: Request) -> Response:
    """The process responds: do not restart it."""
    del request
    return json_response(Live(), headers=NO_STORE)


async def ready(request: Request) -> Response:
    """Whether the process can serve requests: it can as long as the database is available and it is not shutting down."""
    it = context(request)
    state, draining = await _state(it.services.database.ping()), it.hub.limits.draining
    is_ready = state == "ok" and not draining
    return json_response(Ready(database=state, draining=draining), 200 if is_ready else 503, NO_STORE)


async def check_all(services: Services) -> HealthChecks:
    """Checks all dependencies concurrently."""
    database, storage, redis, queue = await asyncio.gather(
        _state(services.database.ping()),
        _state(services.storage.bucket.check()),
        _state(_true(services.feed.ping())),
        _state(_true(any_worker(services))),
    )
    return HealthChecks(database=database, storage=storage, redis=redis, queue=queue)


def overall(checks: HealthChecks) -> HealthStatus:
    """The overall status."""
    if "error" in (checks.database, checks.storage):
        return "unhealthy"
    return "degraded" if "error" in (checks.redis, checks.queue) else "healthy"


async def _state(check: Awaitable[object]) -> CheckState:
    try:
        async with asyncio.timeout(PATIENCE):
            await check
    except Exception:  # noqa: BLE001 - any error means that the check failed
        return "error"
    return "ok"


async def _true(check: Awaitable[bool]) -> None:
    if not await check:
        raise ConnectionError
