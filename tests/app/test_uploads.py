"""Uploads over HTTP: created, sent to the store directly, completed; and what is refused, before a byte is sent."""

from __future__ import annotations

import json
import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4
from zlib import crc32

import httpx
import pytest

from app.access.principals import Role
from app.operations import OPERATIONS, Operation
from jobs.engine.jobs import Failure, Status
from jobs.errors import ErrorClass
from jobs.files.catalogue import find_files
from jobs.kinds import Kind
from jobs.services import Services
from jobs.uploads.cleanup import FileRemoval
from jobs.uploads.uploads import MAX_PARTS, MIB, part_size_of
from jobs.work import works_of
from tests.app.shared import problem
from tests.helpers.access import key_of
from tests.helpers.eventually import eventually
from tests.helpers.jobs import read_job
from tests.helpers.running import serving, working
from tests.helpers.settings import with_changes
from tests.helpers.uploads import files_of, sent

DATA = b"hello, world"
BODY = {"files": [{"name": "hello.txt", "size": len(DATA)}]}


async def create(api: httpx.AsyncClient, body: Any = BODY, **headers: str) -> httpx.Response:
    return await api.post("/v1/upload", json=body, headers=headers)


async def new(api: httpx.AsyncClient, size: int = len(DATA), name: str = "hello.txt") -> str:
    """The id of a new upload."""
    answer = await create(api, {"files": [{"name": name, "size": size}]})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["jobs"][0]["jobId"])


async def parts(api: httpx.AsyncClient, job: str, body: Any) -> httpx.Response:
    return await api.post(f"/v1/upload/{job}/parts", json=body)


async def send_part(api: httpx.AsyncClient, job: str, data: bytes, number: int = 1) -> None:
    answer = await parts(api, job, {"sign": [{"number": number, "crc32": f"{crc32(data):08x}"}]})
    [part] = answer.json()["parts"]
    assert part["size"] == len(data)
    async with httpx.AsyncClient() as store:
        assert (await store.put(part["url"], headers=part["headers"], content=data)).status_code == 200
    assert (await parts(api, job, {"sent": [number]})).status_code == 200


async def complete(api: httpx.AsyncClient, job: str) -> httpx.Response:
    return await api.post(f"/v1/upload/{job}/complete")


async def until(api: httpx.AsyncClient, job: str, status: str) -> dict[str, Any]:
    """The upload once it has this status."""
    body: dict[str, Any] = {}

    async def has_it() -> bool:
        nonlocal body
        body = (await api.get(f"/v1/upload/job/{job}", headers={"Cache-Control": "no-cache"})).json()
        return bool(body["status"] == status)

    await eventually(has_it)
    return body


async def test_a_file_goes_up_and_is_a_file_of_the_catalogue(api: httpx.AsyncClient, services: Services) -> None:
    answer = await create(api, {"files": [{"name": "a/hello.txt", "size": len(DATA), "contentType": "text/plain"}]})
    [item] = answer.json()["jobs"]
    job = item["jobId"]
    assert answer.headers["location"] == item["links"]["self"] == f"/v1/upload/job/{job}"
    assert (item["status"], item["upload"]["parts"], item["upload"]["partSize"]) == ("receiving", 1, 8 * MIB)
    assert item["upload"]["expiresAt"] is not None
    await send_part(api, job, DATA)
    receiving = (await api.get(f"/v1/upload/status/{job}")).json()
    assert (receiving["kind"], receiving["progress"]["bytesDone"]) == ("upload", len(DATA))
    queued = await complete(api, job)
    assert (queued.status_code, queued.json()["status"]) == (202, "queued")
    async with working(services.settings):
        body = await until(api, job, "completed")
    file_id = body["upload"]["fileId"]
    assert body["links"]["file"] == f"/v1/files/{file_id}"
    file = (await api.get(body["links"]["file"])).json()
    assert (file["name"], file["size"], file["crc32"]) == ("a/hello.txt", len(DATA), f"{crc32(DATA):08x}")
    assert (file["jobId"], file["role"], file["scan"], file["visibility"]) == (job, "original", "none", "private")
    assert [one["id"] for one in (await api.get("/v1/download/files")).json()["files"]] == [file_id]
    assert (await api.get(f"/v1/download/job/{job}")).json() == body
    history = (await api.get(f"/v1/download/job/{job}/history")).json()["transitions"]
    assert [one["command"] for one in history] == ["create", "submit", "claim", "succeed"]


