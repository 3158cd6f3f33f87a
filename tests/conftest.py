"""Real servers for all tests: one stack a test process; a database, a bucket and an empty Valkey for each test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Generator, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import settings as hypothesis_settings

from app.stack import ports
from app.stack.stack import Stack
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.clamd import ClamdServer, running_clamd
from tests.helpers.databases import create_template, disconnect_administrator, fresh_database
from tests.helpers.installations import fresh_settings, with_services
from tests.helpers.memory_folder import memory_folder
from tests.helpers.running import serving, working
from tests.helpers.stores import other_store
from tests.helpers.unit import is_unit, sockets_blocked

hypothesis_settings.register_profile("haulage", deadline=None, print_blob=True)
hypothesis_settings.register_profile("quick", parent=hypothesis_settings.get_profile("haulage"), max_examples=20)
hypothesis_settings.load_profile("haulage")

collect_ignore = [] if find_spec("playwright") else ["browser"]
"""`make browser` brings what a browser needs; nothing else does."""


def pytest_configure() -> None:
    """Gives each process of pytest-xdist a range of ports of its own, for both find free ones at the same time."""
    worker, count = os.environ.get("PYTEST_XDIST_WORKER"), os.environ.get("PYTEST_XDIST_WORKER_COUNT")
    if worker is not None and count is not None:
        every = ports._RANGE  # noqa: SLF001
        size = len(every) // int(count)
        first = every.start + int(worker.removeprefix("gw")) * size
        ports._RANGE = range(first, first + size)  # noqa: SLF001


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the unit tests, before `-m` selects by marks."""
    for item in items:
        if is_unit(item):
            item.add_marker(pytest.mark.unit)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Keeps unit tests from the network."""
    if item.get_closest_marker("unit") is None:
        return (yield)
    with sockets_blocked():
        return (yield)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL, Valkey and SeaweedFS, on free ports and in a folder of their own.

    It is in memory, since every test creates and deletes a database of 300 files. Only the store, which grows, is on disk.
    """
    on_disk = tmp_path_factory.mktemp("stack")
    with memory_folder(on_disk) as folder:
        if folder != on_disk:
            (folder / "store").symlink_to(on_disk)
        with Stack(folder, durable=False) as running:
            yield running


@pytest.fixture(scope="session")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClamdServer]:
    """A clamd for all tests that do not stop it."""
    with running_clamd(tmp_path_factory.mktemp("clamd")) as server:
        yield server


@pytest.fixture(scope="session")
def environment(stack: Stack) -> dict[str, str]:
    """The stack's environment; the store is another one where `HAULAGE_TEST_S3_ENDPOINT` says so (tests/minio.sh)."""
    return stack.environment() | other_store()


@pytest.fixture(scope="session")
def template(stack: Stack) -> Iterator[str]:
    """The URL of the stack's database server, on which there is a migrated database to clone."""
    server = stack.environment()["DATABASE_URL"]
    asyncio.run(create_template(server))
    yield server
    disconnect_administrator(server)


@pytest.fixture
async def database_url(template: str) -> AsyncIterator[str]:
    """A fresh, migrated database."""
    async with fresh_database(template) as url:
        yield url


@pytest.fixture
def changes() -> dict[str, Any]:
    """Changed settings: a test module overrides this fixture, a test is parametrized with it."""
    return {}


@pytest.fixture
async def settings(database_url: str, environment: dict[str, str], changes: dict[str, Any]) -> Settings:
    """Settings of a fresh database, bucket and Valkey, with short waits."""
    return await fresh_settings(database_url, environment, **changes)


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    """Open clients, and a bucket that is emptied after the test."""
    async with with_services(settings) as opened:
        yield opened


@pytest.fixture
def catalogue(services: Services) -> Catalogue:
    """Puts files into the store."""
    return Catalogue(services)


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


@pytest.fixture
def project() -> Path:
    """The root of the project."""
    return Path(__file__).parent.parent
