"""Servers of the faults' own for the whole run; ground of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.ground import Ground, open_ground
from tests.faults.servers import Servers


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A PostgreSQL and a Valkey that may be killed."""
    running = Servers(tmp_path_factory.mktemp("faults"))
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
async def ground(
    servers: Servers, environment: dict[str, str], tmp_path: Path, changes: dict[str, Any]
) -> AsyncIterator[Ground]:
    """With the settings as they come, but for `changes`."""
    async with open_ground(servers, environment, tmp_path, **changes) as opened:
        yield opened
