"""Fixtures of all tests of the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from app.following.hub import Hub
from jobs.services import open_services
from jobs.settings import Settings
from tests.app.shared import Shared
from tests.helpers.catalogue import Catalogue
from tests.helpers.databases import fresh_database
from tests.helpers.running import serving


@pytest.fixture(scope="module")
def shared_changes() -> dict[str, Any]:
    """Changed settings of `shared`: a module overrides this fixture."""
    return {}


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(template: str, environment: dict[str, str], shared_changes: dict[str, Any]) -> AsyncIterator[Shared]:
    """One gateway for all tests of a module, for those that need no empty database and no settings of their own.

    Use it in modules with `pytestmark = pytest.mark.asyncio(loop_scope="module")`.
    """
    values: dict[str, Any] = {name.lower(): value for name, value in environment.items()}
    async with fresh_database(template) as url:
        values |= {"database_url": url, "s3_bucket_name": f"test-{uuid4().hex}", "port": 0} | shared_changes
        settings = Settings(**values)
        async with open_services(settings) as services, serving(settings) as gateway:
            await services.storage.bucket.ensure()
            async with httpx.AsyncClient(base_url=gateway, timeout=30) as api:
                yield Shared(api=api, services=services, catalogue=Catalogue(services))
            await services.storage.objects.delete([info.key async for info in services.storage.objects.list("")])


@pytest.fixture
def hubs(monkeypatch: pytest.MonkeyPatch) -> list[Hub]:
    """Those of the gateways that are started meanwhile."""
    found: list[Hub] = []
    init = Hub.__init__

    def inits(hub: Hub, *args: Any) -> None:
        init(hub, *args)
        found.append(hub)

    monkeypatch.setattr(Hub, "__init__", inits)
    return found
