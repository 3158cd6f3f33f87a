"""How many jobs a user may start, counted on four gateways at the same time."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.faults.ground import Ground
from tests.helpers.access import key_of

GATEWAYS, EACH, LIMIT = 4, 50, 10


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"auth_mode": "required", "jobs_per_hour": LIMIT}


async def start_many(ground: Ground, *extras: str, redis: str = "up") -> list[httpx.Response]:
    """The responses to parallel requests of one user on all gateways. Meanwhile, Redis is killed or flushed."""
    headers = await key_of(ground.services, "anna")
    clients = []
    for _ in range(GATEWAYS):
        _, url = await ground.fleet.gateway(*extras)
        clients.append(client := await ground.api(url))
        assert (await client.get("/v1/download/jobs", headers=headers)).status_code == 200
    body = {"file_ids": [10_000, 10_001]}
    requests = [
        asyncio.create_task(client.post("/v1/download/initiate", json=body, headers=headers))
        for client in clients
        for _ in range(EACH)
    ]
    await asyncio.wait(requests, return_when=asyncio.FIRST_COMPLETED)
    if redis == "killed":
        await ground.servers.valkey.kill()
    elif redis == "flushed":
        ground.servers.flush()
    return await asyncio.gather(*requests)


@pytest.mark.parametrize("redis", ["up", "killed", "flushed"])
async def test_two_hundred_parallel_starts_on_four_gateways_make_ten_jobs(ground: Ground, redis: str) -> None:
    try:
        responses = await start_many(ground, redis=redis)
        [count] = await ground.rows("SELECT count(*) AS jobs, (SELECT count(*) FROM job_starts) AS starts FROM jobs")
    finally:
        if redis == "killed":
            await ground.servers.valkey.restart()
    assert Counter(it.status_code for it in responses) == {202: LIMIT, 429: GATEWAYS * EACH - LIMIT}
    assert dict(count) == {"jobs": LIMIT, "starts": LIMIT}
    for refused in (it for it in responses if it.status_code == 429):
        assert refused.json()["error"] == "too_many_jobs"
        assert 3500 < int(refused.headers["retry-after"]) <= 3600
    left = sorted(
        it.headers["ratelimit"].partition('"jobs";r=')[2].partition(";")[0] for it in responses if it.status_code == 202
    )
    assert left == [str(number) for number in range(LIMIT)]


async def test_counting_without_the_lock_lets_more_jobs_start(ground: Ground) -> None:
    responses = await start_many(ground, "unlocked")
    [count] = await ground.rows("SELECT count(*) AS jobs FROM jobs")
    assert count["jobs"] == sum(it.status_code == 202 for it in responses) > LIMIT
