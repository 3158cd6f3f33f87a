"""Health: for load balancers, orchestrators and people."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from starlette.requests import Request
from starlette.responses import Response

from app.context import json_response, server_context
from app.load import Load
from app.scanner_check import ScannerCheck
from app.schemas import Circuits, Health, HealthChecks, HealthStatus, Live, LoadState, Ready
from jobs.engine.worker.heartbeat import any_worker
from jobs.errors import HaulageError
from jobs.services import Services


class CheckFailed(HaulageError):
    """A dependency does not work."""


PATIENCE = 3.0
"""Seconds that a check may take."""
NO_STORE = {"Cache-Control": "no-store"}


async def health(request: Request) -> Response:
    """Checks all dependencies. 503 without database or store; without the others, jobs wait but nothing is lost."""
    it = server_context(request)
    services, quotas = it.services, it.access.quotas
    reasons = await failed_checks(services, it.scanner)
    states = {name: "error" if name in reasons else "ok" for name in HealthChecks.model_fields}
    checks = HealthChecks.model_validate(states if it.scanner.is_set else {**states, "scanner": "off"})
    status = overall(checks)
    circuits = Circuits.model_validate(services.circuits)
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
    failed, draining = await _reason(it.services.database.ping()) is not None, it.is_draining
    is_ready = not failed and not draining
    body = Ready(database="error" if failed else "ok", draining=draining)
    return json_response(body, 200 if is_ready else 503, NO_STORE)


async def failed_checks(services: Services, scanner: ScannerCheck) -> dict[str, str]:
    """Checks all dependencies concurrently; returns of those that failed the reason."""
    checks: dict[str, Awaitable[object]] = {
        "database": services.database.ping(),
        "storage": services.storage.bucket.check(),
        "redis": services.probe_redis(),
        "queue": _require(any_worker(services), "No worker is running: queued jobs wait until one starts."),
        "scanner": scanner.require_responding(),
    }
    reasons = await asyncio.gather(*map(_reason, checks.values()))
    return {name: reason for name, reason in zip(checks, reasons, strict=True) if reason is not None}


def overall(checks: HealthChecks) -> HealthStatus:
    """The overall status."""
    if "error" in (checks.database, checks.storage):
        return "unhealthy"
    return "degraded" if "error" in (checks.redis, checks.queue, checks.scanner) else "healthy"


async def _reason(check: Awaitable[object]) -> str | None:
    """Returns why the check failed, in words that anyone may read."""
    try:
        async with asyncio.timeout(PATIENCE):
            await check
    except HaulageError as error:
        return error.message
    except TimeoutError:
        return f"It did not respond within {PATIENCE:g} s."
    except Exception:  # noqa: BLE001 - any error means that the check failed
        return "The check failed."
    return None


async def _require(check: Awaitable[bool], otherwise: str) -> None:
    if not await check:
        raise CheckFailed(otherwise)
