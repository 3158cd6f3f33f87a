"""tus 1.0.0 at the intake, request by request (https://tus.io/protocols/resumable-upload)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID
from zlib import crc32

import httpx
import pytest

from app.access.principals import Role, Scope
from app.intake.tus import PATH
from jobs.engine.jobs import Status
from jobs.services import Services
from jobs.uploads.uploads import MAX_STREAMED_SIZE
from tests.app.shared import problem
from tests.helpers.access import key_of
from tests.helpers.running import taking_in

TUS = {"Tus-Resumable": "1.0.0"}
BYTES = {"Content-Type": "application/offset+octet-stream"}


@pytest.fixture
async def intake(services: Services) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an intake that follows the protocol."""
    async with taking_in(services.settings) as url, httpx.AsyncClient(base_url=url, headers=TUS, timeout=30) as client:
        yield client


def text(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


async def created(intake: httpx.AsyncClient, size: int, **more: Any) -> str:
    """The address of a new upload."""
    headers = {"Upload-Length": str(size), "Upload-Metadata": f"filename {text('a.bin')}"} | more.pop("headers", {})
    answer = await intake.post(PATH, headers=headers, **more)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


async def append(intake: httpx.AsyncClient, path: str, offset: int, data: Any, **headers: str) -> httpx.Response:
    sent = BYTES | {"Upload-Offset": str(offset)} | {name.replace("_", "-"): value for name, value in headers.items()}
    return await intake.patch(path, headers=sent, content=data)


async def offset_of(intake: httpx.AsyncClient, path: str) -> int:
    answer = await intake.head(path)
    assert answer.status_code == 200
    return int(answer.headers["upload-offset"])


def id_of(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])


async def test_the_server_says_what_it_can_do(intake: httpx.AsyncClient) -> None:
    answer = await intake.options(PATH)
    assert answer.status_code == 204
    assert answer.headers["tus-version"] == answer.headers["tus-resumable"] == "1.0.0"
    assert answer.headers["tus-max-size"] == str(MAX_STREAMED_SIZE)
    assert {"creation", "creation-with-upload", "expiration", "termination", "checksum"} <= set(
        answer.headers["tus-extension"].split(",")
    )
    assert answer.headers["tus-checksum-algorithm"].split(",") == ["crc32", "sha256", "sha1", "md5"]


async def test_metadata_says_what_is_to_be_made_of_a_file(intake: httpx.AsyncClient, services: Services) -> None:
    async def wishes(metadata: str) -> Any:
        path = await created(intake, 8, headers={"Upload-Metadata": metadata})
        return (await services.uploads.read(id_of(path))).wishes

    assert await wishes(f"recipe {text('none')}") is None
    assert (await wishes(f"onProcessingError {text('fail')}") or {})["onError"] == "fail"
    wrong = {"Upload-Length": "5", "Upload-Metadata": f"recipe {text('all')}"}
    problem(await intake.post(PATH, headers=wrong), 400, "invalid_request")


async def test_an_upload_in_two_requests_is_completed_by_itself(intake: httpx.AsyncClient, services: Services) -> None:
    metadata = f"filename {text('folder/grün.png')},filetype {text('image/png')},mine {text('x')},empty"
    path = await created(intake, 8, headers={"Upload-Metadata": metadata})
    first = await append(intake, path, 0, b"1234")
    assert (first.status_code, first.headers["upload-offset"]) == (204, "4")
    assert parsedate_to_datetime(first.headers["upload-expires"]).tzinfo is not None
    state = await intake.head(path)
    assert (state.headers["upload-offset"], state.headers["upload-length"]) == ("4", "8")
    assert state.headers["upload-metadata"] == metadata
    assert state.headers["cache-control"] == "no-store"
    last = await append(intake, path, 4, b"5678")
    assert (last.status_code, last.headers["upload-offset"]) == (204, "8")
    assert "upload-expires" not in last.headers
    upload = await services.uploads.read(id_of(path))
    assert (upload.status, upload.name, upload.content_type) == (Status.QUEUED, "folder/grün.png", "image/png")
    assert await offset_of(intake, path) == 8
    again = await append(intake, path, 8, b"")
    assert (again.status_code, again.headers["upload-offset"]) == (204, "8")

    async def more() -> AsyncIterator[bytes]:
        yield b"more"

    for body in (b"more", more()):
        problem(await append(intake, path, 8, body), 413, "upload_too_large")


@pytest.mark.parametrize("data", [b"", b"all of it"])
async def test_an_upload_may_come_with_its_creation(intake: httpx.AsyncClient, services: Services, data: bytes) -> None:
    headers = (BYTES if data else {}) | {"Upload-Length": str(len(data))}
    answer = await intake.post(PATH, headers=headers, content=data or None)
    assert (answer.status_code, answer.headers["upload-offset"]) == (201, str(len(data)))
    assert (await services.uploads.read(id_of(answer.headers["location"]))).status is Status.QUEUED


