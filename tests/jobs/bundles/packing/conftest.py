"""The programs that read archives end with the session, whichever modules have used them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.jobs.bundles.packing import readers


@pytest.fixture(scope="session", autouse=True)
def _close_readers() -> Iterator[None]:
    yield
    readers.close()
