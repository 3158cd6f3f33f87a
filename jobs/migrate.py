"""Brings the schema to the newest version, one process at a time."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from jobs.database import Database

_LOCK = 0x6861_756C_6167_65  # "haulage": the advisory lock that migrations take


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return config


async def migrate(database: Database) -> tuple[str | None, str | None]:
    """Runs what is missing, in one transaction; returns the versions before and after.

    It has no time-out: an index may take long to build. A second process that migrates at the same time waits for the
    first, and then finds nothing to do.
    """
    patient = Database(create_async_engine(database.engine.url, poolclass=NullPool))
    async with patient.begin() as connection:
        await connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
        return await connection.run_sync(_upgrade)


async def current(database: Database) -> str | None:
    """The version that the database has; None when it is empty. Raises `DatabaseUnavailable`."""
    async with database.reading() as connection:
        return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())


def newest() -> str | None:
    """The version that this release needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _upgrade(connection: Connection) -> tuple[str | None, str | None]:
    before = MigrationContext.configure(connection).get_current_revision()
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return before, MigrationContext.configure(connection).get_current_revision()
