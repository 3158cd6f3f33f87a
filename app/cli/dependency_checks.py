"""Checks of every dependency for `haulage check`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from app.cli.environment import load_settings
from app.cli.errors import explain
from app.cli.exposure import find_public_bucket, find_warnings
from app.cli.open_settings import find_open
from app.cli.output import print_json, print_message, time_text
from app.cli.service_runner import check_schema, run_with_services
from app.gateway import Gateway
from app.problems import RESPONSES
from jobs.engine.worker.heartbeat import any_worker
from jobs.errors import HaulageError
from jobs.mail.smtp import SmtpServer
from jobs.notices import list_notices
from jobs.processing.processing import KINDS as PROCESSING
from jobs.processing.sandbox import choose_sandbox
from jobs.services import Services
from jobs.settings import Settings
from jobs.uploads.scanning import Scanner, ScannerVersion, open_scanner

_TIMEOUT = 5.0
"""Seconds that a check may take."""
_SIGNATURES_TOO_OLD = timedelta(days=7)
_SHOWN_NOTICES = 10

Outcome = tuple[bool, str]
"""Whether the dependency works, with details or the reason why not."""


def check_all(data_dir: Path | None, *, as_json: bool) -> None:
    """Print a line for each dependency. Raises `typer.Exit` when one does not work, `InvalidRequest` as `serve` does."""
    settings = load_settings(data_dir)
    Gateway(settings)  # refuses what no single setting shows, such as a ROOT_PATH like a path of its own
    outcomes, exposed, warnings, notices = run_with_services(settings, _run_checks, schema=False)
    findings = find_open(settings) + exposed
    words = {name: "ok" if works else "error" for name, (works, _) in outcomes.items()}
    if as_json:
        checks = {name: {"status": words[name], "detail": detail} for name, (_, detail) in outcomes.items()}
        print_json({**checks, "open": findings, "warnings": warnings, "notices": notices})
    else:
        for name, (_, detail) in outcomes.items():
            print(f"{name:<9} {words[name]:<6} {detail}".rstrip())
        for finding in findings:
            print_message(f"open: {finding}")
        for warning in warnings:
            print_message(f"warning: {warning}")
        for notice in notices:
            print_message(f"notice: {notice}")
    if "error" in words.values():
        raise typer.Exit(RESPONSES["database_unavailable"].exit_code)


async def _run_checks(services: Services) -> tuple[dict[str, Outcome], list[str], list[str], list[str]]:
    """The outcome of each check, what is open, warnings, and open notices."""
    others = services.transport.checks
    database, storage, *found = await asyncio.gather(
        _outcome(services.database.ping), _outcome(services.storage.check), *map(_outcome, others.values())
    )
    schema = queue = (False, "Not checked: the database does not work.")
    if database[0]:
        schema = await _outcome(lambda: check_schema(services))
        queue = await _outcome(lambda: _require_worker(services))
    outcomes = {"database": database, "schema": schema, "storage": storage}
    outcomes |= dict(zip(others, found, strict=True)) | {"queue": queue}
    if services.settings.database_replica_url is not None:
        outcomes["replica"] = await _outcome(lambda: _check_replica(services))
    outcomes["encrypted"] = outcomes["cold"] = (False, "Not checked: the store does not work.")
    if storage[0]:
        outcomes["encrypted"] = await _outcome(services.storage.check_encryption)
        outcomes["cold"] = await _outcome(lambda: _check_cold(services))
    scanner = open_scanner(services.settings)
    if scanner is not None:
        outcomes["scanner"] = await _outcome(lambda: _test_scanner(scanner))
    if services.settings.smtp_url is not None:
        outcomes["mail"] = await _outcome(SmtpServer(services.settings).check, services.settings.smtp_timeout)
    if services.settings.processing == "on" and set(PROCESSING) & set(services.settings.worker_kinds):
        outcomes["sandbox"] = await _outcome(lambda: _check_sandbox(services.settings))
    if not schema[0]:
        return outcomes, [], [], []
    exposed, warnings, notices = await asyncio.gather(
        find_public_bucket(services), find_warnings(services), _open_notices(services)
    )
    return outcomes, exposed, warnings, notices


async def _open_notices(services: Services) -> list[str]:
    """A line for each open notice, the latest first, at most `_SHOWN_NOTICES`."""
    try:
        found = await list_notices(services.database, only_open=True, before=None, limit=_SHOWN_NOTICES + 1)
    except HaulageError:
        return []
    lines = [f"{one.id}, {one.count} times until {time_text(one.last_at)}: {one.message}" for one in found]
    return lines if len(found) <= _SHOWN_NOTICES else [*lines[:-1], "there are more: haulage notices list"]


async def _outcome(check: Callable[[], Awaitable[object]], limit: float = _TIMEOUT) -> Outcome:
    try:
        async with asyncio.timeout(limit):
            detail = await check()
    except HaulageError as error:
        return False, explain(error)
    except TimeoutError:
        return False, f"No response within {limit:g} s."
    except Exception as error:  # noqa: BLE001 - any error is the outcome
        return False, (str(error) or type(error).__name__).splitlines()[0]
    return True, detail if isinstance(detail, str) else ""


async def _require_worker(services: Services) -> None:
    if not await any_worker(services):
        raise ConnectionError("No worker is running: queued jobs wait until one starts.")


async def _check_replica(services: Services) -> str:
    lag = await services.reads.measure_lag()
    return "" if lag is None else f"it had what the primary has after {1000 * lag:.0f} ms"


async def _check_cold(services: Services) -> str:
    settings = services.settings
    if settings.cold_storage_class is None:
        return "off: uploaded files stay in the storage class that they are sent to"
    if not await services.storage.bucket.has_cold_rule():
        raise LookupError(
            f"The bucket has no rule that moves uploaded files to {settings.cold_storage_class}. Run `haulage migrate"
            " --create-bucket` to set it. SeaweedFS and MinIO refuse such rules: unset COLD_STORAGE_CLASS there."
        )
    return f"uploaded files move to {settings.cold_storage_class} after {settings.cold_after / 86400:g} days"


async def _check_sandbox(settings: Settings) -> str:
    """Find the sandbox that a worker on this machine, and of this user, would use."""
    sandbox = await asyncio.to_thread(choose_sandbox, settings)
    return (
        "off: nothing confines decoders" if sandbox.name == "off" else f"{sandbox.name}, and a child could not leave it"
    )


async def _test_scanner(scanner: Scanner) -> str:
    version = await scanner.version()
    await scanner.test()
    return describe_version(version, datetime.now(UTC))


def describe_version(version: ScannerVersion, now: datetime) -> str:
    """Return a scanner's version and, if its signatures are older than a week, what to do."""
    if version.signatures is None or version.published_at is None:
        return f"{version.engine}, signatures of its own without a date"
    detail = f"{version.engine}, signatures {version.signatures} of {version.published_at:%Y-%m-%d}"
    age = now - version.published_at
    if age > _SIGNATURES_TOO_OLD:
        detail += f": they are {age.days} days old, check that freshclam runs"
    return detail
