"""Files in forms: from the client through the intake into the catalogue, or nothing of them stays."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import UUID
from zlib import crc32

import httpx
import pytest

from app.access.principals import Role, Scope
from app.intake.tus import PATH
from jobs.access.keys import revoke_key
from jobs.engine.jobs import Status
from jobs.files.visibility import Visibility
from jobs.services import Services
from tests.app.intake.forms import END, HEAD, answered, begin, curl
from tests.app.shared import problem
from tests.helpers.access import key_of
from tests.helpers.eventually import eventually
from tests.helpers.raw_http import raw_client
from tests.helpers.running import serving, taking_in, working
from tests.helpers.settings import with_changes
from tests.helpers.uploads import files_of, objects

MIB = 1 << 20
FORM = "/v1/upload/form"


@pytest.fixture
async def intake(services: Services) -> AsyncIterator[str]:
    async with taking_in(services.settings) as url:
        yield url


@pytest.fixture
async def client(intake: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=intake, timeout=60) as client:
        yield client


async def jobs(services: Services) -> list[tuple[UUID, Status]]:
    rows = await services.database.fetch("SELECT id, status FROM jobs ORDER BY id")
    return [(row["id"], Status(row["status"])) for row in rows]


async def until_received(services: Services, count: int) -> UUID:
    """Waits until that many bytes of the only upload are in the store; returns its job."""

    async def arrived() -> UUID | None:
        rows = await services.database.fetch("SELECT id, bytes_done FROM jobs")
        return rows[0]["id"] if rows and rows[0]["bytes_done"] >= count else None

    found = await eventually(arrived)
    assert found is not None
    return found


async def until_cancelled(services: Services) -> None:
    async def is_cancelled() -> bool:
        return [status for _, status in await jobs(services)] == [Status.CANCELLED]

    await eventually(is_cancelled)


async def until_nothing_is_stored(services: Services) -> None:
    async with working(services.settings):

        async def is_empty() -> bool:
            return await objects(services) == []

        await eventually(is_empty)


@pytest.mark.parametrize("size", [0, 5, 13 * MIB + 1])
async def test_a_file_of_a_form_is_a_file_of_the_catalogue(
    client: httpx.AsyncClient, services: Services, size: int
) -> None:
    data = os.urandom(size)
    fields = {"visibility": "shared", "groups": ["team", "staff"], "lastModified": "2026-01-02T03:04:05Z"}
    answer = await client.post(FORM, data=fields, files={"file": ("../../x/b:c.bin", data)})
    assert answer.status_code == 202, answer.text
    [item] = answer.json()["jobs"]
    assert answer.headers["location"] == item["links"]["self"] == f"http://127.0.0.1/v1/upload/job/{item['jobId']}"
    assert (item["status"], item["upload"]["name"], item["upload"]["size"]) == ("queued", "x/b_c.bin", size)
    job_id = UUID(item["jobId"])
    async with working(services.settings):
        await eventually(lambda: files_of(services, job_id))
    [file] = await files_of(services, job_id)
    assert (file.name, file.size, file.crc32) == ("x/b_c.bin", size, crc32(data))
    assert (file.visibility, file.groups) == (Visibility.SHARED, ("staff", "team"))
    assert b"".join([chunk async for chunk in services.storage.objects.read(file.key, str(file.etag), 0, size)]) == data


async def test_a_form_says_what_is_to_be_made_of_its_file(client: httpx.AsyncClient, services: Services) -> None:
    async def wishes(**fields: str) -> Any:
        answer = await client.post(FORM, data=fields, files={"file": ("a.png", b"x")})
        assert answer.status_code == 202, answer.text
        return (await services.uploads.read(UUID(answer.json()["jobs"][0]["jobId"]))).wishes

    assert await wishes(recipe="none") is None
    assert (await wishes(onProcessingError="fail") or {})["onError"] == "fail"
    assert (await wishes() or {})["onError"] == "keep"
    wrong = await client.post(FORM, data={"recipe": "all"}, files={"file": ("a.png", b"x")})
    assert wrong.status_code == 400


@pytest.mark.parametrize("expect", [[], ["-H", "Expect:"]], ids=["Expect", "no Expect"])
@pytest.mark.parametrize("size", [3_000, 12 * MIB], ids=["small", "large"])
async def test_curl_follows_the_redirect_of_the_gateway_with_its_key_once(
    services: Services, tmp_path: Path, size: int, expect: list[str]
) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(os.urandom(size))
    settings = with_changes(services.settings, auth_mode="required")
    key = await key_of(services, "olga", scopes={Scope.FILES_WRITE})
    async with taking_in(settings) as intake:
        async with serving(with_changes(settings, intake_url=intake)) as gateway:
            arguments = ["-L", "-F", f"file=@{path}", "-H", f"Authorization: {key['Authorization']}", *expect]
            answer = await curl(f"{gateway}/upload", *arguments)
            assert (answer.code, answer.status, answer.redirects) == (0, 202, 1), answer
            [item] = answer.json["jobs"]
            assert (item["upload"]["name"], item["upload"]["size"]) == ("x.bin", size)
            if size > MIB and not expect:
                assert answer.sent < size + 1000, "the body was sent twice, although the gateway has said no before"
            anonymous = await curl(f"{gateway}/upload", "-L", "-F", f"file=@{path}", *expect)
            assert (anonymous.status, anonymous.json["error"]) == (401, "unauthenticated")
    rows = await services.database.fetch("SELECT owner FROM jobs")
    assert [row["owner"] for row in rows] == ["olga"]
    audited = await services.database.fetch("SELECT action, actor FROM access_audit")
    assert [(row["action"], row["actor"]) for row in audited] == [("uploadForm", "olga")]


async def test_the_gateway_answers_before_the_body_and_closes_the_connection(services: Services) -> None:
    settings = with_changes(services.settings, intake_url="http://intake.example")
    async with serving(settings) as gateway:
        async with raw_client(gateway) as client:
            await begin(client, 10**9, "Expect: 100-continue", path="/upload")
            assert (await answered(client)).status == 307  # and no 100 before it
        async with raw_client(gateway) as client:
            await begin(client, 10**9, path="/upload")
            await client.send(HEAD, b"x" * 60_000)
            answer = await answered(client)
            assert (answer.status, answer.headers["connection"]) == (307, "close")
            async with asyncio.timeout(30):
                while await client.send(b"x" * MIB):
                    pass


async def test_a_second_file_is_refused_and_nothing_stays(client: httpx.AsyncClient, services: Services) -> None:
    two = [("file", ("a.bin", b"a" * 6 * MIB)), ("file", ("b.bin", b"b"))]
    answer = await client.post(FORM, files=two)
    problem(answer, 400, "invalid_request")
    assert "send each in a request of its own. Nothing was stored" in answer.text
    await until_cancelled(services)
    await until_nothing_is_stored(services)


async def test_a_client_that_leaves_cancels_its_upload(intake: str, services: Services) -> None:
    async with raw_client(intake) as client:
        await begin(client, 100 * MIB)
        await client.send(HEAD, b"x" * 7 * MIB)
        await until_received(services, 5 * MIB)
    await until_cancelled(services)
    await until_nothing_is_stored(services)


@pytest.mark.parametrize("changes", [{"max_form_bytes": 1000}])
async def test_a_form_over_the_limit_is_refused_before_it_is_read(intake: str, services: Services) -> None:
    async with raw_client(intake) as client:
        await begin(client, 1000, "Expect: 100-continue")
        answer = await answered(client)
        assert (answer.status, answer.problem(), answer.headers["connection"]) == (413, "body_too_large", "close")
    async with raw_client(intake) as client:
        await begin(client, None)
        for data in (HEAD, b"x" * 900):
            await client.send(f"{len(data):x}\r\n".encode(), data, b"\r\n")
        assert (await answered(client)).status == 413
    assert await objects(services) == []
    assert {status for _, status in await jobs(services)} <= {Status.CANCELLED}


@pytest.mark.parametrize("changes", [{"auth_mode": "required"}])
async def test_nothing_is_read_of_somebody_who_may_not_upload(intake: str, services: Services) -> None:
    reader = await key_of(services, "otto", Role.ADMIN, scopes={Scope.FILES_READ})
    for headers, status in (((), 401), ((f"Authorization: {reader['Authorization']}",), 403)):
        async with raw_client(intake) as client:
            await begin(client, 10**9, "Expect: 100-continue", *headers)
            answer = await answered(client)
            assert (answer.status, answer.headers["connection"]) == (status, "close")
    assert await jobs(services) == []


@pytest.mark.parametrize("changes", [{"auth_mode": "required"}])
async def test_a_key_may_expire_while_a_form_arrives(
    intake: str, client: httpx.AsyncClient, services: Services
) -> None:
    key = await key_of(services, "olga", scopes={Scope.FILES_WRITE}, expires_in=4)
    async with raw_client(intake) as raw:
        await begin(raw, 2, f"Authorization: {key['Authorization']}")
        await raw.send(HEAD, b"x")

        async def has_expired() -> bool:
            return (
                await client.head(f"{PATH}/{UUID(int=1)}", headers={**key, "Tus-Resumable": "1.0.0"})
            ).status_code == 401

        await eventually(has_expired)
        await raw.send(b"x", END)
        assert (await answered(raw)).status == 202


@pytest.mark.parametrize("changes", [{"auth_mode": "required"}])
async def test_a_form_is_refused_while_it_arrives_if_its_key_is_revoked(intake: str, services: Services) -> None:
    key = await key_of(services, "olga", scopes={Scope.FILES_WRITE}, key_id="olgaskey")
    async with raw_client(intake) as raw:
        await begin(raw, 10**9, f"Authorization: {key['Authorization']}")
        await raw.send(HEAD, b"x")

        async def has_begun() -> bool:
            return bool(await jobs(services))

        await eventually(has_begun)
        await revoke_key(services.database, "olgaskey")
        answering = asyncio.create_task(answered(raw))
        while not answering.done():
            await raw.send(b"x")
            await asyncio.sleep(0.05)
        answer = await answering
        assert (answer.status, answer.problem()) == (401, "unauthenticated")
    await until_cancelled(services)


@pytest.mark.parametrize("changes", [{"max_open_uploads": 1}])
async def test_limits_of_uploads_are_checked_before_the_file_is_read(intake: str, services: Services) -> None:
    async with raw_client(intake) as first, raw_client(intake) as second:
        await begin(first, 100)
        await first.send(HEAD)

        async def is_open() -> bool:
            return bool(await jobs(services))

        await eventually(is_open)
        await begin(second, 10**9)
        await second.send(HEAD)
        answer = await answered(second)
        assert (answer.status, answer.problem(), answer.headers["connection"]) == (429, "too_many_uploads", "close")
        await first.send(b"x" * 100, END)
        assert (await answered(first)).status == 202


@pytest.mark.parametrize("changes", [{"body_timeout": 1.0}])
async def test_a_body_may_take_long_as_long_as_it_moves(intake: str, services: Services) -> None:
    async with raw_client(intake) as client:
        await begin(client, 25)
        await client.send(HEAD)
        for _ in range(25):
            await client.send(b"x")
            await asyncio.sleep(0.1)  # longer than the time-out, all in all
        await client.send(END)
        assert (await answered(client)).status == 202
    async with raw_client(intake) as client:
        await begin(client, 25)
        await client.send(HEAD, b"x")
        assert (await answered(client)).status == 408

    async def are_over() -> bool:
        return [status for _, status in await jobs(services)] == [Status.QUEUED, Status.CANCELLED]

    await eventually(are_over)


async def test_a_shutdown_cancels_what_it_breaks_off(services: Services) -> None:
    settings = with_changes(services.settings, shutdown_timeout=1)
    async with AsyncExitStack() as stack:
        async with taking_in(settings) as intake:
            client = await stack.enter_async_context(raw_client(intake))
            await begin(client, 100 * MIB)
            await client.send(HEAD, b"x" * 7 * MIB)
            await until_received(services, 5 * MIB)
        answer = await answered(client)
        assert (answer.status, answer.problem()) == (503, "server_stops")
    assert [status for _, status in await jobs(services)] == [Status.CANCELLED]


async def test_the_response_comes_soon_after_the_last_byte(intake: str, services: Services) -> None:
    """The upload is queued by then. How soon is measured by `make bench-uploads`."""
    async with raw_client(intake) as client:
        await begin(client, 8 * MIB)
        await client.send(HEAD, b"x" * 8 * MIB, END[:-3])
        await until_received(services, 5 * MIB)
        assert [status for _, status in await jobs(services)] == [Status.RECEIVING]
        await client.send(END[-3:])
        answer = await answered(client)
    assert (answer.status, answer.json["jobs"][0]["status"]) == (202, "queued")


async def test_a_ticket_uploads_one_file(services: Services) -> None:
    settings = with_changes(services.settings, auth_mode="required")
    key = await key_of(services, "olga", groups=["team"])
    async with taking_in(settings) as intake, serving(with_changes(settings, intake_url=intake)) as gateway:
        async with httpx.AsyncClient(timeout=30) as client:
            there = (await client.post(f"{gateway}/upload", headers=key)).headers["location"]
            stream = (await client.post(f"{gateway}/v1/access/tickets", headers=key)).json()["ticket"]
            assert (await client.post(there, files={"file": b"x"})).status_code == 202
            problem(await client.post(there, files={"file": b"x"}), 401, "unauthenticated")
            wrong = await client.post(f"{intake}{FORM}", params={"ticket": stream}, files={"file": b"x"})
            problem(wrong, 403, "forbidden")
