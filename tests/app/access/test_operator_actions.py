"""Support sees what operators do, operators and admins do it, and the audit log has a line for each."""

from __future__ import annotations

import pytest

from app.access.principals import Role
from jobs.engine.sql.workers import record_heartbeat
from jobs.kinds import Kind
from tests.app.shared import Shared
from tests.helpers.access import key_of

OPERATOR = "/v1/operator"


@pytest.mark.parametrize("role", Role)
async def test_who_may_see_and_who_may_act(required: Shared, role: Role) -> None:
    headers = await key_of(required.services, "oskar", role)
    job = await required.dead(owner="olga")
    for path in ("actions", "queues"):
        answer = await required.api.get(f"{OPERATOR}/{path}", headers=headers)
        assert answer.status_code == (200 if role.includes(Role.SUPPORT) else 403), answer.text
    wanted = {"action": "delete", "filter": {"owner": "olga"}, "expected": 1}
    for path, body in (("actions", wanted), ("queues/image/pause", None), ("queues/image/resume", None)):
        answer = await required.api.post(f"{OPERATOR}/{path}", json=body, headers=headers)
        assert (answer.status_code < 300) is role.includes(Role.OPERATOR), answer.text
    assert (await required.services.fleet.paused()) == {}
    assert job.dead


async def test_each_action_is_a_line_in_the_audit_log(required: Shared) -> None:
    services, api = required.services, required.api
    headers = await key_of(services, "oskar", Role.OPERATOR)
    await required.dead(owner="olga")
    await record_heartbeat(services.database, "host:1", {Kind.DOWNLOAD: 1}, await services.database.now())
    wanted = {"action": "retry", "filter": {"owner": "olga", "dead": True}, "expected": 1}
    created = (await api.post(f"{OPERATOR}/actions", json=wanted, headers=headers)).json()
    assert created["createdBy"] == "oskar"
    refused = await api.post(f"{OPERATOR}/actions", json={**wanted, "expected": 0}, headers=headers)
    assert refused.status_code == 409
    await api.delete(f"{OPERATOR}/actions/{created['actionId']}", headers=headers)
    await api.post(f"{OPERATOR}/queues/image/pause", json={"reason": "the store moves"}, headers=headers)
    await api.post(f"{OPERATOR}/queues/image/resume", headers=headers)
    await api.post(f"{OPERATOR}/workers/host:1/drain", headers=headers)
    await api.post(f"{OPERATOR}/workers/gone/drain", headers=headers)
    await api.post(f"{OPERATOR}/workers/host:1/resume", headers=headers)
    admin = await key_of(services, "anna", Role.ADMIN)
    entries = (await api.get("/v1/access/audit", headers=admin)).json()["entries"]
    assert {(one["actor"], one["proof"].partition(":")[0]) for one in entries} == {("oskar", "key")}
    assert [(one["action"], one["subject"]) for one in reversed(entries)] == [
        ("createAction", f"{created['actionId']}: retry of 1 jobs, owner=olga dead=True"),
        ("stopAction", f"{created['actionId']}: 0 of 1 jobs were done"),
        ("pauseQueue", "image: the store moves"),
        ("resumeQueue", "image"),
        ("drainWorker", "host:1"),
        ("resumeWorker", "host:1"),
    ]
