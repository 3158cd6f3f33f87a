"""Whether the dependencies work, as this process sees it: for `/health`, and for operators."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from time import perf_counter

from app.scanner_check import ScannerCheck
from jobs.engine.worker.heartbeat import any_worker
from jobs.errors import HaulageError
from jobs.services import Services


class CheckFailed(HaulageError):
    """A dependency does not work."""


PATIENCE = 3.0
"""Seconds that a check may take."""


async def failed_checks(services: Services, scanner: ScannerCheck) -> dict[str, str]:
    """Checks all dependencies concurrently; returns of those that failed the reason."""
    checks: dict[str, Awaitable[object]] = {
        **_checks(services, scanner),
        "queue": _require(any_worker(services), "No worker is running: queued jobs wait until one starts."),
    }
    reasons = await asyncio.gather(*map(failure_of, checks.values()))
    return {name: reason for name, reason in zip(checks, reasons, strict=True) if reason is not None}


async def timed_checks(services: Services, scanner: ScannerCheck) -> dict[str, tuple[str | None, float]]:
    """Checks all dependencies concurrently; returns of each why it failed, or None, and the milliseconds that it took.

    Without the scanner if there is none.
    """
    checks = _checks(services, scanner)
    found = await asyncio.gather(*map(_timed, checks.values()))
    return dict(zip(checks, found, strict=True))


def _checks(services: Services, scanner: ScannerCheck) -> dict[str, Awaitable[object]]:
    checks: dict[str, Awaitable[object]] = {
        "database": services.database.ping(),
        "storage": services.storage.bucket.check(),
        **{name: check() for name, check in services.transport.checks.items()},
    }
    return {**checks, "scanner": scanner.require_responding()} if scanner.is_set else checks


async def _timed(check: Awaitable[object]) -> tuple[str | None, float]:
    began = perf_counter()
    reason = await failure_of(check)
    return reason, 1000 * (perf_counter() - began)


async def failure_of(check: Awaitable[object]) -> str | None:
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
