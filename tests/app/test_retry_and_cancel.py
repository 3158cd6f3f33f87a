"""POST …/retry and DELETE …: what is possible in which state, and what repeating it does."""

from __future__ import annotations

import asyncio

import pytest

from tests.app.shared import Shared, in_state, link
from tests.helpers.jobs import read, read_job

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("state", ["queued", "processing", "retrying"])
async def test_cancelling_a_job_is_idempotent(shared: Shared, state: str) -> None:
    job = await in_state(shared, state)
    assert job.status == state
    first = await shared.api.delete(link(job))
    assert (first.status_code, first.json()["status"]) == (200, "cancelled")
    before = await shared.rows()
    again = await shared.api.delete(link(job))
    assert (again.status_code, again.json() | {"ts": ""}) == (200, first.json() | {"ts": ""})
    assert await shared.rows() == before


@pytest.mark.parametrize("state", ["completed", "failed", "expired"])
async def test_an_ended_job_cannot_be_cancelled(shared: Shared, state: str) -> None:
    job = await in_state(shared, state)
    answer = await shared.api.delete(link(job))
    assert (answer.status_code, answer.json()["error"]) == (409, "illegal_transition")
    assert state in answer.json()["message"]
    assert (await read(shared.services, job.id)).status == state


@pytest.mark.parametrize("state", ["failed", "cancelled", "expired"])
async def test_a_job_that_ended_without_a_result_can_be_retried(shared: Shared, state: str) -> None:
    job = await in_state(shared, state)
    answer = await shared.api.post(link(job, "/retry"))
    assert answer.status_code == 202
    assert answer.headers["location"] == link(job)
    assert answer.headers["retry-after"]
    body = answer.json()
    assert (body["jobId"], body["status"], body["totalFileIds"]) == (str(job.id), "queued", 1)
    status = (await shared.api.get(link(job))).json()
    assert (status["status"], status["attempt"], status["error"], status["result"]) == ("queued", 0, None, None)
    assert (status["finishedAt"], status["progress"]["percent"]) == (None, None)


@pytest.mark.parametrize("state", ["queued", "processing", "retrying", "completed"])
async def test_a_running_or_completed_job_cannot_be_retried(shared: Shared, state: str) -> None:
    job = await in_state(shared, state)
    answer = await shared.api.post(link(job, "/retry"))
    assert (answer.status_code, answer.json()["error"]) == (409, "illegal_transition")
    assert await read_job(shared.services, job.id) == job


async def test_one_of_many_concurrent_retries_succeeds(shared: Shared) -> None:
    job = await in_state(shared, "failed")
    answers = await asyncio.gather(*(shared.api.post(link(job, "/retry")) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [202] + [409] * 9


async def test_a_retrying_job_says_when_and_why(shared: Shared) -> None:
    status = (await shared.api.get(link(await in_state(shared, "retrying")))).json()
    assert status["error"] == {"class": "network", "message": "why"}
    assert status["nextAttemptAt"] > status["startedAt"]
    assert (status["attempt"], status["maxAttempts"]) == (1, 3)
