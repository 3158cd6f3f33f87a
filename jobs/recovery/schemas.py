"""The schema into which a backup is loaded. What was in it is kept under another name until that has succeeded."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.database import Database, fetch_within
from jobs.errors import InvalidRequest

_NAME = 32
"""Characters of a schema's name that the name of the one that it replaces begins with: PostgreSQL allows 63 bytes."""


def replaced_name(schema: str, at: datetime) -> str:
    """The name under which the schema is kept while another one replaces it."""
    return f"{schema[:_NAME]}_replaced_{at:%Y%m%d_%H%M%S}"


async def make_room(database: Database, schema: str, *, keep_as: str | None) -> None:
    """Makes sure that there is a schema of this name, in one transaction. With `keep_as`, the present one is renamed first.

    Raises `DatabaseUnavailable`, and `InvalidRequest` if the connection does not create its tables in the schema.
    """
    async with database.without_timeout().begin() as connection:
        if keep_as is not None:
            await _rename(connection, schema, keep_as)
        [row] = await fetch_within(connection, "SELECT to_regnamespace(quote_ident($1::text)) AS found", schema)
        if row["found"] is None:
            await connection.exec_driver_sql(f"CREATE SCHEMA {_quoted(connection, schema)}")
        [row] = await fetch_within(connection, "SELECT current_schema() AS name")
        if row["name"] != schema:
            raise InvalidRequest(
                f"The tables of the backup are in the schema {schema!r}, and DATABASE_URL leads to {row['name']!r}: set"
                " the search_path of its role, or of its options, to the former."
            )


async def put_back(database: Database, schema: str, *, kept_as: str) -> None:
    """Undoes `make_room`, and deletes what has been loaded since. Raises `DatabaseUnavailable`."""
    async with database.without_timeout().begin() as connection:
        await _delete(connection, schema)
        await _rename(connection, kept_as, schema)


async def delete_schema(database: Database, schema: str) -> None:
    """Deletes the schema with all that is in it. Raises `DatabaseUnavailable`."""
    async with database.without_timeout().begin() as connection:
        await _delete(connection, schema)


async def _rename(connection: AsyncConnection, old: str, new: str) -> None:
    await connection.exec_driver_sql(
        f"ALTER SCHEMA {_quoted(connection, old)} RENAME TO {_quoted(connection, new)}",
    )


async def _delete(connection: AsyncConnection, schema: str) -> None:
    await connection.exec_driver_sql(f"DROP SCHEMA {_quoted(connection, schema)} CASCADE")


def _quoted(connection: AsyncConnection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)
