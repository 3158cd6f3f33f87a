"""What a small job costs: statements and commits of PostgreSQL, and commands of Redis, from its request to its end."""

from __future__ import annotations

import os
from collections import Counter
from typing import Any

import asyncpg
import pytest

from jobs.services import Services, open_services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create
from tests.helpers.redis_clients import redis_of
from tests.helpers.running import working
from tests.helpers.settings import WAKE_UPS_ONLY

JOBS = 20
"""So many that what a worker does from time to time, and not for a job, is less than one for each."""
KIB = 1024


@pytest.fixture
def changes() -> dict[str, Any]:
    return {**WAKE_UPS_ONLY, "lease_ttl": 600, "heartbeat_interval": 60, "bundle_reuse": False, "worker_concurrency": 1}


@pytest.mark.parametrize(
    ("files", "statements", "commits", "commands"),
    [
        pytest.param(1, 21, 3, 9, id="one file"),
        pytest.param(3, 21, 3, 12, id="a bundle of three files"),
    ],
)
async def test_a_small_job_costs_no_more_than_this(
    services: Services,
    settings: Settings,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
    files: int,
    statements: int,
    commits: int,
    commands: int,
) -> None:
    redis: Any = redis_of(services.queue)
    requests = [[await catalogue.add(os.urandom(KIB)) for _ in range(files)] for _ in range(JOBS + 1)]
    sent: Counter[str] = Counter()
    connect, watching = asyncpg.connect, await asyncpg.connect(str(settings.database_url))

    async def counting(*args: Any, **options: Any) -> Any:
        connection = await connect(*args, **options)
        connection.add_query_logger(lambda query: sent.update([query.query.split(maxsplit=1)[0].upper().rstrip(";")]))
        return connection

    async def none_is_left() -> bool:
        return not await watching.fetchval("SELECT count(*) FROM jobs WHERE finished_at IS NULL")

    monkeypatch.setattr(asyncpg, "connect", counting)
    async with open_services(settings) as gateway, working(settings):
        for number, file_ids in enumerate(requests):
            if number == 1:  # from here on, connections are open and statements are prepared
                sent.clear()
                await redis.config_resetstat()
            await create(gateway, *file_ids, archive_name=None if files == 1 else "bundle.zip")
            await eventually(none_is_left)
    await watching.close()
    calls = {name.removeprefix("cmdstat_"): it["calls"] for name, it in (await redis.info("commandstats")).items()}
    assert sum(sent.values()) <= (statements + 1) * JOBS, sent
    assert sent["COMMIT"] <= (commits + 0.5) * JOBS, sent
    assert calls["bzpopmin"] < 2 * JOBS
    # One more on average: jobs that take more than a tenth of a second send their progress once more, by two commands.
    assert sum(calls[name] for name in ("zadd", "set", "publish")) <= (commands + 1) * JOBS, calls
