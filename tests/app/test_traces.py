"""Traces end to end: gateway and worker send their spans to a collector, and one trace shows a job's whole life."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog

from jobs.engine.jobs import Status
from jobs.services import Services
from jobs.settings import Settings
from tests.helpers.busy_store import http_response, intercepting, operation_of, s3_error
from tests.helpers.catalogue import Catalogue
from tests.helpers.collectors import Collector, ReceivedSpan, collecting, traceparent, until_idle
from tests.helpers.jobs import commands, ended, read_job
from tests.helpers.media import encoded, photo
from tests.helpers.running import serving, working
from tests.helpers.settings import CLOSED, with_changes
from tests.helpers.uploads import send

TRACE = f"{0xA1B2C3:032x}"
CALLER = f"{0xFEED:016x}"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with collecting() as running_collector:
        yield running_collector


@pytest.fixture
def changes() -> dict[str, Any]:
    """Those of the test's own services, which are not traced."""
    return {"bundle_reuse": False, "s3_part_copy": "never", "log_level": "info"}


@pytest.fixture
def traced(settings: Settings, collector: Collector) -> Settings:
    """Only what a request wants to be traced is."""
    return with_changes(settings, otel_exporter_otlp_endpoint=collector.url, otel_traces_sampler_arg=0)


async def initiate(url: str, ids: list[int], header: str | None, **more: str) -> str:
    """The path of a new job."""
    headers = more if header is None else {"traceparent": header, **more}
    async with httpx.AsyncClient(base_url=url) as api:
        answer = await api.post("/v1/download/initiate", json={"file_ids": ids, "archiveName": "a"}, headers=headers)
    assert answer.status_code == 202, answer.text
    return str(answer.headers["location"])


def id_of(path: str) -> UUID:
    return UUID(path.rpartition("/")[2])


def only(spans: list[ReceivedSpan]) -> ReceivedSpan:
    [span] = spans
    return span


async def test_one_trace_shows_create_attempt_and_retry(
    services: Services, settings: Settings, traced: Settings, collector: Collector, catalogue: Catalogue
) -> None:
    ids = [await catalogue.add(os.urandom(6 << 20), f"private name {n}.bin") for n in range(3)]
    refused: list[bytes] = []

    def refuse(head: bytes) -> bytes | None:
        """The store refuses one part, once, in a way that ends the attempt."""
        if operation_of(head) != "part" or refused:
            return None
        refused.append(head)
        return http_response("400 Bad Request", s3_error("InvalidRequest"))

    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        async with intercepting(settings.s3_endpoint) as store:
            store.respond = refuse
            async with serving(traced) as url, working(with_changes(traced, s3_endpoint=store.url)):
                path = await initiate(url, ids, traceparent())
                async with httpx.AsyncClient(base_url=url, timeout=30) as api:
                    assert (await ended(api, path))["status"] == "completed"
    job = await read_job(services, id_of(path))
    assert (job.status, job.trace_id) == (Status.COMPLETED, TRACE)
    assert {span.trace_id for span in collector.spans} == {TRACE}
    create = only(collector.named("create job"))
    assert create.parent_id == CALLER
    assert job.traceparent == f"00-{TRACE}-{create.span_id}-01"
    first, second = collector.named("attempt")
    assert [first.parent_id, second.parent_id] == [create.span_id] * 2
    assert create.end <= first.start <= first.end <= second.start
    assert (first.links, second.links) == ([], [(TRACE, first.span_id)])
    assert first.failed
    assert (first.attributes["haulage.outcome"], second.attributes["haulage.outcome"]) == ("failed", "succeeded")
    assert first.attributes["error.type"] == "storage"
    assert not second.failed
    assert second.attributes["haulage.bytes"] == 3 * (6 << 20)
    assert second.attributes["haulage.job.id"] == str(job.id)
    assert (second.attributes["haulage.job.kind"], second.attributes["haulage.attempt"]) == ("download", 2)
    parts = collector.named("pack part")
    assert {part.parent_id for part in parts} == {first.span_id, second.span_id}
    assert any(part.failed for part in parts if part.parent_id == first.span_id)
    whole = [part for part in parts if not part.failed]
    assert sum(part.attributes["haulage.bytes"] for part in whole) > 3 * (6 << 20)
    assert only(collector.named("complete bundle")).parent_id == second.span_id
    assert "private name" not in repr(collector.spans)
    of_job = [line for line in lines if line.get("job_id") == str(job.id)]
    assert {"job_created", "job_moved", "attempt_started", "attempt_failed"} <= {line["event"] for line in of_job}
    assert {line["trace_id"] for line in of_job} == {TRACE}


async def test_an_upload_and_what_is_made_of_it_are_one_trace(
    services: Services, traced: Settings, collector: Collector
) -> None:
    data = encoded(photo(400, 200))
    async with serving(traced) as url, working(traced), httpx.AsyncClient(base_url=url, timeout=30) as api:
        body = {"files": [{"name": "secret.jpg", "size": len(data)}]}
        answer = await api.post("/v1/upload", json=body, headers={"traceparent": traceparent()})
        job_id = answer.json()["jobs"][0]["jobId"]
        await send(services, await services.uploads.read(UUID(job_id)), data)
        assert (await api.post(f"/v1/upload/{job_id}/complete")).status_code == 202
        upload = await ended(api, f"/v1/upload/status/{job_id}")
        image = await ended(api, f"/v1/download/job/{upload['processing']['jobId']}")
    assert (upload["status"], image["status"]) == ("completed", "completed")
    assert {span.trace_id for span in collector.spans} == {TRACE}
    created, follow_up = only(collector.named("create jobs")), only(collector.named("create job"))
    of_upload, of_image = collector.named("attempt")
    assert created.attributes["haulage.job.id"] == job_id
    assert of_upload.parent_id == created.span_id
    assert follow_up.parent_id == of_upload.span_id
    assert of_image.parent_id == follow_up.span_id
    assert follow_up.attributes["haulage.job.kind"] == "image"
    parents = {span.name: span.parent_id for span in collector.spans}
    assert parents["assemble upload"] == parents["check file"] == of_upload.span_id
    assert parents["fetch source"] == parents["decode"] == of_image.span_id
    assert {span.parent_id for span in collector.named("store output")} == {only(collector.named("decode")).span_id}
    assert "secret" not in repr(collector.spans)


