"""What operators see over HTTP: the fleet, its workers, and the jobs of all owners."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from jobs.access.refusals import add_refusals
from jobs.engine.jobs import Failure, Job
from jobs.engine.sql.gateways import record_gateway
from jobs.engine.sql.workers import STALE, record_heartbeat
from jobs.errors import ErrorClass
from jobs.kinds import Kind
from jobs.services import Services
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create, dead
from tests.helpers.uploads import created

OPERATOR = "/v1/operator"
PAST = datetime(2026, 11, 30, tzinfo=UTC)


async def get(api: httpx.AsyncClient, path: str) -> Any:
    answer = await api.get(f"{OPERATOR}/{path}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def listed(api: httpx.AsyncClient, query: str) -> list[dict[str, Any]]:
    """The jobs of all pages, by their `Link` headers."""
    found: list[dict[str, Any]] = []
    following: str | None = f"{OPERATOR}/jobs?{query}"
    while following:
        answer = await api.get(following)
        assert answer.status_code == 200, answer.text
        found += answer.json()["jobs"]
        following = answer.links["next"]["url"] if "next" in answer.links else None
        assert (answer.json()["nextCursor"] is None) == (following is None)
    return found


async def execute(services: Services, statement: str, **values: Any) -> None:
    async with services.database.begin() as connection:
        await connection.execute(text(statement), values)


async def test_an_empty_fleet_is_seen_as_such(api: httpx.AsyncClient) -> None:
    await eventually(lambda: _is_one(api))
    found = await get(api, "overview")
    assert [one["name"] for one in found["dependencies"]] == ["database", "storage", "redis"]
    assert {(one["status"], one["circuit"], one["detail"]) for one in found["dependencies"]} == {("up", "closed", None)}
    assert all(one["latencyMs"] > 0 for one in found["dependencies"])
    assert found["workers"] == {"running": 0, "known": 0}
    assert set(found["jobs"].values()) == {0}
    assert len(found["rates"]["minutes"]) == 60
    assert found["rates"]["successRate"] == {"hour": None, "day": None}
    assert [queue["kind"] for queue in found["queues"]] == list(Kind)
    assert found["queues"][0] == {
        "kind": "download",
        "queued": 0,
        "retrying": 0,
        "oldestSeconds": None,
        "slots": 0,
        "busy": 0,
        "paused": False,
        "pausedAt": None,
        "pausedBy": None,
    }
    assert (found["durations"], found["throttled"]) == ([], [])


async def _is_one(api: httpx.AsyncClient) -> bool:
    return bool((await get(api, "overview"))["gateways"] == {"running": 1, "known": 1})


async def test_the_overview_counts_what_waits_runs_and_has_ended(
    api: httpx.AsyncClient, services: Services, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"12345", name="a.bin")
    waiting = await create(services, file_id, owner="alice")
    await execute(services, "UPDATE jobs SET due_at = due_at - interval '90 s' WHERE id = :id", id=waiting.id)
    running = await create(services, file_id)
    assert await services.lifecycle.claim(running.id, running.fence, "w") is not None
    await created(services, b"1")
    await dead(services)
    completed = await create(services, file_id)
    await execute(
        services,
        """
        UPDATE jobs SET status = 'completed', phase = 'ready', due_at = now() - interval '10 s',
            started_at = now() - interval '6 s', finished_at = now() - interval '1 s' WHERE id = :id
        """,
        id=completed.id,
    )
    await execute(
        services,
        """
        UPDATE download_jobs SET result_kind = 'bundle', result_key = 'bundles/a', result_size = 77, result_etag = 'e',
            result_filename = 'a.zip', result_content_type = 'application/zip' WHERE job_id = :id
        """,
        id=completed.id,
    )
    await record_heartbeat(services.database, "w", {Kind.DOWNLOAD: 4, Kind.UPLOAD: 3}, PAST)
    await record_heartbeat(services.database, "vanished", {Kind.DOWNLOAD: 8}, PAST)
    await execute(services, "UPDATE workers SET seen_at = now() - interval '1 minute' WHERE name = 'vanished'")
    await record_gateway(services.database, "g", PAST)
    await execute(services, "UPDATE gateways SET seen_at = now() - interval '1 minute' WHERE name = 'g'")
    await add_refusals(services.database, {("mallory", "too_many_requests"): 7})

    found = await get(api, "overview")
    assert {name: count for name, count in found["jobs"].items() if count} == {
        "receiving": 1,
        "queued": 1,
        "processing": 1,
        "failed": 1,
        "completed": 1,
    }
    assert (found["gateways"]["known"] - found["gateways"]["running"], found["workers"]) == (
        1,
        {"running": 1, "known": 2},
    )
    downloads, uploads = found["queues"][:2]
    assert (downloads["queued"], downloads["retrying"], downloads["slots"], downloads["busy"]) == (1, 0, 4, 1)
    assert 90 <= downloads["oldestSeconds"] < 150
    assert (uploads["queued"], uploads["slots"]) == (0, 3)
    last_two = found["rates"]["minutes"][-2:]
    assert {name: sum(one[name] for one in last_two) for name in ("created", "completed", "failed", "uploads")} == {
        "created": 5,
        "completed": 1,
        "failed": 1,
        "uploads": 0,
    }
    assert found["rates"]["successRate"] == {"hour": 0.5, "day": 0.5}
    [durations] = found["durations"]
    assert durations["jobs"] == 1
    assert durations["waitSeconds"] == pytest.approx({"average": 4, "p50": 4, "p95": 4})
    assert durations["runSeconds"] == pytest.approx({"average": 5, "p50": 5, "p95": 5})
    del found["storage"]["at"]
    assert found["storage"] == {"files": 1, "fileBytes": 5, "bundles": 1, "bundleBytes": 77}
    [throttled] = found["throttled"]
    assert (throttled["owner"], throttled["limit"], throttled["count"]) == ("mallory", "too_many_requests", 7)


async def test_workers_are_seen_with_what_they_run_now(
    api: httpx.AsyncClient, services: Services, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"12345", name="a.bin")
    job = await create(services, file_id, owner="alice", archive_name="holiday.zip")
    claimed = await services.lifecycle.claim(job.id, job.fence, "w:1")
    assert claimed is not None
    await record_heartbeat(services.database, "w:1", {Kind.DOWNLOAD: 4, Kind.UPLOAD: 4}, PAST)
    await execute(
        services, "INSERT INTO workers (name, seen_at, kinds) VALUES ('w:0', now() - interval '1 minute', '{download}')"
    )
    [old, worker] = (await get(api, "workers"))["workers"]
    assert (old["running"], old["startedAt"]) == (False, None)
    assert old["kinds"] == [{"kind": "download", "slots": None, "busy": 0}]
    assert (worker["name"], worker["running"], worker["draining"]) == ("w:1", True, False)
    assert worker["startedAt"] == "2026-11-30T00:00:00Z"
    assert worker["kinds"] == [
        {"kind": "download", "slots": 4, "busy": 1},
        {"kind": "upload", "slots": 4, "busy": 0},
    ]
    [shown] = worker["jobs"]
    assert (shown["jobId"], shown["owner"], shown["title"]) == (str(job.id), "alice", "holiday.zip")
    assert (shown["phase"], shown["attempt"], shown["percent"]) == ("resolving", 1, None)


async def test_a_worker_that_vanished_is_forgotten_after_an_hour(api: httpx.AsyncClient, services: Services) -> None:
    await record_heartbeat(services.database, "w", {Kind.DOWNLOAD: 4}, PAST)
    await execute(services, "UPDATE workers SET seen_at = now() - make_interval(secs => :age)", age=STALE + 1)
    assert (await get(api, "workers"))["workers"] == []
    await record_gateway(services.database, "g", PAST)
    await execute(services, "UPDATE gateways SET seen_at = now() - make_interval(secs => :age)", age=STALE + 1)
    await record_gateway(services.database, "h", PAST)
    assert [row["name"] for row in await services.database.fetch("SELECT name FROM gateways WHERE name = 'g'")] == []


async def test_jobs_of_all_owners_are_listed_searched_and_counted(
    api: httpx.AsyncClient, services: Services, catalogue: Catalogue
) -> None:
    report = await catalogue.add(b"1", name="Report.pdf")
    first = await create(services, report, owner="alice", archive_name="first.zip")
    second = await created(services, b"1", name="second report.txt", owner="bob")
    third = await dead(services, owner="carol", archive_name="third.zip")
    expected: dict[str, list[Job]] = {
        "limit=1": [third, second, first],
        "q=REPORT&kind=upload": [second],
        "q=report": [third, second, first],
        "owner=alice": [first],
        "status=queued,receiving": [second, first],
        "dead=true": [third],
        f"q={third.id}": [third],
        "q=went%20wrong": [third],
        "until=2020-01-01T00:00:00Z": [],
        "since=2020-01-01T00:00:00%2B02:00&limit=2": [third, second, first],
    }
    for query, jobs in expected.items():
        assert [one["jobId"] for one in await listed(api, query)] == [str(job.id) for job in jobs], query
        counted = await get(api, f"jobs/count?{query.replace('limit=', 'ignored=')}")
        assert counted["count"] == sum(counted["byStatus"].values()) == len(jobs), query
    [shown] = await listed(api, "dead=true")
    assert shown["error"] == {"class": "network", "message": "attempt 3 went wrong"}
    assert (shown["title"], shown["dead"], shown["attempt"], shown["maxAttempts"]) == ("third.zip", True, 3, 3)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("status=lost", "status"),
        ("kind=zip", "kind"),
        ("since=yesterday", "since"),
        ("since=2026-11-30T12:00:00", "since"),
        ("until=0001-01-01T00:00:00%2B23:00", "until"),
        ("dead=1", "dead"),
        (f"q={'x' * 201}", "q"),
        ("q=%00", "q"),
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
    ],
)
async def test_a_bad_filter_is_named(api: httpx.AsyncClient, query: str, field: str) -> None:
    answer = await api.get(f"{OPERATOR}/jobs?{query}")
    assert (answer.status_code, [one["field"] for one in answer.json()["errors"]]) == (400, [field])
    if field not in {"limit", "cursor"}:
        assert (await api.get(f"{OPERATOR}/jobs/count?{query}")).status_code == 400


async def test_a_timeline_has_attempts_and_why_the_job_waits(
    api: httpx.AsyncClient, services: Services, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"1")
    job = await create(services, file_id, owner="alice")
    found = await get(api, f"jobs/{job.id}")
    assert (found["owner"], found["attempts"], found["traceId"], found["traceUrl"]) == ("alice", [], None, None)
    assert found["job"]["status"] == "queued"
    assert (found["queuedBecause"]["reason"], found["queuedBecause"]["position"]) == ("no_worker", 1)
    claimed = await services.lifecycle.claim(job.id, job.fence, "w:1")
    assert claimed is not None
    found = await get(api, f"jobs/{job.id}")
    assert found["queuedBecause"] is None
    [attempt] = found["attempts"]
    assert (attempt["attempt"], attempt["worker"], attempt["phase"]) == (1, "w:1", "resolving")
    assert {attempt[name] for name in ("endedAt", "outcome", "error")} == {None}
    await services.lifecycle.cancel(job.id)
    found = await get(api, f"jobs/{job.id}")
    assert [event["command"] for event in found["events"]] == ["create", "claim", "cancel"]
    assert [event["worker"] for event in found["events"]] == [None, "w:1", "w:1"]
    [attempt] = found["attempts"]
    assert (attempt["outcome"], attempt["phase"], attempt["bytes"]) == ("cancel", None, 0)
    assert attempt["endedAt"] > attempt["startedAt"]


async def test_a_timeline_of_a_dead_job_has_each_attempt_with_its_error(
    api: httpx.AsyncClient, services: Services
) -> None:
    job = await dead(services)
    found = await get(api, f"jobs/{job.id}")
    assert [(one["attempt"], one["outcome"], one["error"]["message"]) for one in found["attempts"]] == [
        (number, "fail", f"attempt {number} went wrong") for number in (1, 2, 3)
    ]


async def test_an_unknown_job_has_no_timeline(api: httpx.AsyncClient) -> None:
    answer = await api.get(f"{OPERATOR}/jobs/00000000-0000-4000-8000-000000000000")
    assert (answer.status_code, answer.json()["error"]) == (404, "job_not_found")
    assert (await api.get(f"{OPERATOR}/jobs/x")).status_code == 400


async def test_the_time_of_a_retry_is_told(api: httpx.AsyncClient, services: Services, catalogue: Catalogue) -> None:
    job = await create(services, await catalogue.add(b"1"))
    claimed = await services.lifecycle.claim(job.id, job.fence, "w")
    assert claimed is not None
    await services.lifecycle.fail(claimed.job, Failure(error_class=ErrorClass.NETWORK, message="It broke."))
    await execute(services, "UPDATE jobs SET due_at = now() + interval '1 hour'")
    await record_heartbeat(services.database, "w", {Kind.DOWNLOAD: 4}, PAST + timedelta(days=1))
    found = (await get(api, f"jobs/{job.id}"))["queuedBecause"]
    assert (found["reason"], found["position"]) == ("retry_at", None)
    assert found["detail"].endswith("The last one failed: It broke.")
