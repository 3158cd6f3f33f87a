"""The connection to PostgreSQL: one pool per process, and the translation of its errors.

SQL comes in two forms, and a rule says which is used when:
- SQLAlchemy Core, in `begin` and `reading`, for every statement that is built from parts (conditions, columns or sort
  orders that vary). This is the default.
- A constant SQL string with `$1` parameters for a hot statement, which takes half of SQLAlchemy's CPU or less: `fetch`, in
  a transaction of its own, or `fetch_within` one of `begin`. A string is never assembled from values.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from typing import Any, Self

import asyncpg
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool, QueuePool

from jobs.breakers import Breaker
from jobs.database_connections import UNAVAILABLE, Connector, reason_of
from jobs.errors import DatabaseBusy, DatabaseRefused, DatabaseUnavailable, HaulageError

RECOVERY_TIMEOUT = 1.0
"""Seconds before the open circuit of the database lets calls through again."""
_BUSY = "The server is overloaded: all of its database connections are in use. Nothing was changed. Try again shortly."
_READ_ONLY = "The database accepts no writes: it is a standby, or default_transaction_read_only is on."
_SESSION = {"idle_in_transaction_session_timeout": "5000"}
"""A process that stalls within a transaction must not hold its locks."""
_NO_TIMEOUT = {"statement_timeout": "0", "lock_timeout": "0"}
"""Against the defaults that an operator may have set for the role or the database."""

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
    asyncpg.InternalClientError,  # the server has sent that it ends, and the end of the connection has not arrived yet
)
"""Errors of asyncpg for a server that is down, starting up, refuses logins, is too slow or full, or is a standby now. None
of them is a bug, and any of them may be over by the next attempt."""


class Database:
    """A connection pool. See above for when to use `begin`, `reading` and `fetch`."""

    def __init__(self, url: str, connector: Connector, engine: AsyncEngine, name: str = "database") -> None:
        self._url = url
        self._connector = connector
        self.engine = engine
        self.breaker = Breaker(
            name, (DatabaseUnavailable,), DatabaseUnavailable(UNAVAILABLE), RECOVERY_TIMEOUT, (DatabaseBusy,)
        )

    @classmethod
    def open(cls, url: str, *, pool_size: int, timeout: float, name: str = "database") -> Self:
        """Create the pool without connecting yet. `timeout`: seconds for a statement, and to wait for a free connection.

        `name` is what the log and metrics call it. Raises `InvalidDatabaseUrl`.
        """
        connector = Connector(url, _SESSION, command_timeout=timeout)
        pool = {"pool_size": pool_size, "max_overflow": 0, "pool_timeout": timeout}
        return cls(url, connector, _engine(connector, pool), name)

    def without_timeout(self) -> Self:
        """Return the same database with a new connection for each transaction, on which a statement may take any time."""
        connector = Connector(self._url, _NO_TIMEOUT, command_timeout=None)
        return type(self)(self._url, connector, _engine(connector, {"poolclass": NullPool}))

    def with_own_pool(self, size: int) -> Self:
        """Return the same database and circuit with a pool of `size` connections, for which no caller of this one waits.

        Close this one after it. `dispose` ends its connections.
        """
        pool = {"pool_size": size, "max_overflow": 0, "pool_timeout": RECOVERY_TIMEOUT}
        other = type(self)(self._url, self._connector, _engine(self._connector, pool))
        other.breaker = self.breaker
        return other

    async def dispose(self) -> None:
        """End the idle connections of the pool."""
        await self.engine.dispose()

    async def close(self) -> None:
        await self._connector.close()
        await self.engine.dispose()

    @property
    def pool_in_use(self) -> float:
        """The share of the pool's connections that are in use, from 0 to 1."""
        pool = self.engine.pool
        return pool.checkedout() / pool.size() if isinstance(pool, QueuePool) else 0.0

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed at the end of the block and rolled back if the block raises.

        Raises `DatabaseUnavailable` if the server cannot be reached or does not respond in time.
        """
        with self._error_boundary("transaction"):
            async with self.engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")  # the driver begins and commits
                async with _transaction(connection):
                    yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection in autocommit mode for statements that only read, which saves the round trips of a transaction."""
        with self._error_boundary("read"):
            async with self.engine.connect() as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                if self._connector.needs_transaction:
                    async with _transaction(connection):
                        yield connection
                else:
                    yield connection

    async def fetch(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement in a transaction of its own, without SQLAlchemy, and return its rows.

        `$1`, `$2`, … in the query stand for the arguments. Raises `DatabaseUnavailable`.
        Performance: without this a statement takes twice the CPU or more.
        """
        with self._error_boundary("fetch"):
            async with self.engine.connect() as connection:
                driver = _driver_of(connection)
                try:
                    rows: list[asyncpg.Record]
                    if self._connector.needs_transaction:
                        async with _transaction(connection):
                            rows = await driver.fetch(query, *arguments)
                    else:
                        rows = await driver.fetch(query, *arguments)
                except asyncpg.InternalClientError:
                    await connection.invalidate()
                    raise
                finally:
                    if driver.is_closed():
                        await connection.invalidate()
        return rows

    @asynccontextmanager
    async def session(self) -> AsyncIterator[asyncpg.Connection | None]:
        """A connection outside the pool for as long as the block runs; None through a pooler, which keeps no session.

        Raises `DatabaseUnavailable`, also for what the block raises when the connection is lost.
        """
        with translate_errors():
            connection = await self._connector.connect()
            if self._connector.pooled:
                connection.terminate()
                yield None
                return
            try:
                yield connection
            finally:
                connection.terminate()

    @contextmanager
    def _error_boundary(self, call: str) -> Iterator[None]:
        refusal = self._connector.refusal
        try:
            self.breaker.check()
        except DatabaseUnavailable:
            if refusal is not None:
                raise DatabaseRefused(refusal.message, refusal.reason) from None
            raise
        with self.breaker.record(call), translate_errors():
            yield

    async def now(self) -> datetime:
        """The time that the database's clock shows, in UTC. Raises `DatabaseUnavailable`."""
        [row] = await self.fetch("SELECT clock_timestamp() AS now")
        found: datetime = row["now"]
        return found

    async def ping(self) -> None:
        """Raise `DatabaseUnavailable` unless the server responds and accepts writes."""
        async with self.reading() as connection:
            if await connection.scalar(text("SELECT current_setting('transaction_read_only')")) == "on":
                raise DatabaseUnavailable(_READ_ONLY)


@asynccontextmanager
async def _transaction(connection: AsyncConnection) -> AsyncIterator[None]:
    """A transaction of the driver. A connection on which it may still be open is not used again."""
    transaction, ended = _driver_of(connection).transaction(), False
    try:
        await transaction.start()
        try:
            yield
        except BaseException:
            await transaction.rollback()
            ended = True
            raise
        await transaction.commit()
        ended = True
    finally:
        if not ended:  # cancelled or broken within BEGIN, COMMIT or ROLLBACK
            await connection.invalidate()


async def fetch_within(connection: AsyncConnection, query: str, *arguments: object) -> list[asyncpg.Record]:
    """Run one statement on the connection of `begin` or `reading`, without SQLAlchemy, and return its rows."""
    rows: list[asyncpg.Record] = await _driver_of(connection).fetch(query, *arguments)
    return rows


async def execute_many_within(connection: AsyncConnection, query: str, rows: Sequence[Sequence[object]]) -> None:
    """Run one statement for each of the rows of arguments, in few round trips. What they return is discarded."""
    await _driver_of(connection).executemany(query, rows)


def _driver_of(connection: AsyncConnection) -> Any:
    assert connection.sync_connection is not None
    return connection.sync_connection.connection.driver_connection


def _engine(connector: Connector, pool: dict[str, Any]) -> AsyncEngine:
    arguments = {"async_creator_fn": connector.connect, "prepared_statement_name_func": connector.statement_name}
    engine = create_async_engine("postgresql+asyncpg://", connect_args=arguments, **pool)
    event.listen(engine.sync_engine, "checkout", _discard_closed)
    return engine


def _discard_closed(connection: Any, *_: object) -> None:
    """Let the pool replace a connection that was closed while it was idle, by the server, a pooler or a firewall."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


@contextmanager
def translate_errors() -> Iterator[None]:
    """Translate every error of an outage into `DatabaseUnavailable`, and of an exhausted pool into `DatabaseBusy`."""
    try:
        yield
    except HaulageError:
        raise
    except PoolTimeout as error:
        raise DatabaseBusy(_BUSY) from error
    except (TimeoutError, OSError, InterfaceError, OperationalError, *_OUTAGES) as error:
        raise DatabaseUnavailable(UNAVAILABLE, reason_of(getattr(error, "orig", None) or error)) from error
    except DBAPIError as error:
        if error.connection_invalidated or isinstance(_driver_error(error), _OUTAGES):
            raise DatabaseUnavailable(UNAVAILABLE, reason_of(error.orig or error)) from error
        raise


def _driver_error(error: DBAPIError) -> BaseException | None:
    return getattr(error.orig, "__cause__", None)
