"""A clamd that a test may stop, and scanners."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from jobs.settings import ScanSettings
from jobs.uploads.scanning import Scanner
from tests.helpers.clamd import ClamdServer, running_clamd

MakeScanner = Callable[..., Scanner]


@pytest.fixture
def own_clamd(tmp_path: Path) -> Iterator[ClamdServer]:
    """A clamd of the test's own, in `tmp_path`."""
    with running_clamd(tmp_path) as server:
        yield server


@pytest.fixture
def make_scanner() -> MakeScanner:
    """Return a scanner for a URL, with the given settings."""

    def make(url: str, **settings: Any) -> Scanner:
        return Scanner(url, ScanSettings(clamd_url=url, **settings))

    return make
