"""A database that is restored to a moment, from a base backup and archived WAL, as docs/operations.md says.

`make drills` lets a minute pass between that moment and the accident. Otherwise it is as short as can be.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from app.cli.backup.programs import connection_variables
from app.stack import postgres
from app.stack.ports import free_ports
from app.stack.postgres import Postgres
from jobs.bundles.downloads import Download
from jobs.engine.jobs import Status
from jobs.migrate import migrate
from jobs.recovery.reconciliation import Reconciliation
from jobs.services import Services, open_services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.installations import fresh_settings
from tests.helpers.jobs import create, read, until_ended
from tests.helpers.running import working

AGO = float(os.environ.get("DRILL_SECONDS", "0"))
"""Seconds between the moment to which the database is restored and the accident."""
PASSWORD = "drill"


class Cluster(Postgres):
    """A server with settings of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        for each in (folder, folder / "logs"):
            each.mkdir(exist_ok=True)
        [self.port] = free_ports([0])
        super().__init__(folder / "postgres", folder / "logs", port=self.port, password=PASSWORD, durable=False)
        (folder / "postgres").mkdir(exist_ok=True)
        self._more = settings
        self.data = folder / "postgres" / "data"
        # A new server on a busy machine may be slow to accept its first connections.
        self.url = postgres.url(self.port, PASSWORD) + "?connect_timeout=60"

    def _settings(self) -> dict[str, str]:
        return super()._settings() | self._more

    def take_base_backup(self, target: Path) -> None:
        """Copies the running cluster, as `pg_basebackup` does on a production's machine."""
        subprocess.run(
            [self._bin / "pg_basebackup", f"--pgdata={target}", "--wal-method=stream", "--checkpoint=fast", "-w"],
            check=True,
            env={**os.environ, **connection_variables(self.url)},
            capture_output=True,
        )


@contextmanager
def running(cluster: Cluster) -> Iterator[Cluster]:
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where clusters and archive are. PostgreSQL may run as another user, who must be able to enter and to write."""
    for each in (tmp_path, *tmp_path.parents[:2]):
        each.chmod(0o755)
    (tmp_path / "archive").mkdir(mode=0o777)
    (tmp_path / "archive").chmod(0o777)
    return tmp_path


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Services]:
    async with open_services(settings) as services:
        yield services


async def fetched(cluster: Cluster, query: str) -> Any:
    connection = await asyncpg.connect(cluster.url.partition("?")[0])
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def completed(services: Services, content: bytes) -> Download:
    job = await until_ended(
        services, await create(services, await Catalogue(services).add(content, f"{content!r}.txt"))
    )
    assert job.status is Status.COMPLETED
    return job


@pytest.mark.servers
@pytest.mark.timeout(300 + 3 * AGO)
async def test_a_database_goes_back_to_a_moment_before_an_accident_and_its_jobs_run_on(
    folder: Path, environment: Mapping[str, str]
) -> None:
    archive = folder / "archive"
    primary = Cluster(
        folder / "primary",
        archive_mode="on",
        archive_command=f"test ! -f {archive}/%f && cp %p {archive}/%f",
    )
    with running(primary):
        settings = await fresh_settings(primary.url, dict(environment))
        async with opened(settings) as services:
            await migrate(services.database)
            await services.storage.bucket.ensure()
            async with working(settings):
                first = await completed(services, b"before the base backup")
                await asyncio.to_thread(primary.take_base_backup, folder / "base")
                second = await completed(services, b"in the WAL only")
            waiting = await create(services, await Catalogue(services).add(b"waits", "waits.txt"))
            moment: datetime = await services.database.now()
            await asyncio.sleep(AGO)
            async with working(settings):
                later = await completed(services, b"after the moment")
                await until_ended(services, waiting)
            accident = "TRUNCATE jobs, file_records, job_events, stored_files CASCADE"
            await services.database.fetch(accident)
        segment = await fetched(primary, "SELECT pg_walfile_name(pg_switch_wal())")
        await eventually((archive / segment).exists)
    shutil.rmtree(primary.data)

    restored = Cluster(
        folder / "restored",
        restore_command=f"cp {archive}/%f %p",
        recovery_target_time=f"{moment.isoformat()}",
        recovery_target_action="promote",
    )
    (folder / "base").rename(restored.data)
    (restored.data / "recovery.signal").touch()
    with running(restored):

        async def is_promoted() -> bool:
            return not await fetched(restored, "SELECT pg_is_in_recovery()")

        await eventually(is_promoted)
        after = settings.model_copy(update={"database_url": restored.url})
        async with opened(after) as services:
            for job in (first, second):
                assert (await read(services, job.id)).status is Status.COMPLETED
            assert (await read(services, waiting.id)).status is Status.QUEUED
            assert await services.database.fetch("SELECT FROM jobs WHERE id = $1", later.id) == []
            reconciliation = Reconciliation(services)
            findings = await reconciliation.find()
            await reconciliation.skip_ids(findings)
            await reconciliation.mark(findings)
            assert later.result is not None
            assert (findings.results, findings.files) == ([], [])
            assert later.result.key in {info.key for info in findings.orphans}
            async with working(after):
                assert (await until_ended(services, waiting)).status is Status.COMPLETED
            keys = [info.key async for info in services.storage.objects.list("")]
            await services.storage.objects.delete(keys)
