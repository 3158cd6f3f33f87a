"""Workers share their time between owners: another owner's single job does not wait for a thousand of one."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.concurrency import map_limited
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import create, read_job, until_ended
from tests.helpers.redis_clients import redis_of
from tests.helpers.running import working

JOBS = 1_000
STARTED_BEFORE = """
    SELECT count(*) FROM job_events AS claim JOIN jobs ON id = job_id
    WHERE command = 'claim' AND owner = 'anna' AND at > $1
        AND at < (SELECT min(at) FROM job_events WHERE job_id = $2 AND command = 'claim')
"""


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"worker_concurrency": 1, "bundle_reuse": False}


async def test_a_single_job_starts_within_two_lengths_of_anothers_thousand(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x")
    jobs = await map_limited(lambda _: create(services, file_id, owner="anna"), range(JOBS), 5)
    async with working(settings):
        await until_ended(services, jobs[0])
        single = await create(services, file_id, owner="otto")
        await services.queue.flush()
        [row] = await services.database.fetch(
            "SELECT clock_timestamp() AS now"
        )  # these jobs are shorter than a request
        known_at = row["now"]
        await until_ended(services, single)
    [row] = await services.database.fetch(STARTED_BEFORE, known_at, single.id)
    assert row["count"] <= 2


async def test_places_that_are_shown_are_those_in_which_jobs_start(services: Services) -> None:
    anna = [await create(services, 10_000, owner="anna") for _ in range(3)]
    otto = [await create(services, 10_000, owner="otto") for _ in range(2)]
    await services.queue.flush()
    expected = [anna[0], otto[0], anna[1], otto[1], anna[2]]
    shown = [snapshot.position for job in expected if (snapshot := await services.snapshots.read(job.id))]
    assert shown == [1, 2, 3, 4, 5]
    redis: Any = redis_of(services.queue)
    woken = await redis.zrange("haulage:queue:download", 0, -1)
    assert woken == [f"{job.id}:1".encode() for job in expected]


async def test_retried_jobs_take_turns_with_those_of_others(services: Services) -> None:
    anna = [await create(services, 10_000, owner="anna") for _ in range(2)]
    for job in anna:
        await services.lifecycle.cancel(job.id)
    otto = [await create(services, 10_000, owner="otto") for _ in range(2)]
    again = [await services.lifecycle.retry(job.id) for job in anna]
    places = [(await read_job(services, job.id)).queued_at for job in (otto[0], again[0], otto[1], again[1])]
    assert places == sorted(places)
    assert places[0] == places[1] < places[2] == places[3]


async def test_a_job_that_comes_back_from_the_future_of_its_owner_is_due_at_once(services: Services) -> None:
    second = [await create(services, 10_000, owner="anna") for _ in range(2)][1]
    claimed = await services.lifecycle.claim(second.id, 1, "worker-1")
    assert claimed is not None
    released = await services.lifecycle.release(claimed.job)
    assert released.queued_at == second.queued_at > second.created_at
    assert await services.lifecycle.claim(second.id, released.fence, "worker-1") is not None
