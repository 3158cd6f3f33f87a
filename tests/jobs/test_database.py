"""Connections to the database: the parameters of its URL, its settings, and the translation of its errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import uuid4

import asyncpg
import pytest
import structlog
from sqlalchemy import make_url, text

from jobs import database_connections
from jobs.database import Database, fetch_within, translate_errors
from jobs.engine.sql.leases import Leases
from jobs.errors import DatabaseRefused, DatabaseUnavailable
from jobs.migrate import migrate
from tests.helpers.databases import database_url as url_of
from tests.helpers.databases import execute
from tests.helpers.proxies import proxied
from tests.helpers.settings import CLOSED

ROLE = "haulage_no_login"


def opened(url: str) -> Database:
    return Database.open(url, pool_size=1, timeout=5)


async def show(url: str, *names: str) -> dict[str, str]:
    """These settings, as a transaction has them."""
    database = opened(url)
    try:
        async with database.begin() as connection:
            row = await connection.execute(text(f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}"))
            return dict(zip(names, row.one(), strict=True))
    finally:
        await database.close()


async def failure(url: str) -> DatabaseUnavailable:
    """The error of every way to use the database."""
    database = opened(url)
    try:
        with pytest.raises(DatabaseUnavailable) as caught:
            await database.ping()
        for use in (database.fetch("SELECT 1"), migrate(database)):
            with pytest.raises(type(caught.value)) as again:
                await use
            assert again.value.reason == caught.value.reason
    finally:
        await database.close()
    return caught.value


# --- parameters of the URL --------------------------------------------------------------------------------------------


async def test_settings_of_the_url(database_url: str) -> None:
    url = f"{database_url}?application_name=mine&options=-c%20search_path%3Da,public%20-c%20statement_timeout%3D7s"
    names = ("application_name", "search_path", "statement_timeout")
    assert await show(url, *names) == dict(zip(names, ("mine", "a,public", "7s"), strict=True))
    assert await show(database_url, "application_name") == {"application_name": "haulage"}


def test_a_connection_that_the_server_is_ending_is_an_outage() -> None:
    """asyncpg raises this between the last message of the server and the end of the connection, as of a killed primary."""
    with pytest.raises(DatabaseUnavailable) as caught, translate_errors():
        raise asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
    assert "cannot switch" in caught.value.reason


@asynccontextmanager
async def unix_socket(folder: Path, url: str) -> AsyncIterator[None]:
    """A Unix socket of PostgreSQL that passes everything on to the server of the URL."""
    server = urlsplit(url)

    async def passed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                writer.write(data)
        with closing(writer):
            pass

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, requests = await asyncio.open_connection(server.hostname, server.port)
        await asyncio.gather(passed(reader, requests), passed(upstream, writer))

    async with await asyncio.start_unix_server(connected, folder / ".s.PGSQL.5432"):
        yield


async def test_a_unix_socket(database_url: str, tmp_path: Path) -> None:
    parts = urlsplit(database_url)
    url = f"postgresql://{parts.username}:{parts.password}@{parts.path}?host={tmp_path}&sslmode=require"
    async with unix_socket(tmp_path, database_url):
        assert await show(url, "application_name") == {"application_name": "haulage"}


def with_hosts(url: str, hosts: str) -> str:
    """The URL with several hosts."""
    parts = urlsplit(url)
    return f"postgresql://{parts.username}:{parts.password}@{hosts}{parts.path}"


@pytest.mark.parametrize("attributes", ["any", "read-write", "primary", "prefer-standby"])
async def test_the_first_host_that_accepts_is_used(database_url: str, attributes: str) -> None:
    """One refuses connections and one never responds, for which each host has its own time-out."""
    async with proxied(database_url) as silent:
        silent.stall()
        hosts = f"{CLOSED},127.0.0.1:{silent.port},127.0.0.1:{urlsplit(database_url).port}"
        url = f"{with_hosts(database_url, hosts)}?connect_timeout=1&target_session_attrs={attributes}"
        assert await show(url, "application_name") == {"application_name": "haulage"}
        assert silent.opened > 0


async def test_each_host_that_failed_is_named_with_its_reason(database_url: str) -> None:
    port = urlsplit(database_url).port
    error = await failure(with_hosts(database_url, f"{CLOSED},127.0.0.1:{port}") + "?target_session_attrs=standby")
    assert not isinstance(error, DatabaseRefused)
    assert f"{CLOSED}: " in error.reason
    assert "Connect call failed" in error.reason
    assert f"127.0.0.1:{port}: None of the hosts match the target attribute requirement" in error.reason


async def test_a_server_that_does_not_respond_times_out(database_url: str) -> None:
    async with proxied(database_url) as silent:
        silent.stall()
        error = await failure(f"{silent.url}?connect_timeout=1")
    assert error.reason == f"127.0.0.1:{silent.port}: no response in time"


# --- lasting refusals -------------------------------------------------------------------------------------------------


async def refused(url: str, said: str) -> None:
    """The database refuses, with this reason, which is logged once but not shown to clients of the API."""
    with structlog.testing.capture_logs() as logged:
        error = await failure(url)
    assert isinstance(error, DatabaseRefused)
    assert said in error.reason
    assert said not in error.message
    assert "shortly" not in error.message
    lines = [line for line in logged if line["event"] == "database_connection_failed"]
    assert {line["lasting"] for line in lines} == {True}
    assert len(lines) == 2, "once by the pool, and once by the migration"


async def test_a_missing_database_is_named(database_url: str) -> None:
    await refused(database_url + "_not", '_not" does not exist')


async def test_a_wrong_password_is_named(database_url: str) -> None:
    wrong = make_url(database_url).set(password="wrong").render_as_string(hide_password=False)
    await refused(wrong, "password authentication failed for user")


async def test_a_rejected_login_is_named(database_url: str) -> None:
    role = f"no_login_{uuid4().hex}"
    await execute(database_url, f"CREATE ROLE {role} NOLOGIN PASSWORD 'x'")
    try:
        await refused(
            make_url(database_url).set(username=role, password="x").render_as_string(hide_password=False), role
        )
    finally:
        await execute(database_url, f"DROP ROLE {role}")


async def test_a_server_without_tls_is_named(database_url: str) -> None:
    await refused(f"{database_url}?sslmode=require", "rejected SSL upgrade")


async def test_an_unknown_setting_is_named(database_url: str) -> None:
    await refused(f"{database_url}?options=-c%20no_such%3D1", 'unrecognized configuration parameter "no_such"')


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_a_database_of_another_encoding_is_refused(template: str, encoding: str) -> None:
    name = f"test_{uuid4().hex}"
    locale = "LOCALE_PROVIDER libc LOCALE 'C'"
    await execute(template, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' {locale}")
    try:
        await refused(url_of(template, name), f"The encoding of the database is {encoding}. Haulage needs UTF8")
    finally:
        await execute(template, f"DROP DATABASE {name} WITH (FORCE)")


async def test_a_refusal_is_no_passing_outage_while_the_circuit_is_open(database_url: str) -> None:
    database = opened(database_url + "_not")
    try:
        for _ in range(7):
            with pytest.raises(DatabaseRefused):
                await database.fetch("SELECT 1")
        assert database.breaker.state == "open"
    finally:
        await database.close()


# --- the server's defaults --------------------------------------------------------------------------------------------


async def altered(url: str, setting: str, value: str) -> None:
    await execute(url, f"ALTER DATABASE {url.rpartition('/')[2]} SET {setting} TO {value}")


async def test_every_transaction_is_read_committed(database_url: str) -> None:
    await altered(database_url, "default_transaction_isolation", "serializable")
    await altered(database_url, "timezone", "'Asia/Tokyo'")
    await altered(database_url, "standard_conforming_strings", "off")
    query = "SELECT current_setting('transaction_isolation'), current_setting('timezone')"
    database = opened(database_url)
    try:
        [row] = await database.fetch(query)
        seen: list[Any] = [tuple(row)]
        async with database.reading() as connection:
            seen.append(tuple((await connection.execute(text(query))).one()))
        async with database.begin() as connection:
            seen.append(tuple((await connection.execute(text(query))).one()))
        assert seen == [("read committed", "UTC")] * 3
        assert [tuple(row) for row in await database.fetch("SELECT 'a\\b'")] == [("a\\b",)]
    finally:
        await database.close()


async def test_options_of_the_url_change_nothing_that_we_depend_on(database_url: str) -> None:
    """Time-outs that an operator sets are for statements of jobs: not for migrations, nor for the renewal of leases."""
    options = r"-c statement_timeout=1s -c DEFAULT_TRANSACTION_ISOLATION=repeatable\ read -c timezone=Asia/Tokyo"
    url = f"{database_url}?options={quote(options)}"
    query = """
        SELECT current_setting('transaction_isolation'), current_setting('timezone'), current_setting('statement_timeout')
    """
    database = opened(url)
    leases = Leases(url, "w", lease=10, timeout=2)
    try:
        async with database.without_timeout().begin() as connection:
            assert (await connection.execute(text(query))).one() == ("read committed", "UTC", "0")
        assert await (await leases._connected()).fetchrow(query) == ("read committed", "UTC", "2s")  # noqa: SLF001
    finally:
        leases.close()
        await database.close()


async def test_a_database_that_accepts_no_writes_is_unavailable(database_url: str) -> None:
    await altered(database_url, "default_transaction_read_only", "on")
    database = opened(database_url)
    try:
        with pytest.raises(DatabaseUnavailable, match="accepts no writes"):
            await database.ping()
    finally:
        await database.close()


async def test_migrations_have_no_time_out(database_url: str) -> None:
    await execute(database_url, "DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    await altered(database_url, "statement_timeout", "1")
    database = opened(database_url)
    try:
        before, after = await migrate(database)
        assert (before, after is not None) == (None, True)
    finally:
        await database.close()


async def test_a_connection_that_was_closed_while_idle_is_replaced(database_url: str) -> None:
    database = opened(database_url)
    try:
        async with proxied(database_url) as proxy:
            through = opened(proxy.url)
            await through.ping()
            proxy.cut()
            await database.ping()  # gives the event loop time to notice
            await through.ping()
            await through.close()
    finally:
        await database.close()


async def test_connecting_that_is_cancelled_leaves_no_connection(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    connected, connections = asyncio.Event(), []

    async def never_probed(connection: asyncpg.Connection) -> bool:
        connections.append(connection)
        connected.set()
        await asyncio.Event().wait()
        return True

    monkeypatch.setattr(database_connections, "_is_direct", never_probed)
    connecting = asyncio.create_task(database_connections.Connector(database_url, {}, command_timeout=5).connect())
    await connected.wait()
    connecting.cancel()
    await asyncio.wait([connecting])
    assert connecting.cancelled()
    assert [connection.is_closed() for connection in connections] == [True]


# --- errors of statements ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "state",
    [
        "53100",
        "53200",
        "53300",
        "57014",
        "57P01",
        "57P03",
        "57P05",
        "58030",
        "40P01",
        "40001",
        "25006",
        "25P03",
        "25P04",
    ],
)
async def test_an_overloaded_or_stopping_database_is_unavailable(database_url: str, state: str) -> None:
    """Disk full, out of memory, shut down, a deadlock, a standby: none of them is a bug."""
    raising = f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$"
    database = opened(database_url)
    try:
        with pytest.raises(DatabaseUnavailable):
            await database.fetch(raising)
        with pytest.raises(DatabaseUnavailable):
            async with database.begin() as connection:
                await connection.execute(text(raising))
    finally:
        await database.close()


async def test_an_invalid_statement_is_not_translated(database_url: str) -> None:
    database = opened(database_url)
    try:
        with pytest.raises(asyncpg.UndefinedTableError):
            await database.fetch("SELECT 1 FROM nowhere")
    finally:
        await database.close()


async def test_a_transaction_that_is_cancelled_anywhere_leaves_no_connection_in_it(database_url: str) -> None:
    database = opened(database_url)

    async def write() -> None:
        async with database.begin() as connection:
            await fetch_within(connection, "SELECT 1")

    try:
        for steps in range(60):
            await database.fetch("SELECT 1")
            writing = asyncio.create_task(write())
            for _ in range(steps):
                await asyncio.sleep(0)
            writing.cancel()
            await asyncio.wait([writing])
            [[first]], [[second]] = [await database.fetch("SELECT pg_current_xact_id()::text") for _ in range(2)]
            assert first != second, f"after {steps} steps, an earlier user's transaction was still open"
    finally:
        await database.close()
