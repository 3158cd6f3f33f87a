"""A browser with a grant and nothing else: what it can start and follow, and what not. And access tokens of an issuer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio
from joserfc.jwk import ECKey
from redis.asyncio import Redis
from websockets.asyncio.client import connect

from jobs.access import grants
from jobs.files.visibility import Visibility
from jobs.services import Services
from jobs.settings import Settings
from tests.app.shared import Shared, link, problem
from tests.helpers.access import Headers
from tests.helpers.eventually import eventually
from tests.helpers.issuers import Issuer, ec_key
from tests.helpers.running import serving

INITIATE, START, CHECK = (f"/v1/download/{name}" for name in ("initiate", "start", "check"))


@pytest.fixture
def changes(issuer: Issuer) -> dict[str, Any]:
    return {"auth_mode": "required", "jwt_issuers": ((issuer.url, None),), "operator_groups": ("ops",)}


@pytest_asyncio.fixture
async def files(required: Shared) -> list[int]:
    """Three files of 100 bytes: two that begin with `a/`, all private."""
    made = [await required.catalogue.add(b"x" * 100, owner="somebody", visibility=Visibility.PRIVATE) for _ in range(3)]
    objects = required.services.storage.objects
    for file_id, key in zip(made, ("a/1", "a/2", "b/1"), strict=True):
        info = await objects.put(key, b"x" * 100, "text/plain")
        await required.catalogue.say(file_id, key=key, etag=info.etag)
    return made


@pytest_asyncio.fixture
async def grant_of(required: Shared) -> Callable[..., Headers]:
    """Makes headers with a grant of the app `portal`."""
    key = ec_key("k1")
    await grants.add_key(required.services.database, "k1", "portal", key.as_dict(private=False))

    def make(claim: dict[str, Any], key: ECKey = key, **claims: Any) -> Headers:
        return {"Authorization": f"Bearer {Issuer('portal').token(key, grant=claim, **claims)}"}

    return make


@pytest.mark.usefixtures("worker")
async def test_a_grant_starts_and_follows_a_job(
    required: Shared, files: list[int], grant_of: Callable[..., Headers]
) -> None:
    granted = grant_of({"files": files[:2], "archiveName": "photos", "maxBytes": 200})
    checked = await required.api.post(CHECK, headers=granted, json={"file_ids": files[:2]})
    assert checked.json()["filesAvailable"] == 2
    accepted = await required.api.post(INITIATE, headers=granted, json={"file_ids": files[:2]})
    assert accepted.status_code == 202, accepted.text
    job = accepted.json()["jobId"]
    url = str(required.api.base_url).replace("http", "ws").rstrip("/") + f"/v1/download/subscribe/{job}"
    async with connect(url, additional_headers=granted) as socket:
        async for message in socket:
            if json.loads(message).get("status") == "completed":
                break
    status = await required.api.get(f"/v1/download/job/{job}", headers=granted)
    assert status.json()["archiveName"] == "photos.zip"
    assert (await required.api.get(f"/v1/download/job/{job}/file", headers=granted)).status_code == 303
    rows = await required.services.database.fetch("SELECT owner FROM jobs")
    assert [row["owner"] for row in rows] == ["app:portal|alice"]


async def test_a_grant_reaches_nothing_else(
    required: Shared, files: list[int], grant_of: Callable[..., Headers]
) -> None:
    granted = grant_of({"files": files[:2], "jobs": 9, "maxFiles": 1})
    too_many = {"file_ids": files[:2]}
    for path, body in (
        (INITIATE, {"file_ids": [files[2]]}),
        (CHECK, {"file_ids": [files[2]]}),
        (CHECK, {"file_id": files[2]}),
        (START, {"file_id": files[2]}),
        (INITIATE, too_many),
        (CHECK, too_many),
    ):
        problem(await required.api.post(path, headers=granted, json=body), 403, "forbidden")
    assert await required.rows() == (0, 0, 0)
    problem(await required.api.get("/v1/download/files", headers=granted), 403, "forbidden")
    problem(await required.api.get("/v1/access/keys", headers=granted), 403, "forbidden")
    other = await required.processing(owner="somebody")
    for path in ("", "/file", "/download-url", "/history"):
        problem(await required.api.get(link(other, path), headers=granted), 404, "job_not_found")


async def test_a_prefix_and_bytes_are_those_of_the_files(
    required: Shared, files: list[int], grant_of: Callable[..., Headers]
) -> None:
    granted = grant_of({"prefix": "a/", "maxBytes": 150, "jobs": 9})
    for path in (INITIATE, CHECK):
        for wanted in ([files[2]], [files[0], files[2]], [99_999], files[:2]):
            problem(await required.api.post(path, headers=granted, json={"file_ids": wanted}), 403, "forbidden")
        answer = await required.api.post(path, headers=granted, json={"file_ids": [files[0]]})
        assert answer.status_code in {200, 202}
    for path in (START, CHECK):
        problem(await required.api.post(path, headers=granted, json={"file_id": files[2]}), 403, "forbidden")
    assert (await required.rows())[0] == 1


async def test_a_grant_is_used_as_often_as_it_says_also_without_redis(
    required: Shared, settings: Settings, files: list[int], grant_of: Callable[..., Headers]
) -> None:
    granted = grant_of({"files": files, "jobs": 3}, jti="g1")
    async with serving(settings) as second:

        async def once(number: int) -> int:
            url = second if number % 2 else str(required.api.base_url).rstrip("/")
            answer = await required.api.post(url + INITIATE, headers=granted, json={"file_ids": files[:1]})
            return answer.status_code

        statuses = await asyncio.gather(*(once(number) for number in range(20)))
        assert sorted(statuses) == [202] * 3 + [403] * 17
        async with Redis.from_url(str(settings.redis_url)) as redis:
            await redis.flushall()
        assert await once(0) == 403
    refused = await required.api.post(INITIATE, headers=granted, json={"file_ids": files[:1]})
    problem(refused, 403, "grant_exhausted")
    assert (await required.rows())[0] == 3
    again = grant_of({"files": files, "jobs": 3}, jti="g2")
    assert (await required.api.post(INITIATE, headers=again, json={"file_ids": files[:1]})).status_code == 202


async def test_nothing_tells_about_files_without_the_prefix(
    required: Shared, files: list[int], grant_of: Callable[..., Headers]
) -> None:
    await required.catalogue.say(files[2], size=77)  # not that of its object
    granted = grant_of({"prefix": "a/", "jobs": 9})
    for path, body in (
        (INITIATE, {"file_ids": [files[2]]}),
        (CHECK, {"file_ids": [files[0], files[2]]}),
        (CHECK, {"file_id": files[2]}),
        (START, {"file_id": files[2]}),
    ):
        problem(await required.api.post(path, headers=granted, json=body), 403, "forbidden")


async def test_a_started_file_is_as_the_grant_prescribes(
    required: Shared, files: list[int], grant_of: Callable[..., Headers]
) -> None:
    granted = {**grant_of({"files": files, "archiveName": "photos", "onMissing": "skip"}), "Prefer": "respond-async"}
    assert (await required.api.post(START, headers=granted, json={"file_id": files[0]})).status_code == 202
    rows = await required.services.database.fetch("SELECT archive_name, on_missing FROM download_jobs")
    assert [(row["archive_name"], row["on_missing"]) for row in rows] == [("photos.zip", "skip")]
    rows = await required.services.database.fetch("SELECT issuer FROM access_grant_uses")
    assert [row["issuer"] for row in rows] == ["portal"]


async def test_a_grant_does_nothing_that_it_does_not_count_or_that_outlives_it(
    required: Shared, files: list[int], grant_of: Callable[..., Headers]
) -> None:
    granted = grant_of({"files": files})
    accepted = await required.api.post(INITIATE, headers=granted, json={"file_ids": files[:1]})
    path = f"/v1/download/job/{accepted.json()['jobId']}"
    assert (await required.api.delete(path, headers=granted)).status_code == 200
    for method, what in (("POST", "/retry"), ("DELETE", "/bundle"), ("POST", "/shares")):
        refused = await required.api.request(method, path + what, headers=granted)
        problem(refused, 403, "forbidden")
        assert "grant" in refused.json()["message"]
    assert (await required.api.get(path, headers=granted)).json()["status"] == "cancelled"


async def test_a_repeated_request_is_one_use(
    required: Shared, files: list[int], grant_of: Callable[..., Headers]
) -> None:
    granted = {**grant_of({"files": files}), "Idempotency-Key": "once"}
    jobs = [
        (await required.api.post(INITIATE, headers=granted, json={"file_ids": files[:1]})).json()["jobId"]
        for _ in range(3)
    ]
    assert len(set(jobs)) == 1


async def test_a_new_grant_of_the_same_user_follows_the_job(
    required: Shared, files: list[int], grant_of: Callable[..., Headers]
) -> None:
    accepted = await required.api.post(INITIATE, headers=grant_of({"files": files}), json={"file_ids": files[:1]})
    path = f"/v1/download/job/{accepted.json()['jobId']}"
    assert (await required.api.get(path, headers=grant_of({"files": files}, jti="g2"))).status_code == 200
    problem(await required.api.get(path, headers=grant_of({"files": files}, sub="bob")), 404, "job_not_found")


async def test_the_grants_of_a_revoked_key_end_at_once(
    required: Shared, services: Services, files: list[int], grant_of: Callable[..., Headers]
) -> None:
    granted = grant_of({"files": files})
    assert (await required.api.get("/v1/download/jobs", headers=granted)).status_code == 200
    assert await grants.revoke_key(services.database, "k1")
    await services.feed.announce()

    async def is_refused() -> bool:
        return (await required.api.get("/v1/download/jobs", headers=granted)).status_code == 401

    await eventually(is_refused)


# --- access tokens ------------------------------------------------------------------------------------------------------


async def test_a_token_of_an_issuer_is_a_user(required: Shared, issuer: Issuer, files: list[int]) -> None:
    del files
    mine = {"Authorization": f"Bearer {issuer.token()}"}
    assert (await required.api.get("/v1/download/jobs", headers=mine)).status_code == 200
    owner = issuer.url.removeprefix("http://") + "|alice"
    job = await required.processing(owner=owner)
    assert (await required.api.get(link(job), headers=mine)).status_code == 200
    other = {"Authorization": f"Bearer {issuer.token(sub='bob')}"}
    problem(await required.api.get(link(job), headers=other), 404, "job_not_found")
    operator = {"Authorization": f"Bearer {issuer.token(sub='olga', groups=['ops'])}"}
    assert (await required.api.delete(link(job), headers=operator)).status_code == 200


@pytest.mark.parametrize("token", ["a.b.c", "A" * 10_000, "eyJhbGciOiJub25lIn0.e30."])
async def test_any_other_token_is_refused(required: Shared, token: str) -> None:
    answer = await required.api.get("/v1/download/jobs", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_an_unknown_key_says_when_to_try_again(required: Shared, issuer: Issuer) -> None:
    known, unknown = issuer.token(), issuer.token(ec_key("second"))
    assert (
        await required.api.get("/v1/download/jobs", headers={"Authorization": f"Bearer {known}"})
    ).status_code == 200
    answer = await required.api.get("/v1/download/jobs", headers={"Authorization": f"Bearer {unknown}"})
    problem(answer, 401, "invalid_token")
    assert 0 < int(answer.headers["retry-after"]) <= 30


async def test_an_issuer_that_is_away_is_no_reason_to_sign_in_again(required: Shared, issuer: Issuer) -> None:
    issuer.gone = True
    answer = await required.api.get("/v1/download/jobs", headers={"Authorization": f"Bearer {issuer.token()}"})
    problem(answer, 503, "issuer_unavailable")
    assert answer.headers["retry-after"] == "5"
