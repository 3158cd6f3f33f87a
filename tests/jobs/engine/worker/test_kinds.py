"""Workers that run only some kinds of jobs: the others wait for those who do, and nothing that is due is left undone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text

from jobs.engine.jobs import Job, Status
from jobs.engine.lifecycle import NewJob
from jobs.engine.sql.workers import record_heartbeat
from jobs.engine.wakeups.queue import queue_name, wakeup_id
from jobs.engine.worker.heartbeat import kinds_without_worker
from jobs.kinds import Kind
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import commands, create, read_job, until_ended
from tests.helpers.redis_clients import redis_of
from tests.helpers.running import working
from tests.helpers.settings import with_changes


@pytest.fixture
def changes() -> dict[str, Any]:
    quick = {"lease_ttl": 1.5, "heartbeat_interval": 0.3, "heartbeat_timeout": 0.5, "sweep_interval": 0.2}
    return {**quick, "wake_grace": 0.2}


async def lost(services: Services, file_id: int) -> Job:
    """A download whose worker has fallen silent."""
    job = await create(services, file_id)
    claimed = await services.lifecycle.claim(job.id, job.fence, "silent")
    assert claimed is not None
    async with services.database.begin() as connection:
        await connection.execute(text("UPDATE jobs SET lease_until = now() - interval '1 second'"))
    return claimed.job


async def test_a_worker_of_other_kinds_queues_a_lost_job_again_and_leaves_it_to_those_who_run_it(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    job = await lost(services, await catalogue.add(b"x"))
    await services.queue.flush()
    redis: Any = redis_of(services.queue)
    await redis.delete(queue_name(Kind.DOWNLOAD))
    woken = wakeup_id(job.id, job.fence + 1)

    async def is_woken() -> bool:
        return await redis.zscore(queue_name(Kind.DOWNLOAD), woken) is not None

    async def is_told() -> bool:
        return await kinds_without_worker(services) == [Kind.DOWNLOAD]

    async with working(with_changes(settings, worker_kinds=(Kind.UPLOAD,))):
        await eventually(is_woken)
        await redis.delete(queue_name(Kind.DOWNLOAD))
        await eventually(is_woken)  # the sweeper's, after its poller, if it had one, would have claimed the job
        await eventually(is_told)
        assert await commands(services, job.id) == ["create", "claim", "lose"]
        async with working(with_changes(settings, worker_kinds=(Kind.DOWNLOAD,)), "worker-2"):
            assert (await until_ended(services, job)).status is Status.COMPLETED
    assert (await read_job(services, job.id)).attempt == 2


async def test_a_kind_has_a_worker_while_one_that_runs_it_has_heartbeats(services: Services) -> None:
    database = services.database
    assert await kinds_without_worker(services) == []
    await create(services, 10_000)
    await services.lifecycle.create(NewJob(kind=Kind.VIDEO, owner="ada", files=[]))
    assert await kinds_without_worker(services) == [Kind.DOWNLOAD, Kind.VIDEO]
    await record_heartbeat(database, "worker-1", dict.fromkeys([Kind.UPLOAD, Kind.VIDEO], 4), datetime.now(UTC))
    assert await kinds_without_worker(services) == [Kind.DOWNLOAD]
    await record_heartbeat(database, "worker-1", dict.fromkeys([Kind.DOWNLOAD], 4), datetime.now(UTC))
    assert await kinds_without_worker(services) == [Kind.VIDEO]
    await record_heartbeat(database, "worker-2", dict.fromkeys([Kind.VIDEO], 4), datetime.now(UTC))
    assert await kinds_without_worker(services) == []
    async with database.begin() as connection:
        await connection.execute(text("UPDATE workers SET seen_at = now() - interval '2 seconds'"))
    assert await kinds_without_worker(services) == [Kind.DOWNLOAD, Kind.VIDEO]


async def test_a_worker_of_the_release_before_counts_for_what_it_runs(services: Services) -> None:
    await create(services, 10_000)
    await services.lifecycle.create(NewJob(kind=Kind.IMAGE, owner="ada", files=[]))
    async with services.database.begin() as connection:
        await connection.execute(text("INSERT INTO workers (name, seen_at) VALUES ('old', now())"))
    assert await kinds_without_worker(services) == [Kind.IMAGE]
