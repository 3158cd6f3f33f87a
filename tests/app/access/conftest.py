"""Gateways in which everybody has to prove who they are."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from jobs.services import Services
from tests.app.shared import Shared
from tests.helpers.catalogue import Catalogue


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"auth_mode": "required"}


@pytest.fixture
def required(api: httpx.AsyncClient, services: Services, catalogue: Catalogue) -> Shared:
    """A gateway, a client of it without any credential, and the services it works with."""
    return Shared(api=api, services=services, catalogue=catalogue)
