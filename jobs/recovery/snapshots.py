"""The database as a backup sees it, and whether a backup may be restored into it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from jobs.database import Database, fetch_within

VERSIONS = 10_000
"""PostgreSQL's version numbers for one major version (`server_version_num`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state that a backup has. `id` is for `pg_dump --snapshot`, while the snapshot is held."""

    id: str
    at: datetime
    """UTC, of the database's clock."""
    server: int
    """The major version of PostgreSQL."""
    revision: str | None
    """Of the schema; None without one."""
    schema: str | None
    """The name of the schema in which the tables are; None without one."""
    size: int
    """Bytes of the database on its disk."""
    jobs: int
    files: int
    """Rows of the catalogue."""


@asynccontextmanager
async def held_snapshot(database: Database) -> AsyncIterator[Snapshot]:
    """Holds one state of the database while the block runs, which may take any time. Raises `DatabaseUnavailable`."""
    async with database.without_timeout().begin() as connection:
        await fetch_within(connection, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        await fetch_within(connection, "SET LOCAL idle_in_transaction_session_timeout = 0")
        [row] = await fetch_within(connection, _SNAPSHOT)
        revision, jobs, files = None, 0, 0
        if row["schema"] is not None:
            [counts] = await fetch_within(connection, _COUNTS)
            revision, jobs, files = counts["revision"], counts["jobs"], counts["files"]
        yield Snapshot(
            id=row["id"],
            at=row["at"],
            server=row["version"] // VERSIONS,
            revision=revision,
            schema=row["schema"],
            size=row["size"],
            jobs=jobs,
            files=files,
        )


_SNAPSHOT = """
    SELECT pg_export_snapshot() AS id, clock_timestamp() AS at, pg_database_size(current_database()) AS size,
        current_setting('server_version_num')::int AS version,
        (
            SELECT nspname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
            WHERE pg_class.oid = to_regclass('alembic_version')
        ) AS schema
"""
_COUNTS = """
    SELECT (SELECT version_num FROM alembic_version) AS revision, (SELECT count(*) FROM jobs) AS jobs,
        (SELECT count(*) FROM stored_files) AS files
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The database into which a backup is to be restored."""

    server: int
    """The major version of PostgreSQL."""
    tables: int
    """Tables, views and sequences of the schema that is to be restored."""
    connections: int
    """Of other clients."""


async def inspect_target(database: Database, schema: str) -> Target:
    """What a restore of the schema would replace, and whom it would disturb. Raises `DatabaseUnavailable`."""
    [row] = await database.fetch(_TARGET, schema)
    return Target(server=row["version"] // VERSIONS, tables=row["tables"], connections=row["connections"])


_TARGET = """
    SELECT current_setting('server_version_num')::int AS version,
        (
            SELECT count(*) FROM pg_class
            WHERE relnamespace = to_regnamespace(quote_ident($1::text)) AND relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        ) AS tables,
        (
            SELECT count(*) FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
        ) AS connections
"""