async def test_a_type_may_have_parameters_and_a_file_may_be_called_file(
    intake: httpx.AsyncClient, services: Services
) -> None:
    path = await created(intake, 3, headers={"Upload-Metadata": f"filename {text('file')},name {text('other')}"})
    answer = await append(intake, path, 0, b"abc", Content_Type="Application/Offset+Octet-Stream; a=b")
    assert answer.status_code == 204, answer.text
    assert (await services.uploads.read(id_of(path))).name == "file"


async def test_the_size_may_be_told_later(intake: httpx.AsyncClient, services: Services) -> None:
    answer = await intake.post(PATH, headers={"Upload-Defer-Length": "1"})
    path = answer.headers["location"]
    await append(intake, path, 0, b"abc")
    assert (await intake.head(path)).headers["upload-defer-length"] == "1"
    problem(await append(intake, path, 3, b"", Upload_Length="2"), 400, "invalid_request")
    last = await append(intake, path, 3, b"de", Upload_Length="5")
    assert last.headers["upload-offset"] == "5"
    assert (await services.uploads.read(id_of(path))).status is Status.QUEUED


def checksums(data: bytes) -> dict[str, bytes]:
    hashes = {name: hashlib.new(name, data).digest() for name in ("sha256", "sha1", "md5")}
    return hashes | {"crc32": crc32(data).to_bytes(4, "big")}


@pytest.mark.parametrize("algorithm", ["crc32", "sha256", "sha1", "md5"])
async def test_bytes_with_a_wrong_checksum_do_not_count(intake: httpx.AsyncClient, algorithm: str) -> None:
    data = os.urandom(1000)
    path = await created(intake, 2000)
    right = f"{algorithm} {base64.b64encode(checksums(data)[algorithm]).decode()}"
    problem(
        await append(intake, path, 0, data[:-1] + bytes([data[-1] ^ 1]), Upload_Checksum=right), 460, "wrong_checksum"
    )
    assert await offset_of(intake, path) == 0
    answer = await append(intake, path, 0, data, Upload_Checksum=right)
    assert answer.status_code == 204, answer.text
    assert await offset_of(intake, path) == 1000


async def test_what_is_wrong_is_said(intake: httpx.AsyncClient, services: Services) -> None:
    path = await created(intake, 10)
    for offset in (1, 10):
        problem(await append(intake, path, offset, b"x"), 409, "wrong_offset")
    problem(await append(intake, path, 0, bytes(11)), 413, "upload_too_large")
    problem(await append(intake, path, 0, b"x", Content_Type="text/plain"), 415, "unsupported_media_type")
    problem(await append(intake, path, 0, b"x", Tus_Resumable="0.2.2"), 412, "unsupported_tus_version")
    problem(await append(intake, path, 0, b"x", Upload_Checksum="sha512 eA=="), 400, "invalid_request")
    problem(await append(intake, path, 0, b"x", Upload_Checksum="sha1 ?"), 400, "invalid_request")
    beyond_ascii = httpx.Headers(BYTES | {"Upload-Offset": "0", "Upload-Checksum": "sha1 é"}, encoding="latin-1")
    problem(await intake.patch(path, headers=beyond_ascii, content=b"x"), 400, "invalid_request")
    problem(await append(intake, path, 0, b"x", Upload_Length="11"), 400, "invalid_request")
    problem(await intake.patch(path, headers=BYTES, content=b"x"), 400, "invalid_request")
    for headers in (
        {},
        {"Upload-Length": "-1"},
        {"Upload-Length": "5", "Upload-Defer-Length": "1"},
        {"Upload-Defer-Length": "2"},
        {"Upload-Length": "5", "Upload-Concat": "partial"},
        {"Upload-Length": "5", "Upload-Metadata": "filename ?"},
        {"Upload-Length": "5", "Upload-Metadata": f"filetype {text('nothing')}"},
        {"Upload-Length": "5", "Upload-Metadata": f"visibility {text('shared')},groups {text(chr(0))}"},
    ):
        problem(await intake.post(PATH, headers=headers), 400, "invalid_request")
    problem(await intake.post(PATH, headers={"Upload-Length": str(MAX_STREAMED_SIZE + 1)}), 413, "upload_too_large")
    for method in ("HEAD", "PATCH", "DELETE"):
        answer = await intake.request(method, f"{PATH}/{UUID(int=1)}", headers=BYTES | {"Upload-Offset": "0"})
        assert (answer.status_code, answer.headers["tus-resumable"]) == (404, "1.0.0")
    assert await offset_of(intake, path) == 0
    assert (await services.uploads.read(id_of(path))).status is Status.RECEIVING