async def test_many_files_are_created_at_once_in_the_order_of_the_request(api: httpx.AsyncClient) -> None:
    names = [f"{number}.bin" for number in range(300)]
    answer = await create(api, {"files": [{"name": name, "size": 20 * MIB} for name in names]})
    jobs = answer.json()["jobs"]
    assert [job["upload"]["name"] for job in jobs] == names
    assert {job["upload"]["parts"] for job in jobs} == {3}
    assert "location" not in answer.headers


async def test_the_same_key_and_body_return_the_same_uploads(api: httpx.AsyncClient) -> None:
    body = {"files": [{"name": "a", "size": 1}, {"name": "b", "size": 2}]}
    first = await create(api, body, **{"Idempotency-Key": "k"})
    await api.delete(f"/v1/download/job/{first.json()['jobs'][1]['jobId']}")
    again = (await create(api, body, **{"Idempotency-Key": "k"})).json()["jobs"]
    assert [job["jobId"] for job in again] == [job["jobId"] for job in first.json()["jobs"]]
    assert [job["status"] for job in again] == ["receiving", "cancelled"]
    problem(await create(api, BODY, **{"Idempotency-Key": "k"}), 422, "idempotency_key_reused")
    download = await api.post("/v1/download/initiate", json={"file_ids": [10_000]}, headers={"Idempotency-Key": "k"})
    problem(download, 422, "idempotency_key_reused")


def test_parts_are_whole_mib_and_at_most_ten_thousand() -> None:
    for size, part in [(0, 8), (80_000 * MIB, 8), (80_000 * MIB + 1, 9), (50_000_000 * MIB, 5000)]:
        assert part_size_of(size) == part * MIB
        assert -(-size // part_size_of(size)) <= MAX_PARTS


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["files"]),
        ({"files": []}, ["files"]),
        ({"files": [{"name": "a", "size": 0}] * 1001}, ["files"]),
        ({"files": [{"size": 1}]}, ["files[0].name"]),
        ({"files": [{"name": "", "size": 1}]}, ["files[0].name"]),
        ({"files": [{"name": "a", "size": -1}]}, ["files[0].size"]),
        ({"files": [{"name": "a", "size": 1.5}]}, ["files[0].size"]),
        ({"files": [{"name": "a", "size": "1"}]}, ["files[0].size"]),
        ({"files": [{"name": "a", "size": 2**64}]}, ["files[0].size"]),
        ({"files": [{"name": "a", "size": 1, "contentType": "jpeg\r\n"}]}, ["files[0].contentType"]),
        ({"files": [{"name": "a", "size": 1, "lastModified": "yesterday"}]}, ["files[0].lastModified"]),
        ({"files": [{"name": "a", "size": 1, "lastModified": "2026-11-30T12:00:00"}]}, ["files[0].lastModified"]),
        ({"files": [{"name": "a", "size": 1, "lastModified": "0001-01-01T00:00:00+14:00"}]}, ["files[0].lastModified"]),
        ({"files": [{"name": "a", "size": 1, "lastModified": "9999-12-31T23:59:59-14:00"}]}, ["files[0].lastModified"]),
        ({"files": [{"name": "a", "size": 1, "key": "bundles/x"}]}, ["files[0].key"]),
        ({**BODY, "visibility": "all"}, ["visibility"]),
        ({**BODY, "visibility": "shared"}, ["body"]),
        ({**BODY, "groups": ["a"]}, ["body"]),
        ({**BODY, "visibility": "shared", "groups": ["a", "b\0"]}, ["groups[1]"]),
    ],
)
async def test_a_request_that_is_not_valid_names_its_fields(
    api: httpx.AsyncClient, body: Any, fields: list[str]
) -> None:
    answer = problem(await create(api, body), 400, "invalid_request")
    assert [one["field"] for one in answer.json()["errors"]] == fields
    assert "is not valid." not in answer.json()["errors"][0]["message"]


