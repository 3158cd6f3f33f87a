"""Whether every dependency is there, and if not, why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path

import typer

from app.cli.environment import load_settings
from app.cli.output import print_json
from app.cli.services import check_schema, run_with_services
from app.problems import RESPONSES
from jobs.engine.worker.heartbeat import any_worker
from jobs.errors import HaulageError
from jobs.services import Services

_PATIENCE = 5.0
"""Seconds that a check may take."""

Outcome = tuple[bool, str]


def check_all(data_dir: Path | None, *, as_json: bool) -> None:
    """Print a line for each dependency. Raises `typer.Exit` when one is not there."""
    found = run_with_services(load_settings(data_dir), _ask_all, schema=False)
    if as_json:
        print_json({name: {"status": _word(good), "detail": said} for name, (good, said) in found.items()})
    else:
        for name, (good, said) in found.items():
            print(f"{name:<9} {_word(good):<6} {said}".rstrip())
    if not all(good for good, _ in found.values()):
        raise typer.Exit(RESPONSES["database_unavailable"].exit_code)


def _word(good: bool) -> str:
    return "ok" if good else "error"


async def _ask_all(services: Services) -> dict[str, Outcome]:
    checks: dict[str, Awaitable[object]] = {
        "database": services.database.ping(),
        "schema": check_schema(services),
        "storage": services.storage.bucket.check(),
        "redis": _true(services.feed.ping(), "Redis can't be reached."),
        "queue": _true(any_worker(services), "No worker listens: jobs wait until one does."),
    }
    outcomes = await asyncio.gather(*map(_outcome, checks.values()))
    return dict(zip(checks, outcomes, strict=True))


async def _outcome(check: Awaitable[object]) -> Outcome:
    try:
        async with asyncio.timeout(_PATIENCE):
            said = await check
    except HaulageError as error:
        return False, error.message
    except TimeoutError:
        return False, f"No answer within {_PATIENCE:g} s."
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is the answer
        return False, (str(error) or type(error).__name__).splitlines()[0]
    return True, said if isinstance(said, str) else ""


async def _true(check: Awaitable[bool], otherwise: str) -> None:
    if not await check:
        raise ConnectionError(otherwise)
