"""The clients of PostgreSQL, Redis and the store for a command that works with them directly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from app.cli.errors import CommandFailed
from jobs.logs import configure_logs
from jobs.migrate import current_revision, head_revision
from jobs.services import Services, open_services
from jobs.settings import Settings

T = TypeVar("T")


class DatabaseRefused(CommandFailed):
    """The database answers, but not as it should: another schema, a wrong password."""

    code = "database_unavailable"


def run_with_services(settings: Settings, work: Callable[[Services], Awaitable[T]], *, schema: bool = True) -> T:
    """What `work` returns, in an event loop of its own. Raises `DatabaseRefused`, for a lack of `schema` too."""
    quiet_logs(settings)
    try:
        return asyncio.run(_run(settings, work, schema=schema))
    except (SQLAlchemyError, asyncpg.PostgresError) as error:
        raise DatabaseRefused(f"The database refuses: {_first_line(error)}") from error


def quiet_logs(settings: Settings) -> None:
    """A command says by itself what a person should know: of the log only warnings and errors are left."""
    configure_logs(settings.model_copy(update={"log_level": "warning", "log_format": "console"}))


async def _run(settings: Settings, work: Callable[[Services], Awaitable[T]], *, schema: bool) -> T:
    async with open_services(settings) as services:
        if schema:
            await check_schema(services)
        return await work(services)


async def check_schema(services: Services) -> str:
    """The version of the schema. Raises `DatabaseRefused` when it is not the one that this release needs."""
    found, needed = await current_revision(services.database), head_revision()
    if found == needed and found is not None:
        return found
    has = "is empty" if found is None else f"has version {found}"
    raise DatabaseRefused(f"The database {has}, this release needs version {needed}: run `haulage migrate`")


def _first_line(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