async def test_what_is_not_sampled_is_not_sent_but_keeps_the_trace_of_its_client(
    services: Services, traced: Settings, collector: Collector, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x")
    async with serving(traced) as url, working(traced), httpx.AsyncClient(base_url=url, timeout=30) as api:
        paths = [
            await initiate(url, [file_id], traceparent(sampled=False)),
            await initiate(url, [file_id], None),
            await initiate(url, [file_id], "00-broken"),
        ]
        for path in paths:
            assert (await ended(api, path))["status"] == "completed"
        twice = [("traceparent", traceparent(1)), ("traceparent", traceparent(2)), ("content-type", "application/json")]
        content = f'{{"file_ids": [{file_id}]}}'
        answer = await api.post("/v1/download/initiate", content=content, headers=twice)
    assert collector.requests == []
    found = [(await read_job(services, id_of(path))).traceparent for path in [*paths, answer.headers["location"]]]
    assert found == [traceparent(sampled=False), None, None, None]


async def test_without_traces_a_job_keeps_that_of_its_client_for_the_log(
    services: Services, settings: Settings, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x")
    with structlog.testing.capture_logs() as lines:
        async with serving(settings) as url:
            path = await initiate(url, [file_id], traceparent())
    job = await read_job(services, id_of(path))
    assert job.traceparent == traceparent()
    assert [line["trace_id"] for line in lines if line["event"] == "job_created"] == [TRACE]


async def test_polls_streams_lists_and_health_make_no_spans(
    traced: Settings, collector: Collector, catalogue: Catalogue
) -> None:
    """Though every one of them would be sampled."""
    everything = with_changes(traced, otel_traces_sampler="always_on")
    file_id = await catalogue.add(b"x")
    async with serving(everything) as url, httpx.AsyncClient(base_url=url, timeout=30) as api:
        path = await initiate(url, [file_id], traceparent())
        job_id = path.rpartition("/")[2]
        wanted = {"traceparent": traceparent()}
        etag = (await api.get(path, headers=wanted)).headers["etag"]
        for _ in range(3):
            assert (await api.get(path, headers={**wanted, "if-none-match": etag})).status_code == 304
        for other in (f"{path}/history", "/v1/download/jobs", "/health", "/health/live", "/v1/download/files"):
            assert (await api.get(other, headers=wanted)).status_code in {200, 503}, other
        await api.get(path, headers={**wanted, "prefer": "wait=1", "if-none-match": etag})
        async with api.stream("GET", f"/v1/download/stream/{job_id}", headers=wanted) as stream:
            assert stream.status_code == 200
            await anext(stream.aiter_bytes())
    assert [span.name for span in collector.spans] == ["create job"]


async def test_a_persons_retry_is_linked_to_the_job_which_stays_in_its_own_trace(
    services: Services, traced: Settings, collector: Collector, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x")
    async with serving(traced) as url, httpx.AsyncClient(base_url=url, timeout=30) as api:
        path = await initiate(url, [file_id], traceparent())
        await api.delete(path)
        other = {"traceparent": traceparent(0xBEEF)}
        retried = await api.post(f"{path}/retry", headers=other)
        assert retried.status_code == 202, retried.text
        async with working(traced):
            assert (await ended(api, path))["status"] == "completed"
    job = await read_job(services, id_of(path))
    create, retry, attempt = (only(collector.named(name)) for name in ("create job", "retry job", "attempt"))
    assert (job.trace_id, attempt.trace_id, retry.trace_id) == (TRACE, TRACE, f"{0xBEEF:032x}")
    assert retry.links == [(TRACE, create.span_id)]
    assert attempt.links == []


async def test_a_repeated_request_is_no_second_job_and_its_span_names_the_first(
    traced: Settings, collector: Collector, catalogue: Catalogue
) -> None:
    file_id = await catalogue.add(b"x")
    async with serving(traced) as url:
        first = await initiate(url, [file_id], traceparent(1), **{"Idempotency-Key": "k"})
        assert await initiate(url, [file_id], traceparent(2), **{"Idempotency-Key": "k"}) == first
    one, again = collector.named("create job")
    assert one.attributes["haulage.job.id"] == again.attributes["haulage.job.id"] == str(id_of(first))
    assert (one.attributes.get("haulage.outcome"), again.attributes["haulage.outcome"]) == (None, "repeated")


async def test_a_collector_that_is_away_costs_no_job_anything(
    services: Services, traced: Settings, catalogue: Catalogue
) -> None:
    away = with_changes(traced, otel_exporter_otlp_endpoint=f"http://{CLOSED}", otel_traces_sampler="always_on")
    file_id = await catalogue.add(b"x")
    with structlog.testing.capture_logs() as lines:
        async with serving(away) as url, working(away), httpx.AsyncClient(base_url=url, timeout=30) as api:
            for _ in range(3):
                path = await initiate(url, [file_id], None)
                assert (await ended(api, path))["status"] == "completed"
    await until_idle()
    assert await commands(services, id_of(path)) == ["create", "claim", "succeed"]
    failures = [line for line in lines if line["event"] == "traces_failed"]
    assert 1 <= len(failures) <= 4, "each process logs it once, and that its last spans could not be sent"
