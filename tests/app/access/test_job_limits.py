"""How many downloads each user may start: what counts, what does not, and what the refusal says."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from app.access.principals import Role
from jobs.access.users import save_user
from jobs.database import Database
from jobs.engine.sql.admissions import delete_old_starts
from tests.app.shared import Shared
from tests.helpers.access import Headers, key_of
from tests.helpers.jobs import until_ended
from tests.helpers.running import working

INITIATE, CHECK, START = (f"/v1/download/{name}" for name in ("initiate", "check", "start"))
PLANS = {"lab": {"jobs_per_hour": 1}, "busy": {"jobs_per_hour": 0, "running_jobs": 2}, "free": {"jobs_per_hour": 0}}


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"auth_mode": "required", "jobs_per_hour": 3, "plans": PLANS}


async def initiate(required: Shared, headers: Headers, *file_ids: int, **extra: str) -> httpx.Response:
    body = {"file_ids": file_ids or [10_000, 10_001], "onMissing": "skip"}
    return await required.api.post(INITIATE, json=body, headers={**headers, **extra})


async def execute(database: Database, statement: str) -> None:
    async with database.begin() as connection:
        await connection.execute(text(statement))


async def test_the_refusal_says_which_limit_of_which_plan_and_when_it_goes_on(required: Shared) -> None:
    anna = await key_of(required.services, "anna")
    for left in (2, 1, 0):
        accepted = await initiate(required, anna)
        assert accepted.status_code == 202
        assert '"jobs";q=3;w=3600' in accepted.headers["ratelimit-policy"]
        assert re.search(rf'"jobs";r={left};t=(3600|35\d\d)', accepted.headers["ratelimit"])
    rows = await required.rows()
    await execute(required.services.database, "UPDATE job_starts SET at = at - interval '50 minutes'")
    refused = await initiate(required, anna)
    assert (refused.status_code, refused.json()["error"]) == (429, "too_many_jobs")
    seconds = int(refused.headers["retry-after"])
    assert 580 < seconds <= 600
    assert f'"jobs";r=0;t={seconds}' in refused.headers["ratelimit"]
    assert '"jobs";q=3;w=3600' in refused.headers["ratelimit-policy"]
    message = refused.json()["message"]
    assert re.search(rf"3 downloads in the last hour, as many as the plan 'user' allows.* {seconds} s, at ", message)
    assert await required.rows() == rows, "nothing was created"
    assert (await initiate(required, await key_of(required.services, "otto"))).status_code == 202, "each has its own"
    await execute(required.services.database, "UPDATE job_starts SET at = at - interval '10 minutes'")
    assert (await initiate(required, anna)).status_code == 202


async def test_repeated_requests_checks_and_missing_files_do_not_count(required: Shared) -> None:
    anna, key = await key_of(required.services, "anna"), str(uuid4())
    for _ in range(5):
        again = await initiate(required, anna, **{"Idempotency-Key": key})
        assert again.status_code == 202
        assert (await required.api.post(CHECK, json={"file_ids": [10_000]}, headers=anna)).status_code == 200
        assert (await required.api.post(START, json={"file_id": 10_000}, headers=anna)).status_code == 200
    assert '"jobs"' not in again.headers["ratelimit"], "nothing was counted"
    assert [(await initiate(required, anna)).status_code for _ in range(3)] == [202, 202, 429]
    assert (await initiate(required, anna, **{"Idempotency-Key": key})).status_code == 202, "also over the limit"


async def test_single_files_count_like_bundles(required: Shared) -> None:
    anna = await key_of(required.services, "anna")
    file_id = await required.catalogue.add(b"x")
    started = {"json": {"file_id": file_id}, "headers": {**anna, "Prefer": "respond-async"}}
    answers = [await required.api.post(START, **started) for _ in range(4)]  # type: ignore[arg-type]
    assert [it.status_code for it in answers] == [202, 202, 202, 429]
    assert '"jobs";r=2;' in answers[0].headers["ratelimit"]


async def test_a_job_that_is_completed_with_the_bundle_of_another_stops_counting(required: Shared) -> None:
    anna = await key_of(required.services, "anna")
    files = [await required.catalogue.add(b"x" * number) for number in (1, 2)]
    async with working(required.settings):
        for _ in range(6):
            accepted = await initiate(required, anna, *files)
            assert accepted.status_code == 202
            job = await required.services.downloads.read(UUID(accepted.json()["jobId"]))
            assert (await until_ended(required.services, job)).result is not None
    assert await required.services.database.fetch("SELECT FROM job_starts") == [()]


async def test_a_retry_counts_for_its_owner_and_for_nobody_else(required: Shared) -> None:
    anna = await key_of(required.services, "anna")
    operator = await key_of(required.services, "olga", Role.OPERATOR)
    path = (await initiate(required, anna)).headers["location"]
    answers = []
    for headers in (anna, anna, operator, anna):
        await required.api.delete(path, headers=headers)
        answers.append(await required.api.post(f"{path}/retry", headers=headers))
    assert [it.status_code for it in answers] == [202, 202, 202, 429]
    assert '"jobs";r=0;' in answers[1].headers["ratelimit"]
    assert (await required.api.get(path, headers=anna)).json()["status"] == "cancelled", "nothing was started"
    assert len(await required.services.database.fetch("SELECT FROM job_starts WHERE owner = 'olga'")) == 0


async def test_what_was_started_counts_also_when_the_jobs_are_gone(required: Shared) -> None:
    anna = await key_of(required.services, "anna")
    for _ in range(3):
        await initiate(required, anna)
    await execute(required.services.database, "DELETE FROM jobs")
    assert (await initiate(required, anna)).status_code == 429
    await delete_old_starts(required.services.database)
    assert (await initiate(required, anna)).status_code == 429
    await execute(required.services.database, "UPDATE job_starts SET at = at - interval '1 hour'")
    await delete_old_starts(required.services.database)
    assert await required.services.database.fetch("SELECT FROM job_starts") == []


async def test_the_plan_of_the_key_decides_then_that_of_the_user(required: Shared) -> None:
    anna = await key_of(required.services, "anna")
    lab = await key_of(required.services, "anna", plan="lab")
    free = await key_of(required.services, "anna", plan="free")
    assert (await initiate(required, lab)).status_code == 202
    refused = await initiate(required, lab)
    assert "1 download in the last hour, as many as the plan 'lab' allows" in refused.json()["message"]
    assert '"jobs";r=1;' in (await initiate(required, anna)).headers["ratelimit"], "the user's jobs are counted"
    for _ in range(5):
        unlimited = await initiate(required, free)
        assert (unlimited.status_code, '"jobs"' in unlimited.headers["ratelimit"]) == (202, False)
    await save_user(required.services.database, "anna", plan="lab")
    await required.api.get("/v1/download/jobs", headers=anna)
    fresh = await key_of(required.services, "anna")
    assert "the plan 'lab'" in (await initiate(required, fresh)).json()["message"]


async def test_so_many_may_be_queued_or_running_at_the_same_time(required: Shared) -> None:
    busy = await key_of(required.services, "anna", plan="busy")
    paths = [(await initiate(required, busy)).headers["location"] for _ in range(2)]
    refused = await initiate(required, busy)
    assert (refused.status_code, refused.json()["error"]) == (429, "too_many_running_jobs")
    assert "2 downloads that are queued or running, as many as the plan 'busy' allows" in refused.json()["message"]
    assert int(refused.headers["retry-after"]) > 0
    assert (await initiate(required, await key_of(required.services, "otto", plan="busy"))).status_code == 202
    await required.api.delete(paths[0], headers=busy)
    assert (await required.api.post(f"{paths[0]}/retry", headers=busy)).status_code == 202
    assert (await initiate(required, busy)).status_code == 429
    await required.api.delete(paths[1], headers=busy)
    assert (await initiate(required, busy)).status_code == 202
    assert (await required.api.post(f"{paths[1]}/retry", headers=busy)).status_code == 429


@pytest.mark.parametrize("changes", [{"auth_mode": "open", "jobs_per_hour": 1}])
async def test_nothing_is_limited_where_everybody_is_the_same(required: Shared) -> None:
    answers = [await initiate(required, {}) for _ in range(3)]
    assert [(it.status_code, "ratelimit" in it.headers) for it in answers] == [(202, False)] * 3
    assert await required.services.database.fetch("SELECT FROM job_starts") == []
