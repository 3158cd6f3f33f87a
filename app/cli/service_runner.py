"""Runs code of a command that uses PostgreSQL, Redis and the store directly."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg
from sqlalchemy.exc import SQLAlchemyError

from app.cli.errors import CommandFailed
from jobs.logs import configure_logs
from jobs.migrate import current_revision, head_revision, is_later_revision
from jobs.services import Services, open_services
from jobs.settings import Settings

T = TypeVar("T")


class DatabaseUnusable(CommandFailed):
    """The database responds, but can't be used: it has another version of the schema, or rejects a statement."""

    code = "database_unavailable"


def run_with_services(settings: Settings, work: Callable[[Services], Awaitable[T]], *, schema: bool = True) -> T:
    """Return what `work` returns, in an event loop of its own, with only bugs in the log: the command reports the rest.

    Raises `DatabaseUnusable`, with `schema` also when the schema is not that of this release.
    """
    configure_logs(settings.model_copy(update={"log_level": "error", "log_format": "console"}))

    async def run() -> T:
        async with open_services(settings) as services:
            if schema:
                await check_schema(services)
            return await work(services)

    try:
        return asyncio.run(run())
    except (SQLAlchemyError, asyncpg.PostgresError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise DatabaseUnusable(f"The database refused: {reason}") from error


async def check_schema(services: Services) -> str:
    """Return the version of the schema. Raises `DatabaseUnusable` when this release needs another one."""
    found, needed = await current_revision(services.database), head_revision()
    if found == needed and found is not None:
        return found
    if is_later_revision(found):
        raise DatabaseUnusable(
            f"The database has version {found}, which is of a later release; this one needs version {needed}:"
            " run the command of the later release"
        )
    state = "is empty" if found is None else f"has version {found}"
    raise DatabaseUnusable(f"The database {state}, this release needs version {needed}: run `haulage migrate`")