async def test_names_are_made_safe_and_no_key_holds_them(api: httpx.AsyncClient, services: Services) -> None:
    names = ["../../etc/passwd", "C:\\con\\nul.txt", "a\u202egpj.exe", "/", "x" * 1024, "a\nb", "😀/..//b"]
    answer = await create(api, {"files": [{"name": name, "size": 1} for name in names]})
    for item in answer.json()["jobs"]:
        name = item["upload"]["name"]
        assert not re.search(r"(^|/)\.\.?(/|$)|[\\:\n\u202e]|^/", name), name
        assert name
        upload = await services.uploads.read(UUID(item["jobId"]))
        assert upload.key == f"raw/{upload.id}/original"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({}, "name at least one part"),
        ({"sign": [], "sent": []}, "name at least one part"),
        ({"sign": [{"number": 1}]}, "is required"),
        ({"sign": [{"number": 0, "crc32": "00000000"}]}, "at least 1"),
        ({"sign": [{"number": 10_001, "crc32": "00000000"}]}, "at most 10000"),
        ({"sign": [{"number": 3, "crc32": "00000000"}]}, "from 1 to 2"),
        ({"sign": [{"number": 1, "crc32": "0"}]}, "8 hex digits"),
        ({"sign": [{"number": 1, "crc32": "ABCDEF00"}]}, "lower case"),
        ({"sign": [{"number": 1, "crc32": "00000000"}] * 2}, "is repeated"),
        ({"sign": [{"number": n, "crc32": "00000000"} for n in range(1, 102)]}, "at most 100"),
        ({"sent": [3]}, "from 1 to 2"),
        ({"sent": [1]}, "never signed"),
    ],
)
async def test_parts_that_an_upload_cannot_have_are_refused(api: httpx.AsyncClient, body: Any, text: str) -> None:
    answer = problem(await parts(api, await new(api, 9 * MIB), body), 400, "invalid_request")
    assert text in answer.text


async def test_a_file_above_the_limit_is_refused(api: httpx.AsyncClient) -> None:
    problem(await create(api, {"files": [{"name": "a", "size": 2**41}]}), 413, "upload_too_large")


async def test_an_upload_with_a_hole_names_the_parts(api: httpx.AsyncClient) -> None:
    job = await new(api, 24 * MIB + 1)
    await send_part(api, job, os.urandom(8 * MIB), 2)
    answer = problem(await complete(api, job), 409, "parts_missing")
    assert answer.json()["missingParts"] == [1, 3, 4]
    assert "3 of 4 parts were not sent: 1, 3, 4." in answer.json()["message"]
    listed = (await api.get(f"/v1/upload/{job}/parts")).json()
    assert [(part["number"], part["sent"]) for part in listed["parts"]] == [(2, True)]
    assert (listed["partSize"], listed["partsTotal"], listed["status"]) == (8 * MIB, 4, "receiving")


async def test_completing_twice_queues_once(api: httpx.AsyncClient, services: Services) -> None:
    job = await new(api)
    await send_part(api, job, DATA)
    first, second = await complete(api, job), await complete(api, job)
    assert first.json() == second.json()
    assert (await read_job(services, UUID(job))).seq == 4
    problem(await parts(api, job, {"sent": [1]}), 409, "illegal_transition")


