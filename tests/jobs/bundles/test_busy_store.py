"""A store that asks for fewer calls, and one that puts its errors into good answers."""

from __future__ import annotations

import os
from typing import Any

import pytest
import structlog

from jobs.breakers import Circuit
from jobs.engine.jobs import Status
from jobs.engine.worker import outcomes
from jobs.services import Services, open_services
from jobs.settings import Settings
from jobs.storage import adaptive_limit
from tests.helpers.bundles import bundle_of
from tests.helpers.busy_store import http_response, intercepting, operation_of, s3_error, slow_down
from tests.helpers.catalogue import Catalogue
from tests.helpers.jobs import commands, create, read, until_command, until_ended
from tests.helpers.running import working
from tests.helpers.settings import with_changes
from tests.jobs.bundles.interruptions import until_some_parts

MIB = 1 << 20


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"bundle_reuse": False}


@pytest.mark.parametrize("copies", ["auto", "never"])
async def test_a_store_that_is_too_busy_for_every_third_call_costs_no_attempt_and_is_not_out(
    services: Services, settings: Settings, catalogue: Catalogue, copies: str
) -> None:
    contents = [os.urandom(size) for size in [*([20_000] * 60), 12 * MIB, 9 * MIB, 7 * MIB]]
    ids = [await catalogue.add(data, f"{n}") for n, data in enumerate(contents[:-1])]
    ids.append(await catalogue.add(contents[-1], "learnt from the store", crc32=None, sha256=None))
    async with intercepting(settings.s3_endpoint) as store:
        store.every(3, slow_down)
        changed = with_changes(settings, s3_endpoint=store.url, s3_part_copy=copies)
        with structlog.testing.capture_logs() as said:
            async with working(changed):
                job = await until_ended(services, await create(services, *ids))
    assert "circuit_changed" not in {entry["event"] for entry in said}
    assert (job.status, job.attempt) == (Status.COMPLETED, 1)
    assert await commands(services, job.id) == ["create", "claim", "succeed"]
    assert list((await bundle_of(services, job)).values())[:-1] == contents
    assert {"head", "get", "part"} <= set(store.intercepted)
    assert ("copy" in store.intercepted) == (copies == "auto")


@pytest.mark.usefixtures("services")  # the bucket is there
async def test_no_kind_of_call_is_given_up_for_a_slow_down(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is refused a few times in a row, more often than opens a circuit."""
    monkeypatch.setattr(adaptive_limit, "MAX_DELAY", 0.1)
    async with intercepting(settings.s3_endpoint) as store:
        async with open_services(with_changes(settings, s3_endpoint=store.url)) as through_proxy:
            storage, left = through_proxy.storage, 0

            def refuse(head: bytes) -> bytes | None:
                nonlocal left
                left -= 1
                return slow_down(head) if left >= 0 else None

            store.respond = refuse
            left = 6
            info = await storage.objects.put("k", os.urandom(6 * MIB), "application/zip")
            left = 6
            assert [len(chunk) async for chunk in storage.objects.read("k", info.etag, 0, 9)] == [9]
            left = 6
            upload_id = await storage.multipart.create("u", "application/zip")
            left = 6
            one = await storage.multipart.copy_part("u", upload_id, 1, "k", info.etag, 0, info.size)
            left = 6
            two = await storage.multipart.upload_part("u", upload_id, 2, b"x")
            left = 6
            await storage.multipart.complete("u", upload_id, [(1, one), (2, two)])
            left = 6
            assert (await storage.objects.head("u")).size == info.size + 1
            left = 6
            assert await storage.multipart.find_completed("u") is not None
            left = 6
            await storage.objects.delete(["u"])
            assert through_proxy.circuits["storage"] is Circuit.CLOSED
    assert set(store.intercepted) == {"put", "get", "create", "copy", "part", "complete", "head", "post"}


async def test_a_store_that_stays_too_busy_parks_the_job_uncharged(
    services: Services, settings: Settings, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptive_limit, "RETRY_TIMEOUT", 0.3)
    monkeypatch.setattr(outcomes, "STORAGE_PAUSE", 0.2)
    file_id = await catalogue.add(b"x", "x")
    async with intercepting(settings.s3_endpoint) as store:
        store.respond = lambda head: slow_down(head) if head.startswith(b"GET") else None
        async with working(with_changes(settings, s3_endpoint=store.url)):
            job = await create(services, file_id)
            await until_command(services, job, "park", times=4)
            assert (await read(services, job.id)).attempt <= 1
            store.respond = lambda _: None
            final = await until_ended(services, job)
    assert (final.status, final.attempt) == (Status.COMPLETED, 1)


@pytest.mark.parametrize("kind", ["copy", "complete"])
@pytest.mark.parametrize("code", ["InternalError", "SlowDown"])
async def test_an_error_inside_a_200_is_no_success_and_is_asked_again_within_the_attempt(
    services: Services, settings: Settings, catalogue: Catalogue, kind: str, code: str
) -> None:
    data = os.urandom(12 * MIB)
    file_id = await catalogue.add(data, "a")
    async with intercepting(settings.s3_endpoint) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            first = await until_ended(services, await create(services, file_id))  # the probe is over now
            store.once(kind, http_response("200 OK", s3_error(code)))
            job = await until_ended(services, await create(services, file_id))
    assert store.intercepted == {kind: 1}
    assert (first.status, job.status, job.attempt) == (Status.COMPLETED, Status.COMPLETED, 1)
    assert (await bundle_of(services, job))["a"] == data


async def test_a_copy_that_fails_late_is_all_that_the_next_attempt_copies(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    contents = [os.urandom(11 * MIB) for _ in range(6)]
    ids = [await catalogue.add(data, f"{n}") for n, data in enumerate(contents)]
    late = f"files/{ids[2]}\r".encode()
    others_are_done = False
    failed: list[bytes] = []
    again: list[bytes] = []

    def refuse(head: bytes) -> bytes | None:
        """The late one is put off until all others are done, and then fails."""
        if operation_of(head) != "copy":
            return None
        if failed:
            again.append(head)
            return None
        if late not in head.replace(b"%2F", b"/"):
            return None
        if not others_are_done:
            return slow_down(head)
        failed.append(head)
        return http_response("400 Bad Request", s3_error("InvalidRequest"))

    async with intercepting(settings.s3_endpoint) as store:
        async with working(with_changes(settings, s3_endpoint=store.url)):
            await until_ended(services, await create(services, ids[0]))  # the probe is over now
            store.respond = refuse
            job = await create(services, *ids)
            await until_some_parts(services, job)
            others_are_done = True
            job = await until_ended(services, job)
    assert (job.status, job.attempt) == (Status.COMPLETED, 2)
    assert list((await bundle_of(services, job)).values())[:6] == contents
    assert (len(failed), len(again)) == (1, 1)
