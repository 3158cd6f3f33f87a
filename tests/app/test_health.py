"""Health: each dependency away, one at a time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url, text

from app.scanner_check import MAX_AGE, ScannerCheck
from jobs.engine.sql.workers import record_heartbeat
from jobs.engine.wakeups.queue import queue_name
from jobs.engine.worker.heartbeat import any_worker
from jobs.errors import ScannerUnavailable
from jobs.kinds import Kind
from tests.app.shared import Shared
from tests.helpers.clamd import running_clamd
from tests.helpers.redis_clients import redis_of
from tests.helpers.running import serving, working
from tests.helpers.settings import UNAVAILABLE, with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")

FINE = dict.fromkeys(("database", "storage", "redis", "queue"), "ok") | {"scanner": "off"}


async def look(settings: Any) -> dict[str, httpx.Response]:
    """The answers of a gateway with these settings."""
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as api:
        return {path: await api.get(path) for path in ("/health", "/health/ready", "/health/live")}


@pytest.mark.parametrize(
    ("away", "status", "said", "ready"),
    [
        ({}, 200, "healthy", 200),
        (UNAVAILABLE["database"], 503, "unhealthy", 503),
        (UNAVAILABLE["storage"], 503, "unhealthy", 200),
        ({"s3_bucket_name": "no-such-bucket"}, 503, "unhealthy", 200),
        (UNAVAILABLE["redis"], 200, "degraded", 200),
    ],
    ids=["nothing", "database", "storage", "bucket", "redis"],
)
async def test_health_shows_unavailable_dependencies(
    shared: Shared, away: Any, status: int, said: str, ready: int
) -> None:
    redis = redis_of(shared.services.feed)
    await redis.set(queue_name(Kind.DOWNLOAD) + ":health-check", "1")
    began = monotonic()
    answers = await look(with_changes(shared.settings, **away))
    assert monotonic() - began < 10
    health = answers["/health"]
    assert (health.status_code, health.json()["status"]) == (status, said)
    lost = {"database_url": "database", "s3_endpoint": "storage", "s3_bucket_name": "storage", "redis_url": "redis"}
    expected = FINE | {lost[name]: "error" for name in away}
    if "redis_url" in away:
        expected["queue"] = "error"
    assert health.json()["checks"] == expected
    assert set(health.json()["reasons"]) == {name for name, state in expected.items() if state == "error"}
    assert answers["/health/ready"].status_code == ready
    assert answers["/health/ready"].json() == {"database": expected["database"], "draining": False}
    assert (answers["/health/live"].status_code, answers["/health/live"].json()) == (200, {"status": "ok"})
    assert {answer.headers["cache-control"] for answer in answers.values()} == {"no-store"}


async def test_a_lasting_refusal_is_not_shown_as_a_passing_outage(shared: Shared) -> None:
    """Neither health nor a problem tells clients what the server said: it names the user."""
    url = make_url(shared.settings.database_url).set(password="wrong")
    settings = with_changes(shared.settings, database_url=url.render_as_string(hide_password=False))
    async with serving(settings) as server, httpx.AsyncClient(base_url=server) as api:
        health, problem = (await api.get("/health")).json(), (await api.get("/v1/download/jobs")).json()
    assert health["checks"]["database"] == "error"
    assert health["reasons"]["database"] == problem["detail"]
    assert (problem["error"], "log names the reason" in problem["detail"]) == ("database_refused", True)
    for word in ("shortly", "password", str(url.username)):
        assert word not in problem["detail"].replace("this server", "")


@pytest.mark.parametrize("away", ["database", "storage", "redis"])
async def test_a_dependency_that_keeps_failing_opens_its_circuit(shared: Shared, away: str) -> None:
    settings = with_changes(shared.settings, **UNAVAILABLE[away])
    closed = {"database": "closed", "storage": "closed", "redis": "closed"}
    assert (await shared.api.get("/health")).json()["circuits"] == closed
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as api:
        async with asyncio.timeout(30):
            while (circuits := (await api.get("/health")).json()["circuits"]) == closed:
                pass
        assert circuits.pop(away) in {"open", "half_open"}
        assert set(circuits.values()) == {"closed"}


async def test_health_finds_workers_without_redis(shared: Shared) -> None:
    settings = with_changes(shared.settings, drain_timeout=0, **UNAVAILABLE["redis"])
    async with asyncio.timeout(30), serving(settings) as url, httpx.AsyncClient(base_url=url) as api:
        async with working(settings):
            while (health := (await api.get("/health")).json())["checks"]["queue"] != "ok":
                pass
        assert (health["status"], health["checks"]) == ("degraded", FINE | {"redis": "error"})
        health = (await api.get("/health")).json()
        assert health["checks"]["queue"] == "error", "a worker that was stopped has taken its leave"


async def test_a_worker_without_a_recent_heartbeat_does_not_count(shared: Shared) -> None:
    redis = redis_of(shared.services.feed)
    await redis.delete(queue_name(Kind.DOWNLOAD) + ":health-check")
    await record_heartbeat(shared.services.database, "killed", dict.fromkeys(Kind, 4), datetime.now(UTC))
    assert await any_worker(shared.services)
    async with shared.services.database.begin() as connection:
        age = {"age": shared.settings.lease_ttl}
        await connection.execute(text("UPDATE workers SET seen_at = now() - make_interval(secs => :age)"), age)
    assert not await any_worker(shared.services)


async def test_health_is_degraded_without_workers(shared: Shared) -> None:
    redis = redis_of(shared.services.feed)
    await redis.delete(queue_name(Kind.DOWNLOAD) + ":health-check")
    answer = await shared.api.get("/health")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"] == FINE | {"queue": "error"}


async def test_health_shows_whether_the_virus_scanner_responds(shared: Shared, tmp_path: Path) -> None:
    """Without it uploads wait, so that health is degraded. It is called once in a while, whoever requests health."""
    redis = redis_of(shared.services.feed)
    await redis.set(queue_name(Kind.DOWNLOAD) + ":health-check", "1")
    settings = with_changes(shared.settings, clamd_url=f"unix://{tmp_path}/clamd.sock")
    now = 0.0
    with running_clamd(tmp_path):
        check = ScannerCheck(settings, lambda: now)
        await check.require_responding()
        found = (await look(settings))["/health"].json()
        assert (found["status"], found["checks"]) == ("healthy", FINE | {"scanner": "ok"})
    await check.require_responding()  # as it was before
    now = MAX_AGE
    with pytest.raises(ScannerUnavailable):
        await check.require_responding()
    answer = (await look(settings))["/health"]
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["checks"] == FINE | {"scanner": "error"}
    assert str(tmp_path) not in answer.text
