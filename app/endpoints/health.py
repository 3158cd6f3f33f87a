"""Health: for load balancers, orchestrators and people."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.context import json_response, server_context
from app.dependency_health import failed_checks, failure_of
from app.load import Load
from app.schemas import Circuits, Health, HealthChecks, HealthStatus, Live, LoadState, Ready

NO_STORE = {"Cache-Control": "no-store"}


async def health(request: Request) -> Response:
    """Checks all dependencies. 503 without database or store; without the others, jobs wait but nothing is lost."""
    it = server_context(request)
    services, quotas = it.services, it.access.quotas
    reasons = await failed_checks(services, it.scanner)
    states = {name: "error" if name in reasons else "ok" for name in HealthChecks.model_fields}
    unused = {"scanner": it.scanner.is_set, "redis": "redis" in services.transport.checks}
    checks = HealthChecks.model_validate(states | {name: "off" for name, is_used in unused.items() if not is_used})
    status = overall(checks)
    circuits = Circuits.model_validate({"redis": None} | services.circuits)
    load = None if quotas.is_off else load_state(quotas.load)
    body = Health(status=status, checks=checks, reasons=reasons, circuits=circuits, load=load)
    return json_response(body, 503 if status == "unhealthy" else 200, NO_STORE)


def load_state(load: Load) -> LoadState:
    """The load in two decimals."""
    shares = {name: round(getattr(load.shares, name), 2) for name in ("event_loop", "queue", "database_pool")}
    return LoadState(value=round(load.value, 2), high=load.is_high, **shares)


async def live(request: Request) -> Response:
    """The process responds: do not restart it."""
    del request
    return json_response(Live(), headers=NO_STORE)


async def ready(request: Request) -> Response:
    """Whether the process can serve requests: it can as long as the database is available and it is not shutting down."""
    it = server_context(request)
    failed, draining = await failure_of(it.services.database.ping()) is not None, it.is_draining
    is_ready = not failed and not draining
    body = Ready(database="error" if failed else "ok", draining=draining)
    return json_response(body, 200 if is_ready else 503, NO_STORE)


def overall(checks: HealthChecks) -> HealthStatus:
    """The overall status."""
    if "error" in (checks.database, checks.storage):
        return "unhealthy"
    return "degraded" if "error" in (checks.redis, checks.queue, checks.scanner) else "healthy"
