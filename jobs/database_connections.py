"""Opens connections to PostgreSQL, directly or through a pooler such as PgBouncer.

A pooler in transaction mode gives each transaction any server connection, so nothing may be kept in a session: neither a
setting nor a prepared statement. A pooler also refuses most settings in the start-up message. `Connector` recognises one
by itself; see docs/decisions/0022-poolers-are-recognised.md.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from time import monotonic
from typing import Any
from weakref import WeakSet

import asyncpg
import structlog
from asyncpg.transaction import Transaction

from jobs.database_url import DatabaseUrl, Host, parse_database_url
from jobs.errors import DatabaseRefused, DatabaseUnavailable, HaulageError

log = structlog.get_logger()

UNAVAILABLE = "The database is unavailable. Nothing was changed. Try again shortly."
REFUSED = (
    "The database refuses this server. Nothing was changed. Trying again won't help until an administrator has fixed it: "
    "the log names the reason."
)
LOG_INTERVAL = 60.0
"""Seconds after which the same reason is logged again."""

_TRACKED = {"TimeZone": "UTC", "standard_conforming_strings": "on"}
"""Settings that a pooler keeps for each of its clients, like `application_name`."""
_READ_COMMITTED = {"default_transaction_isolation": "read committed"}
_LASTING = (
    asyncpg.InvalidAuthorizationSpecificationError,  # wrong password, no such role, refused by pg_hba.conf
    asyncpg.InvalidCatalogNameError,  # no such database
    asyncpg.InsufficientPrivilegeError,
    asyncpg.UndefinedObjectError,  # no such setting
    asyncpg.InvalidParameterValueError,
    asyncpg.ClientConfigurationError,
    ssl.SSLError,
)
"""What repeating does not help against."""
_LASTING_TEXTS = (
    "rejected SSL upgrade",
    "SSL required",
    "no such database",
    "no such user",
    "unsupported startup parameter",
)
"""The same, from asyncpg and PgBouncer, which have no class or SQLSTATE of their own for these."""
_NEXT_HOST = (OSError, asyncpg.CannotConnectNowError, asyncpg.TargetServerAttributeNotMatched)
_STARTUP_PARAMETER_REFUSED = "unsupported startup parameter"


class Connector:
    """Opens connections with the same settings, on which transactions are READ COMMITTED whatever the server's default."""

    def __init__(
        self, url: str, settings: Mapping[str, str], *, name: str = "haulage", command_timeout: float | None
    ) -> None:
        """`settings` are those of the server's session: they win over the URL's. `name` is the default `application_name`.

        `command_timeout` is the default time-out of a statement in seconds. Raises `InvalidDatabaseUrl`.
        """
        self._url = parse_database_url(url)
        fixed = {setting.lower() for setting in (*_TRACKED, *_READ_COMMITTED, *settings)}
        options = {setting: value for setting, value in self._url.options if setting.lower() not in fixed}
        self._settings = {**options, **settings}
        self._name = self._url.application_name or name
        self._command_timeout = command_timeout
        self.pooled = False
        """A pooler was seen, so no prepared statement has a name."""
        self.needs_transaction = False
        """Settings only apply within a transaction, even to a single statement."""
        self.refusal: DatabaseRefused | None = None
        """Why the last attempt to connect was refused, if repeating does not help."""
        self._opened: WeakSet[asyncpg.Connection] = WeakSet()
        self._logged: tuple[str, float] = ("", 0.0)

    def statement_name(self) -> str | None:
        """Return the name of the next prepared statement: none through a pooler, else asyncpg chooses one."""
        return "" if self.pooled else None

    async def fetch(self, connection: asyncpg.Connection, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Run one statement with the settings applied, which takes a transaction through a pooler.

        If this raises, the caller has to terminate the connection.
        """
        if not self.pooled:
            return list(await connection.fetch(query, *arguments))
        transaction = connection.transaction()
        await transaction.start()
        rows = await connection.fetch(query, *arguments)
        await transaction.commit()
        return list(rows)

    async def connect(self) -> asyncpg.Connection:
        """Open a connection to the first host that accepts it and has the `target_session_attrs`.

        Raises `DatabaseRefused` if repeating does not help, else `DatabaseUnavailable`, both with the reason.
        """
        attributes = self._url.target_session_attrs
        rounds = ("standby", "any") if attributes == "prefer-standby" else (attributes,)
        reasons: list[str] = []
        last: Exception | None = None
        for wanted, host in product(rounds, self._url.hosts):
            try:
                connection = await self._connect_to(host, wanted)
            except HaulageError:
                raise
            except Exception as error:  # noqa: BLE001 - any error is the reason
                reasons.append(f"{host}: {reason_of(error)}")
                last = error
                if not isinstance(error, _NEXT_HOST):
                    break  # as in libpq, the server that responds first decides
            else:
                self.refusal = None
                self._opened.add(connection)
                return connection
        assert last is not None
        raise self._failure(last, "; ".join(dict.fromkeys(reasons))) from last

    async def close(self) -> None:
        """Close all connections at once. One after the other, each would take its time-out of a server that is silent."""
        await asyncio.gather(*(one.close() for one in self._opened), return_exceptions=True)

    async def _connect_to(self, host: Host, attributes: str) -> asyncpg.Connection:
        if not self.pooled:
            try:
                settings = {**_TRACKED, **_READ_COMMITTED, **self._settings}
                connection = await self._checked(host, attributes, server_settings=settings)
            except asyncpg.ProtocolViolationError as error:
                if _STARTUP_PARAMETER_REFUSED not in str(error):
                    raise
            else:
                with _terminated_on_error(connection):
                    if await _is_direct(connection):
                        return connection
                    await connection.close()
            self.pooled = True
            log.info("pooler_probed", host=str(host))
        return await self._open_pooled(host, attributes)

    async def _open_pooled(self, host: Host, attributes: str) -> asyncpg.Connection:
        connection = await self._checked(
            host, attributes, server_settings=_TRACKED, connection_class=_PooledConnection, statement_cache_size=0
        )
        connection.set_local = _set_local(self._settings)
        with _terminated_on_error(connection):
            default = await connection.fetchval("SELECT current_setting('default_transaction_isolation')")
        self.needs_transaction = bool(self._url.options) or default != "read committed"
        return connection

    async def _checked(self, host: Host, attributes: str, *, server_settings: Mapping[str, str], **options: Any) -> Any:
        async with asyncio.timeout(self._url.connect_timeout):
            connection = await asyncpg.connect(
                self._url.for_asyncpg(host),
                ssl=_system_context(self._url) if self._url.trusts_system else None,
                target_session_attrs=attributes,
                server_settings={"application_name": self._name, **server_settings},
                command_timeout=self._command_timeout,
                timeout=self._url.connect_timeout,
                **options,
            )
        encoding = connection.get_settings().server_encoding
        if encoding != "UTF8":
            connection.terminate()
            reason = f"The encoding of the database is {encoding}. Haulage needs UTF8: create it with ENCODING 'UTF8'."
            raise self._failure(None, reason)
        return connection

    def _failure(self, error: Exception | None, reason: str) -> DatabaseUnavailable:
        lasting = error is None or isinstance(error, _LASTING) or any(text in str(error) for text in _LASTING_TEXTS)
        failure = DatabaseRefused(REFUSED, reason) if lasting else DatabaseUnavailable(UNAVAILABLE, reason)
        self.refusal = failure if isinstance(failure, DatabaseRefused) else None
        logged, at = self._logged
        if logged != reason or monotonic() - at >= LOG_INTERVAL:
            self._logged = reason, monotonic()
            log.warning("database_connection_failed", reason=reason, lasting=lasting)
        return failure


class _PooledConnection(asyncpg.Connection):  # type: ignore[misc] # asyncpg has no types
    """A connection whose transactions begin with the settings that a direct connection has from its start."""

    set_local = ""
    """The statement that sets them."""

    def transaction(self, *, isolation: str | None = None, readonly: bool = False, deferrable: bool = False) -> Any:
        return _PooledTransaction(self, isolation or "read_committed", readonly, deferrable)


class _PooledTransaction(Transaction):  # type: ignore[misc]
    async def start(self) -> None:
        await super().start()
        if self._connection.set_local:
            try:
                await self._connection.execute(self._connection.set_local)
            except BaseException:
                if not self._connection.is_closed():
                    await self.rollback()
                raise


def _set_local(settings: Mapping[str, str]) -> str:
    """Return a statement that applies the settings until the transaction ends."""
    pairs = [tuple(text.replace("'", "''") for text in pair) for pair in settings.items()]
    calls = [f"set_config('{name}', '{value}', true)" for name, value in pairs]
    return f"SELECT {', '.join(calls)}" if calls else ""


@contextmanager
def _terminated_on_error(connection: asyncpg.Connection) -> Iterator[None]:
    """Terminate the new connection if the block raises or is cancelled: its caller never gets it."""
    try:
        yield
    except BaseException:
        connection.terminate()
        raise


async def _is_direct(connection: asyncpg.Connection) -> bool:
    """Return False if a pooler is in between: it gives its clients a process id that is not the server's."""
    async with connection.transaction():
        # A named statement would stay in the server connection, and collide with that of the next client.
        statement = await connection.prepare("SELECT pg_backend_pid()", name="")
        return bool(await statement.fetchval() == connection.get_server_pid())


def _system_context(url: DatabaseUrl) -> ssl.SSLContext:
    """Return the context for `sslrootcert=system`, which asyncpg does not know."""
    parameters = dict(url.parameters)
    context = ssl.create_default_context()
    context.set_alpn_protocols(["postgresql"])
    if "sslcert" in parameters:
        key, password = parameters.get("sslkey"), parameters.get("sslpassword", "")
        context.load_cert_chain(Path(parameters["sslcert"]), key, lambda: password)
    return context


def reason_of(error: BaseException) -> str:
    """Return what the server or the network said, in one line. It may name hosts and users: for operators only."""
    if isinstance(error, TimeoutError):
        return "no response in time"
    text = " ".join(str(error).split())
    return text or type(error).__name__