async def test_an_empty_file_is_one_empty_part_and_completing_it_later_changes_nothing(
    api: httpx.AsyncClient, services: Services
) -> None:
    job = await new(api, 0)
    assert problem(await complete(api, job), 409, "parts_missing").json()["missingParts"] == [1]
    await send_part(api, job, b"")
    assert (await complete(api, job)).status_code == 202
    async with working(services.settings):
        body = await until(api, job, "completed")
    assert (await api.get(f"/v1/files/{body['upload']['fileId']}")).json()["size"] == 0
    again = await complete(api, job)
    assert (again.status_code, again.json()["status"]) == (202, "completed")
    assert len(await files_of(services, UUID(job))) == 1


@pytest.mark.parametrize("sent_bytes", [DATA + b"x", DATA[:-1], b""], ids=["more", "less", "none"])
async def test_a_file_of_another_size_than_announced_is_refused_by_the_store_and_never_one_of_the_catalogue(
    api: httpx.AsyncClient, services: Services, sent_bytes: bytes
) -> None:
    job = await new(api)
    wanted = {"sign": [{"number": 1, "crc32": f"{crc32(sent_bytes):08x}"}]}
    [part] = (await parts(api, job, wanted)).json()["parts"]
    async with httpx.AsyncClient() as store:
        answer = await store.put(part["url"], headers=part["headers"], content=sent_bytes)
    assert answer.status_code in {400, 403}
    await parts(api, job, {"sent": [1]})  # a lie
    assert (await complete(api, job)).status_code == 202
    async with working(services.settings):
        body = await until(api, job, "failed")
    assert body["error"]["class"] == "validation"
    assert await files_of(services, UUID(job)) == []


async def test_the_last_parts_may_be_reported_with_the_completion(api: httpx.AsyncClient, services: Services) -> None:
    job = await new(api, 9 * MIB)
    await parts(api, job, {"sign": [{"number": 1, "crc32": "0" * 8}]})
    address = f"/v1/upload/{job}/complete"
    refused = problem(await api.post(address, json={"sent": [1, 2]}), 400, "invalid_request").json()
    assert refused["errors"] == [{"field": "sent[1]", "message": "2 was never signed"}]
    problem(await api.post(address, json={"sent": [1]}), 409, "parts_missing")
    assert [part["sent"] for part in (await api.get(f"/v1/upload/{job}/parts")).json()["parts"]] == [False]
    await parts(api, job, {"sign": [{"number": 2, "crc32": "0" * 8}]})
    for _ in range(2):
        assert (await api.post(address, json={"sent": [1, 2]})).json()["status"] == "queued"
    assert (await read_job(services, UUID(job))).progress.bytes_done == 9 * MIB
    problem(await api.post(address, content=b"x"), 415, "unsupported_media_type")


async def test_a_cancelled_upload_takes_nothing_more(api: httpx.AsyncClient) -> None:
    job = await new(api)
    await send_part(api, job, DATA)
    assert (await api.delete(f"/v1/download/job/{job}")).json()["status"] == "cancelled"
    problem(await complete(api, job), 409, "illegal_transition")
    problem(await parts(api, job, {"sign": [{"number": 1, "crc32": "00000000"}]}), 409, "illegal_transition")
    problem(await api.post(f"/v1/download/job/{job}/retry"), 409, "illegal_transition")


async def test_an_unknown_upload_is_not_found(api: httpx.AsyncClient) -> None:
    download = (await api.post("/v1/download/initiate", json={"file_ids": [10_000]})).json()["jobId"]
    for job in (str(uuid4()), download):
        problem(await complete(api, job), 404, "job_not_found")
        problem(await parts(api, job, {"sent": [1]}), 404, "job_not_found")
        problem(await api.get(f"/v1/upload/{job}/parts"), 404, "job_not_found")
    problem(await complete(api, "1"), 400, "invalid_request")


@pytest.mark.parametrize("changes", [{"max_open_uploads": 2}])
async def test_only_so_many_uploads_are_open_at_once(api: httpx.AsyncClient) -> None:
    job = await new(api)
    two = {"files": [{"name": "a", "size": 1}] * 2}
    answer = problem(await create(api, two), 429, "too_many_uploads")
    assert "At most 2 uploads may be open at once, and 1 are" in answer.json()["message"]
    assert answer.headers["retry-after"]
    await api.delete(f"/v1/download/job/{job}")
    assert (await create(api, two)).status_code == 202


