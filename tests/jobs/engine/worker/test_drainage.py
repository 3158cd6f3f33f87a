"""A worker that an operator drains: it finishes or releases its jobs, claims none, and goes on when it is told to."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.engine.jobs import Status
from jobs.engine.sql.workers import Orders, kinds_without_worker, record_heartbeat, set_draining
from jobs.kinds import Kind
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import commands, count_processing, create, read, until_command, until_ended
from tests.helpers.proxies import proxied
from tests.helpers.running import working
from tests.helpers.settings import with_changes


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"heartbeat_interval": 0.2, "drain_timeout": 60, "s3_part_copy": "never"}


async def drain(services: Services, name: str = "worker-1", *, draining: bool = True) -> bool:
    async with services.database.begin() as connection:
        return await set_draining(connection, name, services.settings.lease_ttl, draining=draining)


async def beat(services: Services, name: str = "worker-1") -> Orders:
    """A heartbeat of a worker, which does not run."""
    return await record_heartbeat(services.database, name, {Kind.DOWNLOAD: 4}, await services.database.now())


async def until_next_heartbeats(services: Services) -> None:
    """Returns after two heartbeats: with the first one, the worker has its orders."""
    for _ in range(2):
        [last] = await services.database.fetch("SELECT seen_at FROM workers WHERE name = 'worker-1'")

        async def has_another(last: Any = last) -> bool:
            [row] = await services.database.fetch("SELECT seen_at FROM workers WHERE name = 'worker-1'")
            return bool(row["seen_at"] > last["seen_at"])

        await eventually(has_another)


async def test_a_drained_worker_finishes_its_job_claims_no_other_and_goes_on_later(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x" * 100_000)
    async with proxied(settings.s3_endpoint) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            store.stall()
            running = await create(services, file_id)
            await until_command(services, running, "claim")
            assert await drain(services)
            await until_next_heartbeats(services)
            other = await create(services, file_id)
            await services.queue.flush()
            await store.heal()
            assert (await until_ended(services, running)).status is Status.COMPLETED
            await until_next_heartbeats(services)
            await services.database.fetch("UPDATE jobs SET due_at = due_at - interval '1 minute'")
            await until_next_heartbeats(services)
            assert await commands(services, other.id) == ["create"]
            assert await drain(services, draining=False)
            assert (await until_ended(services, other)).status is Status.COMPLETED


async def test_what_does_not_finish_in_time_is_released_uncharged_for_another_worker(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x" * 100_000)
    async with proxied(settings.s3_endpoint) as store:
        hanging = with_changes(settings, s3_endpoint=store.url, drain_timeout=0.1)
        async with working(hanging):
            store.stall()
            job = await create(services, file_id)
            await until_command(services, job, "claim")
            assert await drain(services)
            await until_command(services, job, "release")
            assert await count_processing(services) == 0
            async with working(settings, "worker-2"):
                ended = await until_ended(services, job)
            assert (ended.status, ended.attempt) == (Status.COMPLETED, 1)
            await store.heal()
        assert await services.database.fetch("SELECT FROM workers") == [], "a drained worker ends like any other"


async def test_a_drained_worker_is_none_that_runs_a_kind(services: Services) -> None:
    await create(services, 10_000)
    await beat(services)
    assert await kinds_without_worker(services.database, 10) == []
    assert await drain(services)
    assert (await beat(services)).draining, "it stays so"
    assert await kinds_without_worker(services.database, 10) == [Kind.DOWNLOAD]
    assert await drain(services, draining=False)
    assert await kinds_without_worker(services.database, 10) == []


async def test_only_workers_that_run_are_drained(services: Services) -> None:
    assert not await drain(services, "nobody")
    await beat(services, "killed")
    await services.database.fetch("UPDATE workers SET seen_at = seen_at - interval '1 minute'")
    assert not await drain(services, "killed")


async def test_other_workers_go_on(services: Services, settings: Settings, catalogue: Catalogue) -> None:
    file_id = await catalogue.add(b"x")
    async with working(settings), working(settings, "worker-2"):
        await eventually(lambda: drain(services))
        await until_next_heartbeats(services)
        job = await create(services, file_id)
        await until_ended(services, job)
        events = await services.lifecycle.events(job.id, 0, 10)
        assert [one["worker"] for one in events if one["command"] == "claim"] == ["worker-2"]
        assert (await read(services, job.id)).status is Status.COMPLETED
