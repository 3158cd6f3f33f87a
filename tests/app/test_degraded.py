"""A dependency is away: what still works, works fast, and what does not says when to try again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import httpx
import pytest

from app.following.reconciler import RECONCILE_INTERVAL
from jobs.engine.live.feed import RECOVERY
from tests.app.shared import Shared, link
from tests.helpers.refusing_redis import REFUSALS
from tests.helpers.running import serving
from tests.helpers.settings import UNAVAILABLE, with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")

INITIATE = "/v1/download/initiate"
SOON = 4.0
"""Seconds for any answer while something is away: less than any time-out, even on a busy machine."""


@asynccontextmanager
async def without(shared: Shared, dependency: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that can't reach the dependency."""
    async with (
        serving(with_changes(shared.settings, **UNAVAILABLE[dependency])) as url,
        httpx.AsyncClient(base_url=url, timeout=30) as api,
    ):
        yield api


async def ask(api: httpx.AsyncClient, method: str, path: str, **options: Any) -> httpx.Response:
    """The answer, which came soon."""
    began = monotonic()
    answer = await api.request(method, path, **options)
    assert monotonic() - began < SOON, (method, path)
    return answer


def unavailable(answer: httpx.Response, code: str) -> None:
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json"), answer.text
    assert answer.json()["error"] == code
    assert int(answer.headers["retry-after"]) > 0


async def test_everything_works_without_redis(shared: Shared) -> None:
    completed, running = await shared.completed(), await shared.processing()
    file_id = await shared.catalogue.add(b"x")
    async with without(shared, "redis") as api:
        created = await ask(api, "POST", INITIATE, json={"file_ids": [10_000]}, headers={"Idempotency-Key": "k"})
        job = created.headers["location"]
        status = await ask(api, "GET", link(running, "?since=0"))
        assert (status.json()["status"], status.json()["degraded"]) == ("processing", True)
        answers = [
            created,
            await ask(api, "GET", job),
            await ask(api, "GET", link(completed), headers={"Prefer": "wait=20"}),
            await ask(api, "DELETE", job),
            await ask(api, "POST", f"{job}/retry"),
            await ask(api, "GET", link(completed, "/download-url")),
            await ask(api, "GET", link(completed, "/file")),
            await ask(api, "POST", "/v1/download/check", json={"file_id": file_id}),
            await ask(api, "GET", "/v1/download/jobs"),
            await ask(api, "DELETE", link(completed, "/bundle")),
        ]
        assert [answer.status_code for answer in answers] == [202, 200, 200, 200, 202, 200, 303, 200, 200, 204]


@pytest.mark.parametrize("how", REFUSALS)
async def test_a_redis_that_refuses_to_work_is_like_none(shared: Shared, how: str) -> None:
    """It answers PING. Followers get their news from PostgreSQL, as soon as the gateway knows."""
    refusing, words = REFUSALS[how]
    running = await shared.processing()
    url = str(shared.settings.redis_url)
    async with (
        refusing(url) as limited,
        serving(with_changes(shared.settings, redis_url=limited)) as address,
        httpx.AsyncClient(base_url=address, timeout=30) as api,
    ):
        health = (await ask(api, "GET", "/health")).json()
        assert (health["status"], health["checks"]["redis"], health["circuits"]["redis"]) == (
            "degraded",
            "error",
            "open",
        )
        assert words in health["reasons"]["redis"]
        for _ in range(2):
            status = (await ask(api, "GET", link(running, "?since=0"))).json()
            assert (status["status"], status["degraded"]) == ("processing", True)
            await asyncio.sleep(RECOVERY)  # after which the circuit would let reads through
        created = await ask(api, "POST", INITIATE, json={"file_ids": [10_000]})
        assert (await ask(api, "DELETE", created.headers["location"])).status_code == 200


async def test_a_long_poll_gets_the_end_of_a_job_without_redis(shared: Shared) -> None:
    job = await shared.processing()
    async with without(shared, "redis") as api:
        began = monotonic()
        polling = asyncio.create_task(api.get(link(job), headers={"Prefer": "wait=20"}))
        await api.get(link(job))
        await shared.services.lifecycle.cancel(job.id)
        assert (await polling).json()["status"] == "cancelled"
        assert monotonic() - began < 2 * RECONCILE_INTERVAL + SOON


async def test_jobs_are_accepted_without_the_store_but_links_are_not_made(shared: Shared) -> None:
    completed = await shared.completed()
    file_id = await shared.catalogue.add(b"x")
    before = await shared.rows()
    async with without(shared, "storage") as api:
        for method, path in (("GET", "/download-url"), ("GET", "/file")):
            unavailable(await ask(api, method, link(completed, path)), "storage_unreachable")
        for path in ("check", "start"):
            answer = await ask(api, "POST", f"/v1/download/{path}", json={"file_id": file_id})
            unavailable(answer, "storage_unreachable")
        assert await shared.rows() == before
        created = await ask(api, "POST", INITIATE, json={"file_ids": [10_000]})
        assert created.status_code == 202
        assert (await ask(api, "GET", created.headers["location"])).status_code == 200
        assert (await ask(api, "DELETE", created.headers["location"])).status_code == 200


async def test_a_store_that_denies_access_is_not_a_missing_file(shared: Shared) -> None:
    completed = await shared.completed()
    for code, changes in (
        ("storage_refused", {"s3_secret_access_key": "wrong"}),
        ("storage_fault", {"s3_bucket_name": "no-such-bucket"}),
    ):
        async with serving(with_changes(shared.settings, **changes)) as url, httpx.AsyncClient(base_url=url) as api:
            unavailable(await api.get(link(completed, "/download-url")), code)
            unavailable(await api.post("/v1/download/check", json={"file_id": 77_777}), code)


async def test_job_requests_without_the_database_get_503(shared: Shared) -> None:
    job = await shared.completed()
    async with without(shared, "database") as api:
        for method, path in (
            ("GET", link(job)),
            ("DELETE", link(job)),
            ("POST", link(job, "/retry")),
            ("GET", link(job, "/download-url")),
            ("GET", link(job, "/file")),
            ("DELETE", link(job, "/bundle")),
            ("GET", "/v1/download/jobs"),
            ("GET", "/v1/download/dead"),
            ("GET", link(job, "/history")),
            ("DELETE", f"/v1/download/dead/{job.id}"),
            ("GET", "/v1/download/files"),
        ):
            unavailable(await ask(api, method, path), "database_unavailable")
        file = {"file_id": 10_000}
        for path, body in (("initiate", {"file_ids": [10_000]}), ("check", file), ("start", file)):
            answer = await ask(api, "POST", f"/v1/download/{path}", json=body)
            unavailable(answer, "database_unavailable")
            assert "hidden" not in answer.text
        waited = await ask(api, "GET", link(job), headers={"Prefer": "wait=20"})
        unavailable(waited, "database_unavailable")
        for path in ("/", "/docs", "/openapi.json", "/health/live"):
            assert (await ask(api, "GET", path)).status_code == 200
