"""Servers of the faults' own for the whole run; ground of its own for each test."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
import uvloop

from jobs.settings import Settings
from tests.faults.ground import Ground, open_ground
from tests.faults.servers import TEMPLATE, Servers


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A PostgreSQL and a Valkey that may be killed."""
    with Servers.running(tmp_path_factory.mktemp("faults")) as running:
        yield running


@pytest.fixture
async def ground(
    servers: Servers, environment: dict[str, str], tmp_path: Path, changes: dict[str, Any]
) -> AsyncIterator[Ground]:
    """With the settings as they come, but for `changes`."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    async with open_ground(servers, environment, tmp_path, **changes) as opened:
        yield opened
    structlog.reset_defaults()


@pytest.fixture
def own_settings(servers: Servers, environment: dict[str, str]) -> Iterator[Settings]:
    """Settings of a fresh database, for a test that has an event loop of its own."""
    name = f"test_{uuid4().hex}"
    asyncio.run(servers.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}"))
    values: dict[str, Any] = {key.lower(): value for key, value in environment.items()}
    yield Settings(**values | {"database_url": servers.database_url(name), "redis_url": servers.redis_url})
    asyncio.run(servers.execute(f"DROP DATABASE {name} WITH (FORCE)"))


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The proxies run in the tests' loop, and all bytes go through them: the faster one, so that they are no brake."""
    return {"uvloop": uvloop.new_event_loop}
