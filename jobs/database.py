"""The connection to PostgreSQL: one pool per process, and the translation of its errors.

SQL comes in two forms, and a rule says which is used when:
- SQLAlchemy Core, by `begin` and `reading`, for every statement that is built from parts (conditions, columns or sort
  orders that vary) or that runs in a transaction with others. This is the default.
- A constant SQL string with `$1` parameters, by `fetch`, for a single hot statement in a transaction of its own: it takes
  half of SQLAlchemy's CPU or less. A string is never assembled from values, and `fetch` never runs inside `begin`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self

import asyncpg
from pydantic import PostgresDsn
from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from jobs.breakers import Breaker
from jobs.errors import DatabaseBusy, DatabaseUnavailable

RECOVERY_TIMEOUT = 1.0
"""Seconds before the open circuit of the database lets calls through again."""
_BUSY = "The server is overloaded: all of its database connections are in use. Nothing was changed. Try again shortly."
_UNAVAILABLE = "The database is unavailable. Nothing was changed. Try again shortly."

_OUTAGES = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.OperatorInterventionError,  # shut down, crashed, starting up, a statement or an idle session cancelled
    asyncpg.PostgresSystemError,  # the disk failed
    asyncpg.TransactionRollbackError,  # a deadlock
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # it has become a standby after a failover
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InterfaceError,
)
"""Errors of asyncpg for a server that is down, starting up, refuses logins, is too slow or full, or is a standby now. None
of them is a bug, and any of them may be over by the next attempt."""


class Database:
    """A connection pool. See above for when to use `begin`, `reading` and `fetch`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.breaker = Breaker(
            "database", (DatabaseUnavailable,), DatabaseUnavailable(_UNAVAILABLE), RECOVERY_TIMEOUT, (DatabaseBusy,)
        )

    @classmethod
    def open(cls, dsn: PostgresDsn, *, pool_size: int, timeout: float, connect_timeout: float = 2.0) -> Self:
        """Create the pool without connecting yet. `timeout`: seconds for a statement, and to wait for a free connection."""
        engine = create_async_engine(
            _url(dsn),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=timeout,
            connect_args={
                "command_timeout": timeout,
                "timeout": connect_timeout,
                "server_settings": {"application_name": "haulage", "idle_in_transaction_session_timeout": "5000"},
            },
        )
        return cls(engine)

    async def close(self) -> None:
        await self.engine.dispose()

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end of the block and rolled back if the block raises.

        Raises `DatabaseUnavailable` if the server cannot be reached or does not respond in time.
        """
        with self._error_boundary():
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection in autocommit mode for statements that only read, which saves the round trips of a transaction."""
        with self._error_boundary():
            async with self.engine.connect() as connection:
                yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement in a transaction of its own, without SQLAlchemy, and return its rows.

        `$1`, `$2`, … in the query stand for the arguments. Raises `DatabaseUnavailable`.
        Performance: without this a statement takes twice the CPU or more.
        """
        with self._error_boundary():
            async with self.engine.connect() as connection:
                driver = (await connection.get_raw_connection()).driver_connection
                assert driver is not None
                try:
                    rows: list[asyncpg.Record] = await driver.fetch(query, *arguments)
                finally:
                    if driver.is_closed():
                        await connection.invalidate()
        return rows

    @contextmanager
    def _error_boundary(self) -> Iterator[None]:
        self.breaker.check()
        with self.breaker.record(), translate_errors():
            yield

    async def ping(self) -> None:
        """Raise `DatabaseUnavailable` unless the server responds."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))


def connect_arguments(dsn: PostgresDsn) -> dict[str, Any]:
    """Return the arguments of `asyncpg.connect` for the same URL, whose options SQLAlchemy parses in its own way."""
    url = _url(dsn)
    _, arguments = url.get_dialect()().create_connect_args(url)
    return dict(arguments)


def _url(dsn: PostgresDsn) -> URL:
    return make_url(str(dsn)).set(drivername="postgresql+asyncpg")


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate every error of an outage into `DatabaseUnavailable`, and of an exhausted pool into `DatabaseBusy`."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseBusy(_BUSY) from error
    except (TimeoutError, OSError, InterfaceError, OperationalError, *_OUTAGES) as error:
        raise DatabaseUnavailable(_UNAVAILABLE) from error
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(_driver_error(error), _OUTAGES):
            raise DatabaseUnavailable(_UNAVAILABLE) from error
        raise


def _driver_error(error: DBAPIError) -> BaseException | None:
    return getattr(error.orig, "__cause__", None)
