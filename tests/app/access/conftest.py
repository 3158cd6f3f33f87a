"""Gateways in which everybody has to prove who they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from jobs.services import Services
from tests.app.shared import Shared
from tests.helpers.catalogue import Catalogue
from tests.helpers.issuers import Issuer, running_issuer


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"auth_mode": "required"}


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """One that signs tokens, and publishes its keys."""
    async with running_issuer() as running:
        yield running


@pytest.fixture
def required(api: httpx.AsyncClient, services: Services, catalogue: Catalogue) -> Shared:
    """A gateway, a client of it without any credential, and the services it works with."""
    return Shared(api=api, services=services, catalogue=catalogue)
