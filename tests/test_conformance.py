"""The conformance tests pass on the real gateway, and fail where a server or a proxy breaks the protocol."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from jobs.services import Services
from jobs.settings import Settings
from tests.app.cli.middleboxes import Middlebox
from tests.conformance import test_event_streams, test_websockets
from tests.conformance.job import Followed, JobUnderTest
from tests.conformance.raw_client import RawClient
from tests.conformance.recordings import Recording, has_ended
from tests.helpers.access import key_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.conformance import ConformanceTests
from tests.helpers.jobs import create
from tests.helpers.running import serving, working
from tests.helpers.settings import with_changes

POLLING, STREAMS, WEBSOCKETS, MESSAGES = (
    f"tests.conformance.test_{name}" for name in ("polling", "event_streams", "websockets", "messages")
)


@pytest.fixture
def conformance(project: Path, tmp_path: Path) -> ConformanceTests:
    return ConformanceTests(project, tmp_path)


@pytest.fixture
async def box(gateway: str, catalogue: Catalogue) -> AsyncIterator[Middlebox]:
    """A proxy in front of the gateway; there is a file in the catalogue."""
    await catalogue.add(b"hello", "a.txt")
    async with Middlebox(gateway).running() as box:
        yield box


@pytest.mark.parametrize("changes", [{}, {"queue": "postgres"}], ids=["redis", "postgres"])
async def test_the_gateway_passes_every_test_and_is_left_clean(
    conformance: ConformanceTests, box: Middlebox, settings: Settings, catalogue: Catalogue, api: httpx.AsyncClient
) -> None:
    for size in (3_000_000, 1_000_000):
        await catalogue.add(os.urandom(size), f"{size}.bin")
    process = await conformance.start(box.url)
    for part, times in (("/download/subscribe", 3), ("/stream/", 1), ("/stream?jobs", 1)):
        await box.asked_for(part, times)  # a job that ends before it is followed shows too little
    async with working(settings):
        report = await conformance.report(process)
    assert (report.code, report.failures, report.skipped) == (0, {}, {}), report.output
    assert report.passed > 40
    jobs = (await api.get("/v1/download/jobs")).json()["jobs"]
    assert [job["status"] for job in jobs] == ["expired"] * 2, "it has left a bundle behind"


async def test_a_gateway_that_requires_keys_passes_with_one(
    conformance: ConformanceTests,
    services: Services,
    settings: Settings,
    catalogue: Catalogue,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await catalogue.add(os.urandom(3_000_000), "a.bin")
    key = (await key_of(services, "olga"))["Authorization"].removeprefix("Bearer ")
    async with serving(with_changes(settings, auth_mode="required")) as url, Middlebox(url).running() as box:
        refused = await conformance(url)
        assert (refused.code, "set HAULAGE_TOKEN" in refused.output) == (4, True)
        monkeypatch.setenv("HAULAGE_TOKEN", key)
        process = await conformance.start(box.url)
        for part, times in (("/download/subscribe", 3), ("/stream/", 1), ("/stream?jobs", 1)):
            await box.asked_for(part, times)
        async with working(settings):
            report = await conformance.report(process)
    assert (report.code, report.failures, report.skipped) == (0, {}, {}), report.output


@pytest.mark.usefixtures("worker")
async def test_what_a_proxy_removes_is_noticed(conformance: ConformanceTests, box: Middlebox) -> None:
    box.rewrites = {
        b"\r\nx-accel-buffering": b"\r\nx-accel-bufferinx",
        b"\r\netag: ": b"\r\negat: ",
        b"\nid: ": b"\nie: ",
        (4404).to_bytes(2): (4405).to_bytes(2),
        b"Sec-WebSocket-Protocol": b"Sec-WebSocket-Protocoll"[1:],
    }
    report = await conformance(box.url)
    assert report.of(POLLING) == {"test_an_unchanged_etag_is_answered_with_304_and_no_body": "there is no ETag"}
    streams = report.of(STREAMS)
    assert streams.pop("test_an_event_has_the_type_of_its_message_and_the_id_seq_tick").startswith("id None instead")
    assert streams == {"test_its_headers_keep_proxies_from_buffering": "X-Accel-Buffering is None"}
    assert report.of(WEBSOCKETS) == {
        "test_haulage_v1_is_chosen_where_it_is_offered[offered]": "None was chosen",
        "test_haulage_v1_is_chosen_where_it_is_offered[offered among others]": "None was chosen",
        "test_other_subprotocols_are_closed_with_4406": "None was chosen",
        "test_an_unknown_job_is_closed_with_4404": "it is closed with 4405",
    }
    assert report.of(MESSAGES) == {}


async def test_an_order_that_goes_back_is_noticed(
    conformance: ConformanceTests, box: Middlebox, settings: Settings
) -> None:
    box.rewrites = {b'"seq":2,': b'"seq":9,'}
    process = await conformance.start(box.url)
    for part in ("/subscribe/", "/subscribe", "/stream/", "/stream?jobs"):
        await box.asked_for(part)
    async with working(settings):
        report = await conformance.report(process)
    assert " after (9, " in report.failures[MESSAGES, "test_the_order_never_goes_back"]


@pytest.mark.usefixtures("worker")
async def test_a_renamed_end_of_a_job_is_noticed(conformance: ConformanceTests, box: Middlebox) -> None:
    box.rewrites = {b'"type":"completed"': b'"type":"snapshot" '}
    report = await conformance(box.url)
    assert list(report.failures.values()) == [
        "event completed, type snapshot",
        "polling: type snapshot, status completed",
    ]


@pytest.mark.usefixtures("worker")
async def test_without_websockets_the_other_transports_are_tested(
    conformance: ConformanceTests, box: Middlebox
) -> None:
    box.cuts_upgrades = True
    report = await conformance(box.url)
    assert len(report.of(WEBSOCKETS)) > 12
    assert report.of(POLLING) == report.of(STREAMS) == {}


async def test_a_job_that_does_not_end_is_one_failure(
    conformance: ConformanceTests, gateway: str, catalogue: Catalogue, api: httpx.AsyncClient
) -> None:
    file_id = await catalogue.add(b"hello", "a.txt")
    report = await conformance(gateway, "--file-id", str(file_id), "--job-timeout", "2")
    assert report.code == 1
    assert report.failures == {
        (MESSAGES, "test_the_job_ends"): "it is queued after 2 s: is a worker running?",
    }
    assert sum(reason == "the job has not ended" for reason in report.skipped.values()) > 10
    jobs = (await api.get("/v1/download/jobs")).json()["jobs"]
    assert [job["status"] for job in jobs] == ["cancelled"] * 2


async def test_malformed_values_fail_tests_and_do_not_stop_the_run(
    conformance: ConformanceTests, box: Middlebox
) -> None:
    box.rewrites = {b'"status":"queued","attempt"': b'"status":["queu"],"attempt"', b'"seq":': b'"sEq":'}
    report = await conformance(box.url, "--job-timeout", "2")
    assert (MESSAGES, "test_the_job_ends") in report.failures
    assert report.passed > 10


async def test_a_silent_stream_without_comments_is_noticed(
    services: Services, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_event_streams, "COMMENT_WATCH", 1.5)
    monkeypatch.setattr(test_event_streams, "SILENCE", 1.0)
    monkeypatch.setattr("app.following.hub.HOUSEKEEPING_INTERVAL", 0.05)
    job = await create(services, 10_000)
    client, under_test = RawClient(gateway), JobUnderTest(job.id, job.id, {"status": "queued"})
    check = test_event_streams.test_a_silent_stream_sends_comments
    with pytest.raises(AssertionError, match="no byte for 1 s"):
        await asyncio.to_thread(check, client, under_test)
    monkeypatch.setattr("app.following.connections.KEEPALIVE_INTERVAL", (0.0, 0.0))
    await asyncio.to_thread(check, client, under_test)
    client.close()


def test_messages_of_an_unfollowed_job_are_noticed() -> None:
    first, second = uuid4(), uuid4()
    job = JobUnderTest(first, second, {"status": "completed", "seq": 5})
    messages = [{"jobId": str(first), "seq": 5}, {"jobId": str(second), "seq": 7}]

    def check(messages: list[dict[str, Any]], ending: str = "unfollowed") -> None:
        recording = Recording("unfollowed", messages, ending=ending)
        test_websockets.test_an_unfollowed_job_sends_no_more_and_the_others_do(Followed(job, [], recording), job)

    check(messages[:1])
    with pytest.raises(AssertionError, match="seq 7"):
        check(messages)
    with pytest.raises(AssertionError, match="the other job"):
        check([])
    with pytest.raises(pytest.skip.Exception, match="ended before"):
        check([], "late")


@pytest.mark.parametrize("status", [["queued"], {}, 7, None])
def test_a_malformed_status_is_not_the_end_of_a_job(status: object) -> None:
    assert not has_ended({"status": status})


async def test_an_empty_catalogue_ends_the_run_with_a_message(conformance: ConformanceTests, gateway: str) -> None:
    report = await conformance(gateway)
    assert report.code == 4
    assert "There is no small file in the catalogue: name some with --file-id." in report.output


@pytest.mark.servers
async def test_a_server_that_can_not_be_reached_ends_the_run_with_a_message(conformance: ConformanceTests) -> None:
    report = await conformance("http://127.0.0.1:9")
    assert report.code == 4
    assert "http://127.0.0.1:9 is not a Haulage server, or not running" in report.output
