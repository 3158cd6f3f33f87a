"""PostgreSQL through PgBouncer in transaction mode, with fewer server connections than clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from uuid import uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy import text

from jobs.database import Database
from jobs.engine.sql.leases import Leases
from jobs.migrate import head_revision, migrate
from tests.helpers.catalogue import Catalogue
from tests.helpers.databases import database_url, execute
from tests.helpers.installations import fresh_settings, with_services
from tests.helpers.jobs import ended
from tests.helpers.pgbouncer import pgbouncer
from tests.helpers.running import serving, working

IGNORED = "default_transaction_isolation,idle_in_transaction_session_timeout,statement_timeout,lock_timeout"


@pytest.fixture(scope="module", params=["refuses", "ignores", "session"])
def pooler(request: pytest.FixtureRequest, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of the server through a pooler that refuses our start-up parameters, ignores them, or pools sessions."""
    options = {"refuses": {}, "ignores": {"ignore_startup_parameters": IGNORED}, "session": {"pool_mode": "session"}}
    options["session"]["default_pool_size"] = "20"
    with pgbouncer(tmp_path_factory.mktemp("pgbouncer"), template, **options[request.param]) as url:
        yield url


@pytest.fixture
def through(pooler: str, database_url: str) -> str:
    """The URL of a fresh database through the pooler, with time to log in on a busy machine."""
    return f"{pooler.rpartition('/')[0]}/{database_url.rpartition('/')[2]}?connect_timeout=20"


async def test_clients_share_server_connections(through: str) -> None:
    databases = [Database.open(through, pool_size=3, timeout=10) for _ in range(3)]

    async def work(database: Database, number: int) -> None:
        for _ in range(10):
            assert [row["n"] for row in await database.fetch("SELECT $1::int AS n", number)] == [number]
            async with database.reading() as connection:
                assert await connection.scalar(text("SELECT CAST(:n AS int)"), {"n": number}) == number
            async with database.begin() as connection:
                await connection.execute(
                    text("INSERT INTO workers (name, seen_at) VALUES (:n, now())"), {"n": uuid4().hex}
                )
                assert (
                    await connection.scalar(text("SELECT CAST(:n AS jsonb) -> 'n'"), {"n": f'{{"n": {number}}}'})
                    == number
                )

    try:
        await asyncio.gather(*(work(database, number) for number, database in enumerate(databases * 3)))
        [found] = await databases[0].fetch("SELECT count(*) FROM workers")
        assert found["count"] == 90
    finally:
        for database in databases:
            await database.close()


async def test_a_transaction_has_our_settings_and_leaves_none(through: str, database_url: str) -> None:
    name = database_url.rpartition("/")[2]
    await execute(database_url, f"ALTER DATABASE {name} SET default_transaction_isolation TO serializable")
    await execute(database_url, f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout TO 77")
    query = """
        SELECT current_setting('transaction_isolation') AS isolation, current_setting('search_path') AS path,
            current_setting('idle_in_transaction_session_timeout') AS idle
    """
    database = Database.open(f"{through}&options=-c%20search_path%3Dpg_catalog,public", pool_size=2, timeout=10)
    try:
        async with database.begin() as connection:
            assert (await connection.execute(text(query))).one() == ("read committed", "pg_catalog,public", "5s")
        [row] = await database.fetch(query)
        assert (row["isolation"], row["path"]) == ("read committed", "pg_catalog,public")
        async with database.reading() as connection:
            assert (await connection.execute(text(query))).one()[0] == "read committed"
    finally:
        await database.close()
    other = await asyncpg.connect(through.partition("?")[0], statement_cache_size=0)
    assert await other.fetchval("SHOW idle_in_transaction_session_timeout") == "77ms"
    await other.close()


async def test_a_statement_that_is_cancelled_anywhere_leaves_no_transaction_open(
    through: str, database_url: str
) -> None:
    """In one that is left open, the next user of the connection would commit a savepoint only."""
    database = Database.open(f"{through}&options=-c%20search_path%3Dpublic", pool_size=1, timeout=10)
    other = await asyncpg.connect(database_url)
    try:
        for steps in range(12):
            await database.ping()
            reading = asyncio.create_task(database.fetch("SELECT 1"))
            for _ in range(steps):
                await asyncio.sleep(0.0001)
            reading.cancel()
            await asyncio.wait([reading])
            name = uuid4().hex
            async with database.begin() as connection:
                await connection.execute(text("INSERT INTO workers (name, seen_at) VALUES (:n, now())"), {"n": name})
            committed = await other.fetchval("SELECT count(*) FROM workers WHERE name = $1", name)
            assert committed == 1, f"after a statement that was cancelled after {steps} steps"
    finally:
        await other.close()
        await database.close()


async def test_a_renewal_of_leases_has_a_time_out_on_the_server(through: str) -> None:
    leases = Leases(through, "worker-1", lease=60, timeout=2)
    try:
        for _ in range(3):
            assert (await leases.renew([(uuid4(), 1)])).renewed == frozenset()
        connection = await leases._connected()  # noqa: SLF001
        shown = await leases._connector.fetch(connection, "SHOW statement_timeout")  # noqa: SLF001
        assert shown[0][0] == "2s"
    finally:
        leases.close()


async def test_migrations_run_through_a_pooler(pooler: str, template: str) -> None:
    name = f"test_{uuid4().hex}"
    await execute(template, f"CREATE DATABASE {name}")
    try:
        database = Database.open(database_url(pooler, name), pool_size=2, timeout=10)
        done = await asyncio.gather(migrate(database), migrate(database))
        await database.close()
        assert sorted(done, key=str) == sorted([(None, head_revision()), (head_revision(), head_revision())], key=str)
    finally:
        await execute(template, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize("queue", ["redis", "postgres"])
async def test_jobs_run_through_a_pooler(through: str, environment: dict[str, str], queue: str) -> None:
    """Gateway and worker have more connections than the pooler has to the server. Without Redis they poll."""
    settings = await fresh_settings(through, environment, queue=queue)
    async with (
        with_services(settings) as services,
        serving(settings) as url,
        working(settings),
        httpx.AsyncClient(base_url=url, timeout=30) as api,
    ):
        catalogue = Catalogue(services)
        ids = [await catalogue.add(b"x" * 1000, f"{number}.txt") for number in range(12)]
        bodies = [{"file_ids": ids[number : number + 3], "archiveName": "a"} for number in range(8)]
        responses = await asyncio.gather(*(api.post("/v1/download/initiate", json=body) for body in bodies))
        jobs = await asyncio.gather(*(ended(api, response.headers["Location"]) for response in responses))
        assert [job["status"] for job in jobs] == ["completed"] * len(bodies)
        assert (await api.get("/health")).json()["reasons"] == {}
