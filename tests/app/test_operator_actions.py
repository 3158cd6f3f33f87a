"""Bulk actions, paused queues and drained workers over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from jobs.engine.jobs import Status
from jobs.engine.sql.workers import Orders, record_heartbeat
from jobs.engine.worker.sweeper import Sweeper
from jobs.kinds import Kind
from jobs.services import Services
from jobs.work import works_of
from tests.helpers.jobs import create, dead, read

ACTIONS = "/v1/operator/actions"
QUEUES = "/v1/operator/queues"
WORKERS = "/v1/operator/workers"


async def requested(api: httpx.AsyncClient, action: str, expected: int, **conditions: Any) -> dict[str, Any]:
    """An action that was created."""
    answer = await api.post(ACTIONS, json={"action": action, "filter": conditions, "expected": expected})
    assert answer.status_code == 202, answer.text
    created: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"{ACTIONS}/{created['actionId']}"
    assert answer.headers["retry-after"] == "5"
    return created


async def start(services: Services) -> None:
    """Ends the undo windows, and does what is due."""
    await services.database.fetch("UPDATE operator_actions SET starts_at = now() - interval '1 second'")
    await Sweeper(services, works_of(services), "worker-1").continue_actions()


async def test_dead_jobs_are_retried_after_the_undo_window(api: httpx.AsyncClient, services: Services) -> None:
    jobs = [await dead(services) for _ in range(3)]
    other = await create(services, 10_000)
    action = await requested(api, "retry", 3, dead=True)
    assert (action["state"], action["total"], action["done"], action["failed"]) == ("waiting", 3, 0, 0)
    assert action["filter"] == {
        "q": "",
        "status": [],
        "kind": [],
        "owner": None,
        "since": None,
        "until": None,
        "dead": True,
    }
    assert (action["createdBy"], action["finishedAt"], action["reasons"]) == ("anonymous", None, {})
    await Sweeper(services, works_of(services)).continue_actions()
    assert (await api.get(f"{ACTIONS}/{action['actionId']}")).json() == action, "the window is open"
    await start(services)
    done = (await api.get(f"{ACTIONS}/{action['actionId']}")).json()
    assert (done["state"], done["done"], done["failed"]) == ("completed", 3, 0)
    assert done["finishedAt"] > done["startsAt"]
    assert {(await read(services, job.id)).status for job in jobs} == {Status.QUEUED}
    assert (await read(services, other.id)).seq == other.seq
    assert (await api.get(ACTIONS)).json() == {"actions": [done]}


async def test_more_jobs_than_expected_are_refused_with_their_count(api: httpx.AsyncClient, services: Services) -> None:
    for _ in range(2):
        await dead(services)
    answer = await api.post(ACTIONS, json={"action": "delete", "filter": {"dead": True}, "expected": 1})
    assert (answer.status_code, answer.json()["error"], answer.json()["count"]) == (409, "count_changed", 2)
    assert answer.json()["message"].startswith("2 jobs match now, not 1. Nothing was done.")
    assert (await api.get(ACTIONS)).json() == {"actions": []}
    assert (await requested(api, "delete", 5, dead=True))["total"] == 2, "fewer are fine"


async def test_an_action_is_undone_and_cannot_be_stopped_once_it_is_completed(
    api: httpx.AsyncClient, services: Services
) -> None:
    job = await create(services, 10_000)
    undone = await requested(api, "cancel", 1, status=["queued"])
    stopped = await api.delete(f"{ACTIONS}/{undone['actionId']}")
    assert (stopped.status_code, stopped.json()["state"], stopped.json()["stoppedBy"]) == (
        *(200, "cancelled"),
        "anonymous",
    )
    assert (await api.delete(f"{ACTIONS}/{undone['actionId']}")).json() == stopped.json(), "again, it changes nothing"
    await start(services)
    assert (await read(services, job.id)).status is Status.QUEUED
    action = await requested(api, "cancel", 1, status=["queued"])
    await start(services)
    assert (await read(services, job.id)).status is Status.CANCELLED
    refused = await api.delete(f"{ACTIONS}/{action['actionId']}")
    assert (refused.status_code, refused.json()["error"]) == (409, "action_ended")
    listed = (await api.get(ACTIONS)).json()["actions"]
    assert [one["actionId"] for one in listed] == [action["actionId"], undone["actionId"]], "the latest first"


async def test_a_filter_that_no_job_for_the_command_matches_is_an_action_of_nothing(
    api: httpx.AsyncClient, services: Services
) -> None:
    await create(services, 10_000)
    action = await requested(api, "retry", 10, status=["queued"])
    assert action["total"] == 0
    await start(services)
    assert (await api.get(f"{ACTIONS}/{action['actionId']}")).json()["state"] == "completed"


async def test_a_queue_is_paused_and_resumed(api: httpx.AsyncClient) -> None:
    assert [one["kind"] for one in (await api.get(QUEUES)).json()["queues"]] == list(Kind)
    paused = await api.post(f"{QUEUES}/download/pause", json={"reason": "the store moves"})
    assert paused.status_code == 200, paused.text
    state = paused.json()
    assert (state["kind"], state["paused"], state["pausedBy"]) == ("download", True, "anonymous")
    assert state["reason"] == "the store moves"
    assert (await api.post(f"{QUEUES}/download/pause")).json() == state, "again, it changes nothing"
    assert (await api.get(QUEUES)).json()["queues"][0] == state
    accepted = await api.post("/v1/download/initiate", json={"file_ids": [10_000]})
    assert accepted.status_code == 202, "jobs are accepted"
    resumed = await api.post(f"{QUEUES}/download/resume")
    assert resumed.json() == {
        "kind": "download",
        "paused": False,
        "pausedAt": None,
        "pausedBy": None,
        "reason": None,
    }
    assert {one["paused"] for one in (await api.get(QUEUES)).json()["queues"]} == {False}


async def test_a_worker_is_drained_and_resumed(api: httpx.AsyncClient, services: Services) -> None:
    name, now = "host:1234:abc", await services.database.now()

    async def beat(name: str) -> Orders:
        return await record_heartbeat(services.database, name, {Kind.DOWNLOAD: 4}, now)

    await beat(name)
    for verb, draining in (("drain", True), ("drain", True), ("resume", False)):
        answer = await api.post(f"{WORKERS}/{name}/{verb}")
        assert (answer.status_code, answer.json()) == (200, {"name": name, "draining": draining})
        assert (await beat(name)).draining is draining


async def test_operators_see_what_is_paused_and_who_drains(api: httpx.AsyncClient, services: Services) -> None:
    job = await create(services, 10_000)
    await record_heartbeat(services.database, "host:1", {Kind.DOWNLOAD: 4}, await services.database.now())
    await api.post(f"{QUEUES}/download/pause")
    await api.post(f"{WORKERS}/host:1/drain")
    overview = (await api.get("/v1/operator/overview")).json()
    [queue] = [one for one in overview["queues"] if one["kind"] == "download"]
    assert (queue["paused"], queue["pausedBy"], queue["slots"]) == (True, "anonymous", 0)
    assert queue["pausedAt"] is not None
    [worker] = (await api.get(WORKERS)).json()["workers"]
    assert (worker["name"], worker["draining"]) == ("host:1", True)
    timeline = (await api.get(f"/v1/operator/jobs/{job.id}")).json()
    assert timeline["queuedBecause"]["reason"] == "queue_paused"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", ACTIONS, {"action": "drop", "filter": {}, "expected": 1}, 400, "action"),
        ("POST", ACTIONS, {"action": "retry", "filter": {}}, 400, "expected"),
        ("POST", ACTIONS, {"action": "retry", "expected": 1}, 400, "filter"),
        ("POST", ACTIONS, {"action": "retry", "filter": {"status": ["done"]}, "expected": 1}, 400, "filter.status"),
        ("POST", ACTIONS, {"action": "retry", "filter": {"q": "\0"}, "expected": 1}, 400, "NUL"),
        ("POST", ACTIONS, {"action": "retry", "filter": {"since": "monday"}, "expected": 1}, 400, "filter.since"),
        ("GET", f"{ACTIONS}/4711", None, 404, "There is no action 4711."),
        ("DELETE", f"{ACTIONS}/4711", None, 404, "There is no action 4711."),
        ("GET", f"{ACTIONS}/x", None, 400, "must be the id of an action"),
        ("POST", f"{QUEUES}/mail/pause", None, 400, "must be one of download, upload, image, pdf, video"),
        ("POST", f"{QUEUES}/mail/resume", None, 400, "must be one of download"),
        ("POST", f"{QUEUES}/image/pause", {"reason": ""}, 400, "reason"),
        ("POST", f"{WORKERS}/gone/drain", None, 404, "There is no worker gone that runs."),
        ("POST", f"{WORKERS}/%00/drain", None, 400, "must be the name of a worker"),
    ],
)
async def test_requests_that_are_not_valid_are_refused(
    api: httpx.AsyncClient, method: str, path: str, body: Any, status: int, said: str
) -> None:
    answer = await api.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert said in answer.text
