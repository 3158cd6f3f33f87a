"""The tables that the code knows are those that the migrations leave."""

from __future__ import annotations

from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from jobs.schema import metadata
from jobs.services import Services


def _differences(connection: Connection) -> list[Any]:
    options = {"compare_type": True, "compare_server_default": True}
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def test_the_migrations_leave_the_tables_that_the_code_knows(services: Services) -> None:
    async with services.database.reading() as connection:
        assert await connection.run_sync(_differences) == []
