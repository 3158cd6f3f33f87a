"""The connection to PostgreSQL: one engine a process, and one place where its errors become ours."""

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

RECOVERY = 1.0
"""Seconds for which a database that does not answer is not asked."""
_BUSY = "This server has more to do than its connections to the database allow. Nothing was changed; try again shortly."
_UNAVAILABLE = "The database can't be reached or does not answer. Nothing was changed; try again shortly."

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    asyncpg.OperatorInterventionError,  # shut down, crashed, not there yet, a statement or an idle session cancelled
    asyncpg.PostgresSystemError,  # the disk fails
    asyncpg.TransactionRollbackError,  # a deadlock
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.TransactionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # it is a standby, since another server has taken over
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InterfaceError,
)
"""What asyncpg raises when the server is away, not there yet, lets nobody in, takes too long, has no room or is no longer
the one to write to: none of it is a bug, and all of it may be over at the next try."""


class Database:
    """A pool of connections. `begin` is one transaction, `connect` one connection outside of any."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self.breaker = Breaker(
            "database", (DatabaseUnavailable,), DatabaseUnavailable(_UNAVAILABLE), RECOVERY, (DatabaseBusy,)
        )

    @classmethod
    def open(cls, dsn: PostgresDsn, *, pool_size: int, timeout: float, connect_timeout: float = 2.0) -> Self:
        """No connection is made yet. `timeout`: seconds for a statement and for a free connection."""
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
        """One transaction: committed at the end of the block, rolled back when it raises.

        Raises `DatabaseUnavailable` when the server can't be reached or does not answer in time.
        """
        with self._watched():
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection for single statements that only read: each is its own transaction, without the round trips."""
        with self._watched():
            async with self.engine.connect() as connection:
                yield await connection.execution_options(isolation_level="AUTOCOMMIT")

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """The rows of one hot statement, past SQLAlchemy: measured at half its CPU and less.

        It is a transaction of its own. Arguments stand as `$1` in the query. Raises `DatabaseUnavailable`.
        """
        with self._watched():
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
    def _watched(self) -> Iterator[None]:
        self.breaker.check()
        with self.breaker.watch(), translated():
            yield

    async def ping(self) -> None:
        """Raises `DatabaseUnavailable` unless the server answers."""
        async with self.reading() as connection:
            await connection.execute(text("SELECT 1"))


def connect_arguments(dsn: PostgresDsn) -> dict[str, Any]:
    """What `asyncpg.connect` needs for a connection past SQLAlchemy, which reads the options of an address its own way."""
    url = _url(dsn)
    _, arguments = url.get_dialect()().create_connect_args(url)
    return dict(arguments)


def _url(dsn: PostgresDsn) -> URL:
    return make_url(str(dsn)).set(drivername="postgresql+asyncpg")


@contextmanager
def translated() -> Iterator[None]:
    """Turns every way in which the database can be away into `DatabaseUnavailable`."""
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseBusy(_BUSY) from error
    except (TimeoutError, OSError, InterfaceError, OperationalError, *_LOST) as error:
        raise DatabaseUnavailable(_UNAVAILABLE) from error
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(_driver_error(error), _LOST):
            raise DatabaseUnavailable(_UNAVAILABLE) from error
        raise


def _driver_error(error: DBAPIError) -> BaseException | None:
    return getattr(error.orig, "__cause__", None)
