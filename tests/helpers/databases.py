"""Databases of a test's own, cloned from a migrated template."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from uuid import uuid4

import asyncpg
import psycopg

from jobs.database import Database
from jobs.migrate import migrate

TEMPLATE = "template_haulage"


def database_url(server: str, name: str) -> str:
    """The URL of another database on the same server."""
    return server.rpartition("/")[0] + "/" + name


async def execute(url: str, statement: str) -> None:
    """Executes a statement on a connection of its own, outside a transaction."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def create_template(server: str) -> None:
    """Creates the migrated database that `fresh_database` copies."""
    await execute(server, f"CREATE DATABASE {TEMPLATE}")
    database = Database.open(database_url(server, TEMPLATE), pool_size=2, timeout=10)
    await migrate(database)
    await database.close()


@asynccontextmanager
async def fresh_database(server: str) -> AsyncIterator[str]:
    """The URL of a fresh, migrated database, which is dropped at the end."""
    name = f"test_{uuid4().hex}"
    administrator = _administrator(server)
    administrator.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    try:
        yield database_url(server, name)
    finally:
        administrator.execute(f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _administrator(server: str) -> psycopg.Connection[Any]:
    """The one connection that creates and drops all databases: two new ones for each test take as long as that itself.

    It belongs to no event loop, since each test has one of its own.
    """
    return psycopg.connect(server, autocommit=True)


def disconnect_administrator(server: str) -> None:
    """Closes the connection on which databases were created."""
    _administrator(server).close()
    _administrator.cache_clear()
