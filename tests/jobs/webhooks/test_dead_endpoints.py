"""A dead webhook holds up no download: it takes none of the worker's slots. `tests/bench/dead_endpoints.py` times that."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.services import Services
from jobs.settings import Settings
from jobs.webhooks.deliveries import AT_ONCE
from jobs.webhooks.endpoints import add_endpoint
from jobs.webhooks.messages import OF_JOBS
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create, until_completed
from tests.helpers.receivers import dropping_packets, receiving
from tests.helpers.running import working

JOBS = 30


@pytest.fixture
def changes() -> dict[str, Any]:
    """One slot: a request that took it would be the end of all downloads."""
    return {"egress_allow": ("127.0.0.1",), "worker_concurrency": 1}


async def test_downloads_complete_while_no_webhook_of_their_owner_responds(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x" * 1_000)
    async with receiving() as silent:
        silent.gate.clear()
        with dropping_packets() as dropping:
            for url in (silent.url, dropping):
                await add_endpoint(
                    services.database,
                    owner="anonymous",
                    url=url,
                    events=tuple(OF_JOBS),
                    description="",
                    created_by="test",
                )
            async with working(settings):
                first = [await create(services, file_id, archive_name=f"{one}.zip") for one in range(JOBS)]
                await until_completed(services, first)
                await eventually(lambda: silent.most_at_once >= 1)
                later = [await create(services, file_id, archive_name=f"{one}.zip") for one in range(JOBS)]
                await until_completed(services, later)
                assert 1 <= silent.most_at_once <= AT_ONCE
    rows = await services.database.fetch(
        "SELECT count(*) AS deliveries, count(delivered_at) AS delivered, count(next_at) AS waiting FROM webhook_deliveries"
    )
    assert dict(rows[0]) == {"deliveries": 4 * JOBS, "delivered": 0, "waiting": 4 * JOBS}
