"""Health: each dependency away, one at a time."""

from __future__ import annotations

from time import monotonic
from typing import Any

import httpx
import pytest

from jobs.queue import HEALTH_KEY
from tests.app.shared import AWAY, Shared, changed
from tests.conftest import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

FINE = dict.fromkeys(("database", "storage", "redis", "queue"), "ok")


async def look(settings: Any) -> dict[str, httpx.Response]:
    """The answers of a gateway with these settings."""
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as api:
        return {path: await api.get(path) for path in ("/health", "/health/ready", "/health/live")}


@pytest.mark.parametrize(
    ("away", "status", "said", "ready"),
    [
        ({}, 200, "healthy", 200),
        (AWAY["database"], 503, "unhealthy", 503),
        (AWAY["storage"], 503, "unhealthy", 200),
        ({"s3_bucket_name": "no-such-bucket"}, 503, "unhealthy", 200),
        (AWAY["redis"], 200, "degraded", 200),
    ],
    ids=["nothing", "database", "storage", "bucket", "redis"],
)
async def test_what_is_away_shows(shared: Shared, away: Any, status: int, said: str, ready: int) -> None:
    redis = shared.services.feed._redis  # noqa: SLF001 - a worker's sign of life, without a worker
    await redis.set(HEALTH_KEY, "1")
    began = monotonic()
    answers = await look(changed(shared.settings, **away))
    assert monotonic() - began < 10
    health = answers["/health"]
    assert (health.status_code, health.json()["status"]) == (status, said)
    lost = {"database_url": "database", "s3_endpoint": "storage", "s3_bucket_name": "storage", "redis_url": "redis"}
    expected = FINE | {lost[name]: "error" for name in away}
    if "redis_url" in away:
        expected["queue"] = "error"
    assert health.json()["checks"] == expected
    assert answers["/health/ready"].status_code == ready
    assert answers["/health/ready"].json() == {"database": expected["database"]}
    assert (answers["/health/live"].status_code, answers["/health/live"].json()) == (200, {"status": "ok"})
    assert {answer.headers["cache-control"] for answer in answers.values()} == {"no-store"}


async def test_without_any_worker_jobs_wait(shared: Shared) -> None:
    redis = shared.services.feed._redis  # noqa: SLF001
    await redis.delete(HEALTH_KEY)
    answer = await shared.api.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"] == FINE | {"queue": "error"}
