"""Real servers for all tests: one stack a run; a database, a bucket and an empty Valkey for each test."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from hypothesis import settings as hypothesis_settings
from redis.asyncio import Redis

from app.server import GatewayServer
from app.stack.stack import Stack
from jobs.database import Database
from jobs.migrate import migrate
from jobs.services import Services, open_services
from jobs.settings import Settings
from jobs.worker import run_worker
from tests.support import Catalogue, other_store

hypothesis_settings.register_profile("haulage", deadline=None, print_blob=True)
hypothesis_settings.load_profile("haulage")

TEMPLATE = "template_haulage"

collect_ignore = [] if find_spec("playwright") else ["browser"]
"""`make browser` brings what a browser needs; nothing else does."""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL, Valkey and SeaweedFS, on free ports and in a folder of their own."""
    with Stack(tmp_path_factory.mktemp("stack"), durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def environment(stack: Stack) -> dict[str, str]:
    """The stack's environment; the store is another one where `HAULAGE_TEST_S3_ENDPOINT` says so (tests/minio.sh)."""
    return stack.environment() | other_store()


def _renamed(url: str, name: str) -> str:
    return url.rpartition("/")[0] + "/" + name


async def _execute(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def template(stack: Stack) -> str:
    """A migrated database to clone."""
    url = stack.environment()["DATABASE_URL"]

    async def make() -> None:
        await _execute(url, f"CREATE DATABASE {TEMPLATE}")
        database = Database.open(_renamed(url, TEMPLATE), pool_size=2, timeout=10)  # type: ignore[arg-type]
        await migrate(database)
        await database.close()

    asyncio.run(make())
    return url


@asynccontextmanager
async def fresh_database(template: str) -> AsyncIterator[str]:
    """The URL of a migrated database, which is dropped at the end."""
    name = f"test_{uuid4().hex}"
    await _execute(template, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield _renamed(template, name)
    await _execute(template, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def database_url(template: str) -> AsyncIterator[str]:
    """A fresh, migrated database."""
    async with fresh_database(template) as url:
        yield url


@pytest.fixture
def changes() -> dict[str, Any]:
    """Settings that a test module or test wants otherwise: override this fixture, or use `with_settings`."""
    return {}


@pytest.fixture
async def settings(database_url: str, environment: dict[str, str], changes: dict[str, Any]) -> Settings:
    """Settings of a fresh database, bucket and Valkey, with short waits."""
    return await fresh_settings(database_url, environment, **changes)


async def fresh_settings(database_url: str, environment: dict[str, str], **changes: Any) -> Settings:
    """Settings of this database and of a fresh bucket, with short waits. Valkey is emptied."""
    redis = Redis.from_url(environment["REDIS_URL"])
    await redis.flushall()
    await redis.aclose()
    values: dict[str, Any] = {name.lower(): value for name, value in environment.items()}
    values |= {
        "database_url": database_url,
        "s3_bucket_name": f"test-{uuid4().hex}",
        "port": 0,
        "backoff_base": 0.05,
        "backoff_max": 0.2,
        "sweep_interval": 0.2,
        "wake_grace": 0.5,
        "drain_timeout": 0,
        "stream_drain": 0.1,
        "log_level": "warning",
    }
    return Settings(**values | changes)


@asynccontextmanager
async def with_services(settings: Settings) -> AsyncIterator[Services]:
    """Open clients, and a bucket that is emptied at the end."""
    async with open_services(settings) as opened:
        await opened.storage.bucket.ensure()
        yield opened
        keys = [info.key async for info in opened.storage.objects.list("")]
        await opened.storage.objects.delete(keys)


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    """Open clients, and a bucket that is emptied after the test."""
    async with with_services(settings) as opened:
        yield opened


@pytest.fixture
def catalogue(services: Services) -> Catalogue:
    """Puts files into the store."""
    return Catalogue(services)


Serve = Callable[[Settings], Any]


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[str]:
    """A running gateway on a free port; its base URL."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    port = listening.getsockname()[1]
    server = GatewayServer(settings)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
        listening.close()


@asynccontextmanager
async def working(settings: Settings, name: str = "worker-1") -> AsyncIterator[None]:
    """A running worker."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_worker(settings, stop, name))
    try:
        yield
    finally:
        stop.set()
        await task


@pytest.fixture
async def gateway(services: Services) -> AsyncIterator[str]:
    async with serving(services.settings) as url:
        yield url


@pytest.fixture
async def worker(services: Services) -> AsyncIterator[None]:
    async with working(services.settings):
        yield


@pytest.fixture
async def api(gateway: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the running gateway."""
    async with httpx.AsyncClient(base_url=gateway, timeout=30) as client:
        yield client


Wait = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
def project() -> Path:
    """The root of the project."""
    return Path(__file__).parent.parent
