"""`haulage download` gets what it saves through a proxy, in which tests inject faults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.app.cli.store_proxy import Proxy


@pytest.fixture
async def store(environment: dict[str, str]) -> AsyncIterator[Proxy]:
    async with Proxy(environment["S3_ENDPOINT"]).running() as proxy:
        yield proxy


@pytest.fixture
def changes(store: Proxy) -> dict[str, Any]:
    """Links lead to the proxy."""
    return {"s3_public_endpoint": store.url}
