"""With as many jobs queued as may be, new ones are told to come back later, and nothing is written."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from jobs.services import Services
from tests.app.shared import Shared
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import ended
from tests.helpers.running import working

INITIATE = "/v1/download/initiate"
BODY = {"file_ids": [10_000]}


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"max_queued": 2}


@pytest.fixture
async def full(api: httpx.AsyncClient) -> httpx.AsyncClient:
    """A gateway whose queue is full; the keys of its jobs are 0 and 1."""
    for key in range(2):
        assert (await initiate(api, str(key))).status_code == 202
    return api


async def initiate(api: httpx.AsyncClient, key: str | None = None) -> httpx.Response:
    return await api.post(INITIATE, json=BODY, headers={} if key is None else {"Idempotency-Key": key})


def refused(answer: httpx.Response, position: int) -> None:
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    assert (problem["error"], problem["queuePosition"]) == ("queue_full", position)
    assert 1 <= int(answer.headers["retry-after"]) <= 300
    assert f"number {position}" in problem["detail"]


async def test_a_full_queue_returns_503_with_position_and_retry_after(
    full: httpx.AsyncClient, services: Services
) -> None:
    rows = await Shared(api=full, services=services, catalogue=Catalogue(services)).rows()
    refused(await initiate(full), 3)
    refused(await initiate(full, "2"), 3)
    assert await Shared(api=full, services=services, catalogue=Catalogue(services)).rows() == rows


async def test_a_full_queue_refuses_start_too(full: httpx.AsyncClient, catalogue: Catalogue) -> None:
    refused(await full.post("/v1/download/start", json={"file_id": await catalogue.add(b"x")}), 3)


async def test_a_repeated_request_gets_its_job_despite_a_full_queue(full: httpx.AsyncClient) -> None:
    for key in range(2):
        assert (await initiate(full, str(key))).status_code == 202
    conflict = await full.post(INITIATE, json={"file_ids": [10_001]}, headers={"Idempotency-Key": "0"})
    assert conflict.status_code == 422


async def test_other_problems_have_no_queue_position(full: httpx.AsyncClient) -> None:
    assert "queuePosition" not in (await full.post(INITIATE, json={})).json()


async def test_jobs_are_accepted_again_when_the_queue_has_room(full: httpx.AsyncClient, services: Services) -> None:
    jobs = [job["links"]["self"] for job in (await full.get("/v1/download/jobs")).json()["jobs"]]
    async with working(services.settings):
        for job in jobs:
            await ended(full, job)
        while (answer := await initiate(full)).status_code == 503:  # at most until the queue is counted anew
            refused(answer, 3)
        assert answer.status_code == 202
