"""The command line, with nothing in its environment or with the servers of the test."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs.settings import Settings
from tests.app.cli.processes import Cli, variables


@pytest.fixture
def bare_cli(tmp_path: Path) -> Cli:
    """Knows of no server."""
    return Cli(tmp_path, {})


@pytest.fixture
def server_cli(tmp_path: Path, settings: Settings) -> Cli:
    """Has the servers in its environment, but no gateway."""
    return Cli(tmp_path, variables(settings))


@pytest.fixture
def cli(tmp_path: Path, settings: Settings, gateway: str) -> Cli:
    """Has the servers and the gateway in its environment."""
    return Cli(tmp_path, variables(settings) | {"HAULAGE_SERVER": gateway})