@pytest.mark.parametrize("changes", [{"upload_bytes_per_day": 100}])
async def test_only_so_many_bytes_are_uploaded_a_day(api: httpx.AsyncClient) -> None:
    job = await new(api, 90)
    answer = problem(await create(api), 429, "upload_quota_exceeded")
    assert "of which 10 are left: 12 are too many" in answer.json()["message"]
    await api.delete(f"/v1/download/job/{job}")  # of which no byte was sent
    assert (await create(api)).status_code == 202


@pytest.mark.parametrize("changes", [{"max_queued": 1}])
async def test_a_full_queue_refuses_an_upload_before_a_byte_is_sent(api: httpx.AsyncClient, services: Services) -> None:
    await services.uploads.complete((await sent(services, b"1")).id)
    answer = problem(await create(api), 503, "queue_full")
    assert int(answer.headers["retry-after"]) > 0
    assert answer.json()["queuePosition"] == 2


async def test_a_deleted_file_says_when_and_why(api: httpx.AsyncClient, services: Services) -> None:
    job = await new(api)
    await send_part(api, job, DATA)
    await complete(api, job)
    async with working(services.settings):
        file_id = (await until(api, job, "completed"))["upload"]["fileId"]
    assert (await api.delete(f"/v1/files/{file_id}")).status_code == 204
    for method in ("GET", "DELETE"):
        answer = problem(await api.request(method, f"/v1/files/{file_id}"), 410, "file_gone")
        assert re.search(r"it was deleted on \d{4}-\d\d-\d\d", answer.json()["message"])
    assert (await api.get("/v1/download/files")).json()["files"] == []
    checked = (await api.post("/v1/download/check", json={"file_ids": [file_id]})).json()
    assert "deleted on" in checked["files"][0]["reason"]
    async with services.database.reading() as connection:
        [key] = [file.key for file in (await find_files(connection, [file_id])).values()]
    await services.database.fetch("UPDATE stored_files SET gone_at = gone_at - interval '2 hours'")

    await works_of(services)[Kind.UPLOAD].remove_orphans()
    assert key not in [info.key async for info in services.storage.objects.list("raw/")]
    problem(await api.get("/v1/files/10"), 404, "file_not_found")
    problem(await api.get("/v1/files/abc"), 400, "invalid_request")


