"""Cancelling in every state, with Redis and without (row 14 of docs/reliability.md)."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import pytest

from jobs.concurrency import map_limited
from jobs.engine.jobs import Job, Status
from tests.faults import checks
from tests.faults.figures import record
from tests.faults.ground import MIB, Ground
from tests.helpers.samples import NETWORK

QUEUED, RUNNING = 1.0, 3.0
"""Seconds within which a queued and a running job has stopped."""
RACES = 60
"""Jobs that are cancelled while they run, each a little later in its life."""


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"backoff_base": 60, "worker_concurrency": 1}


@pytest.mark.chaos  # its bounds are too short to be measured while other tests run
@pytest.mark.parametrize("redis", ["with", "without"])
async def test_a_job_is_cancelled_in_any_state_in_time(ground: Ground, redis: str) -> None:
    file_id = await ground.file(12 * MIB)
    _, url = await ground.fleet.gateway()
    api = await ground.api(url)
    if redis == "without":
        await ground.redis.refuse()

    async def cancel(job: Job) -> float:
        begun = monotonic()
        answer = await api.delete(f"/v1/download/job/{job.id}")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        return monotonic() - begun

    queued = await cancel(await ground.job(file_id))
    waiting = await cancel(await _retrying(ground, file_id))
    worker = await ground.fleet.worker()
    ground.store.stall()
    running = await ground.job(file_id)
    await worker.logged("attempt_started", job_id=str(running.id))
    asked = await ground.now()
    await cancel(running)
    after = await ground.job(file_id)  # the worker has room for one: this one is begun when the other has let go
    stopped = (await worker.logged("attempt_started", job_id=str(after.id))).at - asked
    await ground.store.heal()
    await ground.ended([after])
    completed = await api.delete(f"/v1/download/job/{after.id}")
    again = await api.delete(f"/v1/download/job/{running.id}")
    assert (completed.status_code, again.status_code) == (409, 200)
    assert max(queued, waiting) <= QUEUED
    assert stopped.total_seconds() <= RUNNING
    assert await ground.commands(running.id) == ["create", "claim", "cancel"]
    await checks.assert_consistent(ground)
    record(14, f"cancel, {redis} Redis: queued, retrying", f"{queued:.2f} s, {waiting:.2f} s", "≤ 1 s")
    record(
        14, f"cancel, {redis} Redis: running, until its work has stopped", f"{stopped.total_seconds():.1f} s", "≤ 3 s"
    )


async def _retrying(ground: Ground, file_id: int) -> Job:
    """A job whose first attempt failed, and whose second is a while off."""
    job = await ground.job(file_id)
    claimed = await ground.services.lifecycle.claim(job.id, job.fence, "test")
    assert claimed is not None
    failed = await ground.services.lifecycle.fail(claimed.job, NETWORK)
    assert failed.status is Status.RETRYING
    return failed


async def test_no_job_is_both_cancelled_and_completed(ground: Ground) -> None:
    file_id = await ground.file()
    await ground.fleet.worker()
    _, url = await ground.fleet.gateway()
    api = await ground.api(url)

    async def race(number: int) -> int:
        job = await ground.job(file_id)
        await asyncio.sleep(number / 300)  # so that they meet it at every point of its life
        return (await api.delete(f"/v1/download/job/{job.id}")).status_code

    answers: list[int] = []
    while set(answers) != {200, 409} and len(answers) < 10 * RACES:  # a slow machine completes later
        answers += await map_limited(race, range(len(answers), len(answers) + RACES), 4)
    await ground.ended()
    assert set(answers) == {200, 409}
    both = """
        SELECT job_id FROM job_events WHERE command IN ('cancel', 'succeed') GROUP BY job_id HAVING count(*) <> 1
        """
    assert await ground.rows(both) == []
    await checks.assert_consistent(ground)
    record(
        14,
        f"{len(answers)} cancellations against completion",
        f"{answers.count(200)} cancelled, {answers.count(409)} completed, 0 both",
    )