async def test_a_body_that_does_not_fit_is_refused_before_it_is_read(intake: httpx.AsyncClient) -> None:
    path = await created(intake, 10)
    head = {"Host": intake.base_url.netloc.decode(), **TUS, **BYTES, "Upload-Offset": "0", "Content-Length": "11"}
    lines = [f"PATCH {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items()), "", ""]
    reader, writer = await asyncio.open_connection(intake.base_url.host, intake.base_url.port)
    writer.write("\r\n".join(lines).encode())
    assert b" 413 " in await reader.readline()
    writer.close()
    assert await offset_of(intake, path) == 0


async def test_an_upload_that_was_terminated_is_gone(intake: httpx.AsyncClient, services: Services) -> None:
    path = await created(intake, 10)
    assert (await intake.delete(path)).status_code == 204
    assert (await services.uploads.read(id_of(path))).status is Status.CANCELLED
    for answer in (await append(intake, path, 0, b"x"), await intake.delete(path)):
        problem(answer, 410, "upload_ended")
    assert (await intake.head(path)).status_code == 410


async def test_a_request_whose_upload_is_cancelled_meanwhile_is_not_repeated(
    intake: httpx.AsyncClient, services: Services
) -> None:
    path = await created(intake, 10)

    async def body() -> AsyncIterator[bytes]:
        yield b"abc"
        await services.lifecycle.cancel(id_of(path))

    problem(await append(intake, path, 0, body()), 410, "upload_ended")


async def test_an_upload_that_was_cancelled_in_the_queue_has_not_arrived(intake: httpx.AsyncClient) -> None:
    path = await created(intake, 3)
    assert (await append(intake, path, 0, b"abc")).status_code == 204
    assert (await intake.delete(path)).status_code == 204
    assert (await intake.head(path)).status_code == 410
    problem(await intake.delete(path), 410, "upload_ended")


async def test_clients_that_can_only_post_override_the_method(intake: httpx.AsyncClient) -> None:
    path = await created(intake, 10)
    headers = BYTES | {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    answer = await intake.post(path, headers=headers, content=b"abc")
    assert answer.headers.get("upload-offset") == "3", answer.text
    problem(await intake.post(path, headers={"X-HTTP-Method-Override": "PUT"}), 400, "invalid_request")
    assert (await intake.post(path, headers={"X-HTTP-Method-Override": "DELETE"})).status_code == 204


async def test_an_upload_that_was_whole_when_the_intake_was_killed_is_completed_by_a_look_at_it(
    intake: httpx.AsyncClient, services: Services
) -> None:
    path = await created(intake, 3)

    async def body() -> AsyncIterator[bytes]:
        yield b"abc"

    await services.appends.append(id_of(path), 0, body())
    assert (await services.uploads.read(id_of(path))).status is Status.RECEIVING
    assert await offset_of(intake, path) == 3
    assert (await services.uploads.read(id_of(path))).status is Status.QUEUED


@pytest.mark.parametrize("changes", [{"auth_mode": "required"}])
async def test_uploads_of_others_do_not_exist(intake: httpx.AsyncClient, services: Services) -> None:
    anna, olga = [await key_of(services, name, scopes={Scope.FILES_WRITE}) for name in ("anna", "olga")]
    reader = await key_of(services, "anna", scopes={Scope.JOBS_READ})
    path = await created(intake, 3, headers=anna)
    problem(await intake.post(PATH, headers={"Upload-Length": "3"}), 401, "unauthenticated")
    problem(await append(intake, path, 0, b"abc", **reader), 403, "forbidden")
    problem(await append(intake, path, 0, b"abc", **olga), 404, "job_not_found")
    problem(await intake.delete(path, headers=olga), 404, "job_not_found")
    assert (await append(intake, path, 0, b"abc", **anna)).status_code == 204
    assert (await services.uploads.read(id_of(path))).owner == "anna"
    actions = await services.database.fetch("SELECT action FROM access_audit ORDER BY at")
    assert [(row["action"]) for row in actions] == ["createTusUpload", "completeUpload"]


@pytest.mark.parametrize("changes", [{"auth_mode": "required"}])
async def test_a_look_at_the_upload_of_somebody_else_changes_nothing(
    intake: httpx.AsyncClient, services: Services
) -> None:
    anna = await key_of(services, "anna")
    support = await key_of(services, "sue", Role.SUPPORT)
    path = await created(intake, 3, headers=anna)

    async def body() -> AsyncIterator[bytes]:
        yield b"abc"

    await services.appends.append(id_of(path), 0, body())
    seen = await intake.head(path, headers=support)
    assert (seen.status_code, seen.headers["upload-offset"]) == (200, "3")
    assert (await services.uploads.read(id_of(path))).status is Status.RECEIVING
    assert (await intake.head(path, headers=anna)).status_code == 200
    assert (await services.uploads.read(id_of(path))).status is Status.QUEUED


@pytest.mark.parametrize("changes", [{"cors_origins": ("https://site.example",)}])
async def test_pages_of_other_origins_may_use_it(intake: httpx.AsyncClient) -> None:
    origin = {"Origin": "https://site.example"}
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "tus-resumable,upload-offset"}
    answer = await intake.options(f"{PATH}/{UUID(int=1)}", headers=origin | asked)
    assert answer.status_code == 200
    assert "PATCH" in answer.headers["access-control-allow-methods"]
    answer = await intake.post(PATH, headers=origin | {"Upload-Length": "3"})
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"location", "upload-offset", "upload-length", "upload-expires", "tus-resumable"} <= exposed


@pytest.mark.parametrize("changes", [{"max_open_uploads": 1}])
async def test_the_limits_of_uploads_count(intake: httpx.AsyncClient) -> None:
    await created(intake, 3)
    problem(await intake.post(PATH, headers={"Upload-Length": "3"}), 429, "too_many_uploads")
