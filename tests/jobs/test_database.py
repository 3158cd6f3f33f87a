"""Translation of the database's errors."""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy import make_url, text

from jobs.database import Database
from jobs.errors import DatabaseUnavailable

ROLE = "haulage_no_login"


def opened(url: str) -> Database:
    return Database.open(url, pool_size=1, timeout=5)  # type: ignore[arg-type]


async def unavailable(url: str) -> None:
    database = opened(url)
    try:
        with pytest.raises(DatabaseUnavailable):
            await database.ping()
        with pytest.raises(DatabaseUnavailable):
            await database.fetch("SELECT 1")
    finally:
        await database.close()


async def test_a_missing_database_is_unavailable(database_url: str) -> None:
    await unavailable(database_url + "_not")


async def test_a_rejected_login_is_unavailable(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(f"CREATE ROLE {ROLE} NOLOGIN")
        await unavailable(make_url(database_url).set(username=ROLE).render_as_string(hide_password=False))
    finally:
        await connection.execute(f"DROP ROLE {ROLE}")
        await connection.close()


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
