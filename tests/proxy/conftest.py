"""The fronts of proxy/, one for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.fronts import FRONTS, Front


@pytest.fixture(params=FRONTS)
def front(request: pytest.FixtureRequest, tmp_path: Path) -> Front:
    """Each of the fronts, not started."""
    return FRONTS[request.param](tmp_path / "front")
