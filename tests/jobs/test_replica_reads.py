"""Lists, histories and searches are read from a replica that is recent enough, and from the primary otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import structlog

from jobs.database import Database
from jobs.errors import DatabaseUnavailable
from jobs.replica_reads import PAUSE, ReplicaReads, ReplicaUnusable
from jobs.settings import Settings
from tests.faults.replication import ReplicatedServers
from tests.faults.servers import TEMPLATE
from tests.helpers.catalogue import Catalogue
from tests.helpers.installations import fresh_settings, with_services
from tests.helpers.jobs import create
from tests.helpers.running import serving
from tests.helpers.settings import UNAVAILABLE

pytestmark = pytest.mark.servers

LAG = 30.0
"""Seconds that a read may wait for the replica: it has caught up long before, also on a busy machine."""
WHERE = "SELECT pg_is_in_recovery() AS is_standby"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ReplicatedServers]:
    with ReplicatedServers.running(tmp_path_factory.mktemp("pair")) as running:
        yield running


@pytest.fixture
async def replicated(pair: ReplicatedServers, environment: dict[str, str]) -> AsyncIterator[Settings]:
    """Settings with a fresh database and its replica."""
    name = f"test_{uuid4().hex}"
    await pair.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    await pair.until_caught_up()  # the replica has the new database
    replica = {"database_replica_url": pair.replica_url(name), "replica_max_lag": LAG}
    try:
        yield await fresh_settings(pair.database_url(name), environment, **replica)
    finally:
        await pair.resume_replay()
        await pair.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def databases(replicated: Settings) -> AsyncIterator[tuple[Database, Database]]:
    """The primary and the replica."""
    opened = [
        Database.open(str(url), pool_size=2, timeout=20)
        for url in (replicated.database_url, replicated.database_replica_url)
    ]
    yield opened[0], opened[1]
    for database in opened:
        await database.close()


async def is_on_replica(reads: ReplicaReads) -> bool:
    [row] = await reads.run(lambda database: database.fetch(WHERE))
    return bool(row["is_standby"])


async def test_a_read_sees_all_that_was_committed_before(databases: tuple[Database, Database]) -> None:
    """Hundreds of times: a replica that was read at once would lack some of the rows."""
    primary, replica = databases
    reads = ReplicaReads(primary, replica, LAG)
    query = "SELECT pg_is_in_recovery() AS is_standby, count(*) AS n FROM workers WHERE name = $1"
    for _ in range(200):
        name = uuid4().hex
        await primary.fetch("INSERT INTO workers (name, seen_at) VALUES ($1, now())", name)
        [row] = await reads.run(lambda database, name=name: database.fetch(query, name))  # type: ignore[misc]
        assert (row["is_standby"], row["n"]) == (True, 1)


async def test_a_replica_that_lags_is_not_used_until_it_has_caught_up(
    databases: tuple[Database, Database], pair: ReplicatedServers
) -> None:
    primary, replica = databases
    clock = Clock()
    reads = ReplicaReads(primary, replica, 0.2, clock)
    await pair.pause_replay()
    with structlog.testing.capture_logs() as logs:
        for _ in range(3):
            await primary.fetch("INSERT INTO workers (name, seen_at) VALUES ($1, now())", uuid4().hex)
            assert not await is_on_replica(reads)
            clock.now += PAUSE
        with pytest.raises(ReplicaUnusable, match=r"lags by more than 0.2 s"):
            await reads.measure_lag()
        await pair.resume_replay()
        await pair.until_caught_up()
        patient = ReplicaReads(primary, replica, LAG, clock)
        patient._is_lost = True  # noqa: SLF001 - the one with the short bound might lose it again on a busy machine
        assert await is_on_replica(patient)
        assert await is_on_replica(patient)
    assert [line["event"] for line in logs if line["event"].startswith("replica_")] == [
        "replica_lost",
        "replica_recovered",
    ]


async def test_a_paused_replica_is_not_even_called(
    databases: tuple[Database, Database], pair: ReplicatedServers
) -> None:
    primary, replica = databases
    clock = Clock()
    reads = ReplicaReads(primary, replica, 0.2, clock)
    await pair.pause_replay()
    await primary.fetch("INSERT INTO workers (name, seen_at) VALUES ($1, now())", uuid4().hex)
    assert not await is_on_replica(reads)
    await pair.resume_replay()
    await pair.until_caught_up()
    assert not await is_on_replica(reads)


async def test_without_a_replica_that_responds_the_primary_is_read(databases: tuple[Database, Database]) -> None:
    primary, _ = databases
    gone = Database.open(UNAVAILABLE["database"]["database_url"], pool_size=2, timeout=5)
    with structlog.testing.capture_logs() as logs:
        assert not await is_on_replica(ReplicaReads(primary, gone, LAG))
    [line] = [line for line in logs if line["event"] == "replica_lost"]
    assert "127.0.0.1:9" in line["reason"]
    await gone.close()


async def test_a_server_that_is_no_standby_is_not_read(databases: tuple[Database, Database]) -> None:
    """After a failover the replica may be the primary, or a former one with other data."""
    primary, _ = databases
    with pytest.raises(ReplicaUnusable, match="is no standby"):
        await ReplicaReads(primary, primary, LAG).measure_lag()


async def test_connections_to_a_server_that_is_no_standby_are_not_kept(databases: tuple[Database, Database]) -> None:
    """New ones may lead to a standby again, as after a restart of a server that follows now."""
    primary, _ = databases
    replica = Database.open(primary._url, pool_size=1, timeout=20)  # noqa: SLF001
    own = "SELECT pg_backend_pid() AS pid"
    [before] = await replica.fetch(own)
    assert not await is_on_replica(ReplicaReads(primary, replica, LAG))
    [after] = await replica.fetch(own)
    assert before["pid"] != after["pid"]
    await replica.close()


async def test_a_primary_that_has_become_a_standby_is_read(databases: tuple[Database, Database]) -> None:
    """As with DATABASE_URL leading to a standby during a failover: reads go on."""
    _, standby = databases
    reads = ReplicaReads(standby, standby, LAG)
    assert await is_on_replica(reads)
    with pytest.raises(ReplicaUnusable, match="The server of DATABASE_URL is a standby"):
        await reads.measure_lag()


async def test_without_the_primary_nothing_is_read(databases: tuple[Database, Database]) -> None:
    _, replica = databases
    gone = Database.open(UNAVAILABLE["database"]["database_url"], pool_size=2, timeout=5)
    with pytest.raises(DatabaseUnavailable):
        await is_on_replica(ReplicaReads(gone, replica, LAG))
    await gone.close()


async def test_a_read_that_the_replica_cancels_is_made_on_the_primary(databases: tuple[Database, Database]) -> None:
    """Replay cancels a query that needs rows which the primary has removed since."""
    primary, replica = databases
    made: list[Database] = []

    async def read(database: Database) -> Any:
        made.append(database)
        if database is replica:
            raise DatabaseUnavailable("cancelled", "canceling statement due to conflict with recovery")
        return await database.fetch(WHERE)

    await ReplicaReads(primary, replica, LAG).run(read)
    assert made == [replica, primary]


async def test_lists_history_and_search_are_read_from_the_replica_and_status_is_not(
    replicated: Settings, pair: ReplicatedServers
) -> None:
    """While the replica shows nothing new, lists wait for it, and the status is there at once."""
    async with (
        with_services(replicated) as services,
        serving(replicated) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as api,
    ):
        await api.get("/v1/download/jobs")
        await pair.pause_replay()
        job = await create(services, await Catalogue(services).add(b"x", "report.txt"), archive_name="report.zip")
        paths = [
            "/v1/download/jobs",
            "/v1/download/jobs?q=report",
            f"/v1/download/job/{job.id}/history",
            "/v1/operator/jobs?q=report",
            "/v1/files?q=report",
            "/v1/upload/jobs",
            "/v1/download/dead",
        ]
        waiting = [asyncio.create_task(api.get(path)) for path in paths]
        status = await api.get(f"/v1/download/job/{job.id}")
        assert status.json()["status"] == "queued"
        assert not any(task.done() for task in waiting)
        await pair.resume_replay()
        jobs, search, history, found, files, uploads, dead = await asyncio.gather(*waiting)
    for response in (jobs, search, found):
        assert str(job.id) in response.text
    assert [one["command"] for one in history.json()["transitions"]] == ["create"]
    assert "report.txt" in files.text
    assert {response.status_code for response in (uploads, dead)} == {200}