@pytest.fixture
async def required(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway that knows its users."""
    async with serving(with_changes(services.settings, auth_mode="required")) as url:
        async with httpx.AsyncClient(base_url=url) as api:
            yield api


async def test_an_upload_is_its_owners(required: httpx.AsyncClient, services: Services) -> None:
    olga, otto = await key_of(services, "olga"), await key_of(services, "otto")
    created = await required.post("/v1/upload", json=BODY, headers=olga)
    job = created.json()["jobs"][0]["jobId"]
    sign = {"sign": [{"number": 1, "crc32": f"{crc32(DATA):08x}"}]}
    for answer in (
        await required.post(f"/v1/upload/{job}/parts", json=sign, headers=otto),
        await required.get(f"/v1/upload/{job}/parts", headers=otto),
        await required.post(f"/v1/upload/{job}/complete", headers=otto),
        await required.get(f"/v1/upload/job/{job}", headers=otto),
    ):
        problem(answer, 404, "job_not_found")
    upload = await services.uploads.read(UUID(job))
    await services.storage.objects.put(upload.key, DATA, "text/plain")
    await required.post(f"/v1/upload/{job}/parts", json=sign, headers=olga)
    await required.post(f"/v1/upload/{job}/parts", json={"sent": [1]}, headers=olga)
    await required.post(f"/v1/upload/{job}/complete", headers=olga)
    async with working(services.settings):

        async def is_completed() -> bool:
            return (await services.uploads.read(upload.id)).status is Status.COMPLETED

        await eventually(is_completed)
    [file] = await files_of(services, upload.id)
    assert (await required.get(f"/v1/files/{file.id}", headers=olga)).status_code == 200
    for method in ("GET", "DELETE"):
        problem(await required.request(method, f"/v1/files/{file.id}", headers=otto), 404, "file_not_found")
    support = await key_of(services, "susi", Role.SUPPORT)
    problem(await required.delete(f"/v1/files/{file.id}", headers=support), 404, "file_not_found")
    operator = await key_of(services, "oskar", Role.OPERATOR)
    assert (await required.delete(f"/v1/files/{file.id}", headers=operator)).status_code == 204


# --- nothing before the verdict -------------------------------------------------------------------------------------


async def test_nothing_of_a_file_can_be_had_before_its_verdict(api: httpx.AsyncClient, services: Services) -> None:
    """Walks all operations with the upload's id, in every state that it has before its verdict, and follows all links."""
    secret = b"not checked yet: " + os.urandom(8).hex().encode()
    receiving = await sent(services, secret, "secret-name.txt")
    queued = await services.uploads.complete((await sent(services, secret, "secret-name.txt")).id)
    held = await services.uploads.complete((await sent(services, secret, "secret-name.txt")).id)
    claimed = await services.lifecycle.claim(held.id, held.fence, "w")
    assert claimed is not None
    cancelled = await services.lifecycle.cancel((await sent(services, secret, "secret-name.txt")).id)
    for job in (receiving, queued, claimed.job, cancelled):
        await _walk(api, str(job.id), secret, ["10000", "10001"], hidden="secret-name")


async def _walk(api: httpx.AsyncClient, job: str, secret: bytes, files: list[str], *, hidden: str) -> None:
    for operation in OPERATIONS:
        if operation.name in {"cancel", "retry", "delete", "completeUpload", "root", "diagnoseStream", "deleteFile"}:
            continue  # they change the state, or say nothing of a job
        await _has_nothing(api, operation, job, secret, files, hidden)


async def test_nothing_of_an_infected_file_can_be_had(required: httpx.AsyncClient, services: Services) -> None:
    """As above, as its owner. The name of the signature is for operators and admins."""
    secret = b"a virus: " + os.urandom(8).hex().encode()
    job = await services.uploads.complete((await sent(services, secret, "secret-name.txt", owner="olga")).id)
    held = await services.lifecycle.claim(job.id, job.fence, "w")
    assert held is not None
    await services.uploads.quarantine(held.job, "Win.Test.Signature")
    await services.lifecycle.fail(held.job, Failure(error_class=ErrorClass.VALIDATION, message="infected"))
    support = await key_of(services, "susi", Role.SUPPORT)
    operator = await key_of(services, "oskar", Role.OPERATOR)
    listed = "/v1/upload/jobs?owner=olga&status=failed"
    for headers, finding in ((support, None), (operator, "Win.Test.Signature")):
        [item] = (await required.get(listed, headers=headers)).json()["jobs"]
        assert (item["jobId"], item["finding"]) == (str(job.id), finding)
    required.headers = httpx.Headers(await key_of(services, "olga"))
    await _walk(required, str(job.id), secret, ["10000", "10001"], hidden="secret-name")
    [item] = (await required.get(listed)).json()["jobs"]
    assert (item["jobId"], item["finding"]) == (str(job.id), None)
    answer = problem(await required.post(f"/v1/download/job/{job.id}/retry"), 409, "illegal_transition")
    assert "infected" in answer.json()["message"]
    assert (await services.uploads.read(job.id)).status is Status.FAILED


async def test_nothing_of_a_file_that_retention_has_removed_can_be_had(
    api: httpx.AsyncClient, services: Services
) -> None:
    secret = b"old: " + os.urandom(8).hex().encode()
    job = await services.uploads.complete((await sent(services, secret, "old-name.txt")).id)
    async with working(services.settings):
        file_id = (await until(api, str(job.id), "completed"))["upload"]["fileId"]
    later = datetime.now(UTC) + timedelta(days=366)
    await FileRemoval(services.database, services.storage, services.settings, lambda: later).remove()
    await _walk(api, str(job.id), secret, [str(file_id)], hidden='"available":true')
    answer = problem(await api.get(f"/v1/files/{file_id}"), 410, "file_gone")
    assert f"removed by retention on {later:%Y-%m-%d}" in answer.json()["message"]
    assert (await api.get("/v1/download/files")).json()["files"] == []
    checked = (await api.post("/v1/download/check", json={"file_ids": [file_id]})).json()["files"][0]
    assert (checked["name"], checked["available"]) == ("old-name.txt", False)
    assert "removed by retention on" in checked["reason"]


IDS = {"file_ids": list(range(10_000, 10_020)), "onMissing": "skip"}
BODIES: dict[str, Any] = {
    "initiate": IDS,
    "check": IDS,
    "start": {"file_id": 10_000},
    "share": {},
    "sendParts": {"sign": [{"number": 1, "crc32": "00000000"}]},
    "upload": BODY,
}


async def _has_nothing(
    api: httpx.AsyncClient, operation: Operation, job: str, secret: bytes, files: list[str], hidden: str
) -> None:
    """`hidden`: what the operations that show files do not show."""
    for file_id in files:
        path = operation.path.replace("{jobId}", job).replace("{id}", file_id)
        query = {"jobs": f"{job}:0"} if operation.name == "streamMany" else {}
        headers = {"Prefer": "respond-async", "Accept": "application/json"}
        body = BODIES.get(operation.name)
        async with api.stream(operation.method, path, params=query, headers=headers, json=body) as answer:
            text = ""
            async for piece in answer.aiter_text():
                text += piece
                if operation.media_type == "text/event-stream":
                    break
        assert secret.decode() not in text, operation.name
        if operation.name in {"files", "readFile", "check"}:
            assert hidden not in text, operation.name
        assert "Win.Test.Signature" not in text, operation.name
        links = re.findall(r'https?://[^"\s]+', json.dumps(text).replace("\\", ""))
        links.append(answer.headers.get("location", ""))
        for link in links:
            if f"raw/{job}" in link:
                async with httpx.AsyncClient() as store:
                    assert (await store.get(link)).status_code == 403, f"{operation.name} signs a link to read"


async def test_a_list_has_what_a_client_needs_to_continue(api: httpx.AsyncClient) -> None:
    file = {"name": "a/b.bin", "size": 20 * MIB, "lastModified": "2026-11-29T10:00:00.25Z"}
    first = (await create(api, {"files": [file, {"name": "c", "size": 1}]})).json()["jobs"][0]
    last = await new(api)
    await send_part(api, last, DATA)
    await complete(api, last)
    page = (await api.get("/v1/upload/jobs?status=receiving&limit=1")).json()
    [newest] = page["jobs"]
    rest = (await api.get("/v1/upload/jobs", params={"status": "receiving", "cursor": page["nextCursor"]})).json()
    [oldest] = rest["jobs"]
    assert rest["nextCursor"] is None
    assert {newest["upload"]["name"], oldest["upload"]["name"]} == {"a/b.bin", "c"}
    found = next(one for one in (newest, oldest) if one["jobId"] == first["jobId"])
    assert (found["status"], found["percent"], found["links"]) == ("receiving", 0, first["links"])
    view = found["upload"]
    assert (view["size"], view["partSize"], view["parts"]) == (20 * MIB, 8 * MIB, 3)
    assert view["lastModified"] == "2026-11-29T10:00:00.250000Z"
    everything = (await api.get("/v1/upload/jobs")).json()["jobs"]
    assert [one["status"] for one in everything] == ["queued", "receiving", "receiving"]
    assert (await api.get("/v1/download/jobs")).json()["jobs"] == []


async def test_the_uploads_of_others_are_not_listed(api: httpx.AsyncClient, services: Services) -> None:
    await sent(services, DATA, owner="somebody")
    assert (await api.get("/v1/upload/jobs")).json()["jobs"] == []
