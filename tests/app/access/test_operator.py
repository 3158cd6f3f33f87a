"""Support, operators and admins see the fleet and all jobs; users and grants do not, and nobody else follows it."""

from __future__ import annotations

import asyncio
import json

import pytest
from sqlalchemy import text
from websockets.asyncio.client import connect

from app.access.principals import Role, Scope
from tests.app.shared import Shared
from tests.helpers.access import key_of
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create

PATHS = ("overview", "workers", "jobs", "jobs/count")


@pytest.mark.parametrize("role", Role)
async def test_support_operators_and_admins_see_it(required: Shared, role: Role) -> None:
    job = await create(required.services, 10_000, owner="ulla")
    headers = await key_of(required.services, "oskar", role)
    for path in (*PATHS, f"jobs/{job.id}"):
        answer = await required.api.get(f"/v1/operator/{path}", headers=headers)
        if role is Role.USER:
            assert (answer.status_code, answer.json()["error"]) == (403, "forbidden")
            assert "only support, operators and admins may" in answer.json()["message"]
        else:
            assert answer.status_code == 200, answer.text
    stream = required.api.stream("GET", "/v1/operator/stream", headers=headers)
    async with stream as answer:
        assert answer.status_code == (403 if role is Role.USER else 200)
    if role is not Role.USER:
        [listed] = (await required.api.get("/v1/operator/jobs", headers=headers)).json()["jobs"]
        assert (listed["jobId"], listed["owner"]) == (str(job.id), "ulla")


async def test_nobody_sees_it_without_a_credential_or_the_scope(required: Shared) -> None:
    for path in (*PATHS, "stream"):
        assert (await required.api.get(f"/v1/operator/{path}")).status_code == 401
    headers = await key_of(required.services, "oskar", Role.ADMIN, scopes=[Scope.FILES_READ])
    for path in (*PATHS, "stream"):
        assert (await required.api.get(f"/v1/operator/{path}", headers=headers)).status_code == 403


async def test_a_socket_of_a_user_may_not_watch_the_fleet(required: Shared) -> None:
    address = "ws" + str(required.api.base_url).rstrip("/").removeprefix("http") + "/v1/download/subscribe"
    watch = json.dumps({"type": "watch", "topic": "operator"})
    for role, answer in ((Role.USER, "error"), (Role.SUPPORT, "operator")):
        headers = await key_of(required.services, f"a {role}", role)
        async with asyncio.timeout(30), connect(address, additional_headers=headers, proxy=None) as socket:
            await socket.send(watch)
            assert json.loads(await socket.recv())["type"] == answer


@pytest.mark.parametrize("changes", [{"auth_mode": "required", "reads_per_second": 0.01, "reads_burst": 2}])
async def test_owners_whose_requests_were_refused_are_listed(required: Shared) -> None:
    headers = await key_of(required.services, "mallory")
    job = await create(required.services, 10_000, owner="mallory")
    address = f"/v1/download/job/{job.id}/history"
    statuses = [(await required.api.get(address, headers=headers)).status_code for _ in range(5)]
    assert statuses == [200, 200, 429, 429, 429]

    async def is_reported() -> bool:
        async with required.services.database.reading() as connection:
            rows = (await connection.execute(text('SELECT owner, "limit", count FROM access_refusals'))).all()
        return [tuple(row) for row in rows] == [("mallory", "too_many_requests", 3)]

    await eventually(is_reported)
