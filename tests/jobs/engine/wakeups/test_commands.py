"""How many commands of Redis a wake-up takes, whatever the backlog and the number of workers."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any
from unittest.mock import AsyncMock

import pytest
from sqlalchemy import text

from jobs.engine.redis_transport import RedisTransport
from jobs.services import Services
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, until_completed
from tests.helpers.redis_clients import redis_of
from tests.helpers.running import working

JOBS = 120
WORKERS = 4
MAX_COMMANDS = 12
"""Commands a job: two for its wake-up, and two for each event that is published."""
UPKEEP = {"ping", "zcard", "psetex", "info", "dbsize", "client|setinfo", "config|resetstat", "subscribe", "hello"}
"""Commands that workers, and this test, send in a time and not for a job."""


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"wake_grace": 0.05, "sweep_interval": 0.2, "worker_concurrency": 2}


async def test_a_backlog_takes_twelve_commands_a_job_however_many_workers_share_it(
    services: Services, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RedisTransport, "probe", AsyncMock())  # it is sent in a time, too, but has the same commands
    redis: Any = redis_of(services.queue)
    file_id = await catalogue.add(b"x")
    await redis.config_resetstat()
    jobs = [await create(services, file_id, archive_name=None) for _ in range(JOBS)]
    async with services.database.begin() as connection:
        await connection.execute(text("UPDATE jobs SET due_at = due_at - interval '1 hour'"))
    async with AsyncExitStack() as workers:
        for number in range(WORKERS):
            await workers.enter_async_context(working(services.settings, f"worker-{number}"))
        await until_completed(services, jobs)
    calls = {name.removeprefix("cmdstat_"): it["calls"] for name, it in (await redis.info("commandstats")).items()}
    spent = {name: count for name, count in calls.items() if name not in UPKEEP}
    assert sum(spent.values()) <= MAX_COMMANDS * JOBS, spent
