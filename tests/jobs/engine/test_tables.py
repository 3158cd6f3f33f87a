"""The tables that the code knows are those that the migrations leave."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from jobs.schema import metadata
from jobs.services import Services


def _differences(connection: Connection) -> list[Any]:
    partitions = set(connection.execute(text("SELECT relname FROM pg_class WHERE relispartition")).scalars())
    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_name": lambda name, kind, _: kind != "table" or name not in partitions,
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def test_the_migrations_leave_the_tables_that_the_code_knows(services: Services) -> None:
    async with services.database.reading() as connection:
        assert await connection.run_sync(_differences) == []


async def test_the_migrations_leave_no_constraint_that_existing_rows_may_break(services: Services) -> None:
    """One that was added without a look at the rows is validated when that locks nobody out."""
    unchecked = "SELECT conname FROM pg_constraint WHERE NOT convalidated"
    async with services.database.reading() as connection:
        assert (await connection.execute(text(unchecked))).scalars().all() == []
        added = "SELECT convalidated FROM pg_constraint WHERE conname = 'stored_files_visibility_check'"
        assert (await connection.execute(text(added))).scalar_one()
