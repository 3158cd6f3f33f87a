"""Where a fault happens: servers, proxies before them, a fleet that goes through these, and a test that does not."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy import text

from jobs.database_url import parse_database_url
from jobs.engine.jobs import Job
from jobs.errors import DatabaseUnavailable
from jobs.services import Services, open_services
from jobs.settings import Settings
from tests.faults.fleet import Fleet
from tests.faults.members import PATIENCE
from tests.faults.servers import TEMPLATE, Servers
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create
from tests.helpers.proxies import Proxy, proxied
from tests.helpers.settings import with_changes

MIB = 1 << 20
POLL = 0.1
"""Seconds between two queries for rows that other processes change."""


@dataclass(kw_only=True)
class Ground:
    """`settings` and `services` are the test's own and go straight to the servers; the fleet's go through the proxies."""

    servers: Servers
    settings: Settings
    services: Services
    fleet: Fleet
    database: Proxy
    redis: Proxy
    store: Proxy
    accepted: set[UUID] = field(default_factory=set)
    """The jobs that were accepted from a client."""
    _open: AsyncExitStack

    # --- what is there -------------------------------------------------------------------------------------------------

    async def proxy(self, target: str) -> Proxy:
        """One more proxy, for a process that alone is to meet with a fault."""
        return await self._open.enter_async_context(proxied(target))

    async def api(self, url: str) -> httpx.AsyncClient:
        """A client of a gateway, with as many connections as it takes."""
        client = httpx.AsyncClient(base_url=url, timeout=PATIENCE, limits=httpx.Limits(max_connections=None))
        return await self._open.enter_async_context(client)

    async def file(self, size: int = 1, name: str = "file.bin") -> int:
        """The id of a new file of so many bytes, different from all others."""
        return await Catalogue(self.services).add(os.urandom(min(size, MIB)) * -(-size // MIB) if size else b"", name)

    async def job(self, *file_ids: int, archive_name: str = "bundle.zip") -> Job:
        """A job of these files, promised; its wake-up goes straight to Redis."""
        job = await create(self.services, *file_ids, archive_name=archive_name)
        self.accepted.add(job.id)
        return job

    async def jobs(self, count: int, *file_ids: int) -> list[Job]:
        return [await self.job(*file_ids) for _ in range(count)]

    # --- what is so ----------------------------------------------------------------------------------------------------

    async def rows(self, query: str, **values: Any) -> list[Mapping[str, Any]]:
        """The rows of the query, once the database is available."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    return await self._read(query, values)
                except DatabaseUnavailable:
                    await asyncio.sleep(POLL)

    async def _read(self, query: str, values: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        async with self.services.database.reading() as connection:
            return [dict(row) for row in (await connection.execute(text(query), values)).mappings()]

    async def now(self) -> datetime:
        """The database's clock."""
        [row] = await self.rows("SELECT clock_timestamp() AS now")
        at: datetime = row["now"]
        return at

    async def events(self, job_id: UUID) -> list[Mapping[str, Any]]:
        """The job's transitions."""
        return await self.rows("SELECT * FROM job_events WHERE job_id = :id ORDER BY seq", id=job_id)

    async def commands(self, job_id: UUID) -> list[str]:
        return [it["command"] for it in await self.events(job_id)]

    async def row(self, job_id: UUID) -> Mapping[str, Any]:
        [row] = await self.rows("SELECT * FROM jobs WHERE id = :id", id=job_id)
        return row

    # --- what comes to be so -------------------------------------------------------------------------------------------

    async def until(self, query: str, patience: float = PATIENCE, **values: Any) -> None:
        """Returns when the query's one value is true. Raises `TimeoutError`."""
        async with asyncio.timeout(patience):
            while not next(iter((await self.rows(query, **values))[0].values())):
                await asyncio.sleep(POLL)

    async def ended(self, jobs: Iterable[Job | UUID] | None = None, patience: float = PATIENCE) -> None:
        """Returns when these jobs, or all that were promised, have ended."""
        ids = [it.id if isinstance(it, Job) else it for it in jobs] if jobs is not None else list(self.accepted)
        await self.until(_ENDED, patience, ids=ids)


_ENDED = """
    SELECT count(*) = 0 FROM jobs
    WHERE id = ANY (CAST(:ids AS uuid[])) AND status IN ('queued', 'processing', 'retrying')
    """


@asynccontextmanager
async def open_ground(
    servers: Servers, environment: dict[str, str], folder: Path, **changes: Any
) -> AsyncIterator[Ground]:
    """A fresh database and bucket, an empty Redis, proxies, and no process yet."""
    name = f"test_{uuid4().hex}"
    await servers.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    servers.flush()
    values: dict[str, Any] = {key.lower(): value for key, value in environment.items()} | {
        "database_url": servers.database_url(name),
        "redis_url": servers.redis_url,
        "s3_bucket_name": f"test-{uuid4().hex}",
        "bundle_reuse": False,  # so that every job has work to be disturbed at
    }
    settings = Settings(**values | changes)
    async with AsyncExitStack() as opened:
        opened.push_async_callback(servers.execute, f"DROP DATABASE {name} WITH (FORCE)")
        services = await opened.enter_async_context(open_services(settings))
        await services.storage.bucket.ensure()
        opened.push_async_callback(_empty, services)
        addresses = (str(settings.database_url), str(settings.redis_url), settings.s3_endpoint)
        database, redis, store = [await opened.enter_async_context(proxied(it)) for it in addresses]
        fleet = Fleet(with_changes(settings, **_routes(settings, database, redis, store)), folder)
        opened.push_async_callback(fleet.close)
        yield Ground(
            servers=servers,
            settings=settings,
            services=services,
            fleet=fleet,
            database=database,
            redis=redis,
            store=store,
            _open=opened,
        )


def _routes(settings: Settings, database: Proxy, redis: Proxy, store: Proxy) -> dict[str, str]:
    """The settings that lead through the proxies. Servers of which several stand in for each other are reached directly."""
    routes = {"s3_endpoint": store.url}
    if len(parse_database_url(settings.database_url).hosts) == 1:
        routes["database_url"] = database.url
    if not settings.redis_sentinels:
        routes["redis_url"] = redis.url
    return routes


async def _empty(services: Services) -> None:
    await services.storage.objects.delete([info.key async for info in services.storage.objects.list("")])
