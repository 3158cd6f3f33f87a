"""POST /v1/download/initiate: the job is written, the answer says where to look; the same key gives the same job."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from jobs.bundles.downloads import MAX_FILES
from jobs.engine.sql.jobs import find_by_key, lock_key
from jobs.owners import ANONYMOUS
from tests.app.shared import Shared

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODY = {"file_ids": [10_000, 10_001]}


async def initiate(shared: Shared, body: Any, key: str | None = None) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return await shared.api.post("/v1/download/initiate", json=body, headers=headers)


async def test_initiate_returns_the_job_and_its_links(shared: Shared) -> None:
    before = await shared.rows()
    answer = await initiate(shared, BODY)
    assert answer.status_code == 202
    body = answer.json()
    job = f"/v1/download/job/{UUID(body['jobId'])}"
    assert body == {
        "jobId": body["jobId"],
        "status": "queued",
        "totalFileIds": 2,
        "links": {
            "self": job,
            "retry": f"{job}/retry",
            "cancel": job,
            "downloadUrl": f"{job}/download-url",
            "file": f"{job}/file",
            "bundle": f"{job}/bundle",
        },
    }
    assert answer.headers["location"] == job
    assert int(answer.headers["retry-after"]) > 0
    assert (await shared.api.get(job)).json()["status"] == "queued"
    assert await shared.rows() == (before[0] + 1, before[1] + 2, before[2] + 1)


@pytest.mark.parametrize(
    "body",
    [
        {"file_ids": [10_000]},
        {"file_ids": [100_000_000]},
        {"file_ids": list(range(10_000, 10_000 + MAX_FILES))},
        {"files": [{"file_id": 10_000, "name": "ä" * 1024}], "archiveName": "b" * 1024, "onMissing": "skip"},
        {"file_ids": [10_000], "compression": "deflate"},
        {"file_ids": [10_000], "files": None, "archiveName": None},
    ],
    ids=["least id", "greatest id", "most files", "longest names", "deflated", "nulls"],
)
async def test_requests_up_to_the_limits_are_accepted(shared: Shared, body: Any) -> None:
    assert (await initiate(shared, body)).status_code == 202


async def test_the_same_key_and_body_return_the_same_job(shared: Shared) -> None:
    key, before = str(uuid4()), await shared.rows()
    first = await initiate(shared, BODY, key)
    assert (await shared.api.delete(first.headers["location"])).status_code == 200
    for again in (key, f'"{key}"'):
        second = await initiate(shared, BODY | {"onMissing": "fail", "compression": "store"}, again)
        assert (second.status_code, second.json()) == (202, first.json() | {"status": "cancelled"})
        assert second.headers["location"] == first.headers["location"]
    assert (await shared.rows())[0] == before[0] + 1


async def test_a_key_from_before_the_compression_field_is_recognized(shared: Shared) -> None:
    accepted = await initiate(shared, {"file_ids": [10_000]}, key := str(uuid4()))
    said = b'{"file_ids":[10000],"files":null,"archiveName":null,"onMissing":"fail"}'
    async with shared.services.database.reading() as connection:
        found = await find_by_key(connection, ANONYMOUS, key)
    assert found is not None
    assert (str(found[0].id), found[1]) == (accepted.json()["jobId"], sha256(said).hexdigest())


async def test_the_same_key_with_another_body_is_refused(shared: Shared) -> None:
    key = str(uuid4())
    await initiate(shared, BODY, key)
    before = await shared.rows()
    others = [{"archiveName": "a"}, {"onMissing": "skip"}, {"compression": "deflate"}]
    for other in ({"file_ids": [10_001, 10_000]}, *(BODY | other for other in others)):
        answer = await initiate(shared, other, key)
        assert (answer.status_code, answer.json()["error"]) == (422, "idempotency_key_reused")
    assert await shared.rows() == before


async def test_requests_without_or_with_another_key_create_another_job(shared: Shared) -> None:
    answers = [await initiate(shared, BODY, key) for key in (None, None, str(uuid4()), str(uuid4()), "x" * 255)]
    assert len({answer.json()["jobId"] for answer in answers}) == len(answers)


async def test_a_key_in_flight_returns_409_with_retry_after(shared: Shared) -> None:
    key = str(uuid4())
    async with shared.services.database.begin() as connection:
        assert await lock_key(connection, ANONYMOUS, key)
        answer = await initiate(shared, BODY, key)
    assert (answer.status_code, answer.json()["error"]) == (409, "idempotency_key_in_flight")
    assert answer.headers["retry-after"] == "1"
    assert (await initiate(shared, BODY, key)).status_code == 202


async def test_concurrent_requests_with_one_key_create_one_job(shared: Shared) -> None:
    key, before = str(uuid4()), await shared.rows()
    answers = await asyncio.gather(*(initiate(shared, BODY, key) for _ in range(20)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["jobId"] for answer in answers if answer.status_code == 202}) == 1
    assert (await shared.rows())[0] == before[0] + 1
