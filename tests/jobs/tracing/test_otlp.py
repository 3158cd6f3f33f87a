"""The tracer: which spans are recorded, how they are sent, and what happens while nothing receives them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
import structlog

from jobs.errors import ErrorClass, StorageTimeout
from jobs.settings import TraceSettings
from jobs.tracing import otlp
from jobs.tracing.opening import open_tracer
from jobs.tracing.otlp import CLOSE_PATIENCE, OtlpTracer
from jobs.tracing.spans import UNTRACED, Tracer, running, step
from tests.helpers.collectors import Collector, collecting, traceparent, until_idle
from tests.helpers.eventually import eventually
from tests.helpers.listening import listening
from tests.helpers.settings import CLOSED

pytestmark = pytest.mark.servers

JOB = UUID("0198f0b0-0000-7000-8000-000000000001")


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with collecting() as running_collector:
        yield running_collector


@asynccontextmanager
async def tracing(collector: Collector, **changes: Any) -> AsyncIterator[Tracer]:
    """A tracer that has sent all when the block has ended."""
    tracer = open_tracer(TraceSettings(otel_exporter_otlp_endpoint=collector.url, **changes))
    assert isinstance(tracer, OtlpTracer)
    yield tracer
    await tracer.close()


async def test_without_an_endpoint_nothing_is_traced_and_nothing_of_the_sdk_is_loaded() -> None:
    assert type(open_tracer(TraceSettings())) is Tracer
    disabled = TraceSettings(otel_exporter_otlp_endpoint="http://127.0.0.1:4318", otel_sdk_disabled=True)
    assert type(open_tracer(disabled)) is Tracer
    code = """
import sys
import app.server, jobs.worker
from jobs.settings import TraceSettings
from jobs.tracing.opening import open_tracer
open_tracer(TraceSettings())
print(sorted(name for name in sys.modules if name.partition(".")[0] in {"opentelemetry", "requests"}))
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    found, _ = await process.communicate()
    assert (process.returncode, found.decode().strip()) == (0, "[]")


async def test_a_step_is_a_child_of_the_current_span_in_whichever_task_it_runs(collector: Collector) -> None:
    async def work() -> None:
        with step("inner", bytes=5, nothing=None):
            await asyncio.sleep(0)

    async with tracing(collector, otel_traces_sampler="always_on", otel_service_name="site") as tracer:
        with running(tracer.begin("outer", None)) as span:
            span.set({"haulage.job.id": str(JOB)})
            await asyncio.gather(asyncio.create_task(work()), asyncio.create_task(work()))
        with step("after"):
            pass
    [outer], inner = collector.named("outer"), collector.named("inner")
    assert outer.parent_id == ""
    assert [(one.trace_id, one.parent_id) for one in inner] == [(outer.trace_id, outer.span_id)] * 2
    assert inner[0].attributes == {"haulage.bytes": 5}
    assert outer.attributes == {"haulage.job.id": str(JOB)}
    assert not collector.named("after")
    assert (outer.resource["service.name"], outer.resource["process.pid"]) == ("site", os.getpid())
    assert {path for path, _ in collector.requests} == {"/v1/traces"}


async def test_an_error_is_recorded_by_its_class_and_never_by_its_text(collector: Collector) -> None:
    async with tracing(collector, otel_traces_sampler="always_on") as tracer:
        for error in (StorageTimeout("secret.pdf"), ValueError("secret.pdf")):
            with pytest.raises(type(error)), running(tracer.begin("fails", None)):
                raise error
    timeout, bug = collector.named("fails")
    assert timeout.failed
    assert timeout.attributes == {"haulage.error_class": ErrorClass.TIMEOUT, "error.type": StorageTimeout.code}
    assert bug.attributes == {"error.type": "ValueError"}
    assert "secret" not in repr(collector.spans)


@pytest.mark.parametrize(
    ("sampler", "brought", "recorded"),
    [
        ("parentbased_traceidratio", None, False),
        ("parentbased_traceidratio", False, False),
        ("parentbased_traceidratio", True, True),
        ("parentbased_always_on", None, True),
        ("parentbased_always_on", False, False),
        ("parentbased_always_off", None, False),
        ("parentbased_always_off", True, True),
        ("traceidratio", True, False),
        ("always_on", False, True),
        ("always_off", True, False),
    ],
)
async def test_a_request_is_sampled_as_the_sampler_says(
    collector: Collector, sampler: str, brought: bool | None, recorded: bool
) -> None:
    header = None if brought is None else traceparent(sampled=brought)
    async with tracing(collector, otel_traces_sampler=sampler, otel_traces_sampler_arg=0) as tracer:
        with running(tracer.begin("request", header)) as span:
            assert (span.traceparent is not None) == recorded
            with step("inner"):
                pass
    assert len(collector.spans) == (2 if recorded else 0)


async def test_one_of_a_hundred_is_sampled_by_default(collector: Collector) -> None:
    async with tracing(collector) as tracer:
        spans = [tracer.begin("request", None) for _ in range(20_000)]
    assert 100 < sum(span is not UNTRACED for span in spans) < 320  # six standard deviations about 200


async def test_an_attempt_follows_its_job_and_can_be_named_by_another_process(collector: Collector) -> None:
    async with tracing(collector, otel_traces_sampler="always_on") as tracer, tracing(collector) as other:
        assert tracer.resume("attempt", None, job_id=JOB, fence=2) is UNTRACED
        with running(tracer.begin("create", traceparent())) as create:
            pass
        assert create.traceparent is not None
        with running(tracer.resume("attempt", create.traceparent, job_id=JOB, fence=2)) as first:
            pass
        with running(other.resume("attempt", create.traceparent, job_id=JOB, fence=4)) as second:
            second.link(other.attempt_traceparent(create.traceparent, job_id=JOB, fence=2))
    assert first.traceparent == other.attempt_traceparent(create.traceparent, job_id=JOB, fence=2)
    [created], [one, two] = collector.named("create"), collector.named("attempt")
    assert [one.parent_id, two.parent_id] == [created.span_id] * 2
    assert one.span_id != two.span_id
    assert two.links == [(one.trace_id, one.span_id)]


async def test_variables_of_the_sdk_apply_too(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
    async with tracing(collector, otel_traces_sampler="always_on") as tracer:
        tracer.begin("one", None).end()
    [(_, headers)] = collector.requests
    assert (headers["authorization"], headers["content-encoding"]) == ("Bearer abc", "gzip")
    assert collector.spans[0].resource["deployment.environment.name"] == "test"


async def test_the_endpoint_for_traces_is_used_as_it_is(collector: Collector) -> None:
    settings = TraceSettings(
        otel_exporter_otlp_endpoint=f"http://{CLOSED}",
        otel_exporter_otlp_traces_endpoint=f"{collector.url}/own/path",
        otel_traces_sampler="always_on",
    )
    tracer = open_tracer(settings)
    tracer.begin("one", None).end()
    await tracer.close()
    assert [path for path, _ in collector.requests] == ["/own/path"]


async def test_a_collector_that_refuses_is_logged_once_and_its_return_too(collector: Collector) -> None:
    collector.status = 400
    with structlog.testing.capture_logs() as lines:
        async with tracing(collector, otel_traces_sampler="always_on") as tracer:
            for count in (1, 2, 3):
                tracer.begin("lost", None).end()
                await eventually(lambda count=count: len(collector.requests) >= count)  # type: ignore[misc]
            collector.status = 200
            tracer.begin("sent", None).end()
            await eventually(lambda: collector.spans)
    failed, recovered = lines
    assert (failed["event"], failed["log_level"], failed["lost"]) == ("traces_failed", "warning", 1)
    assert "400" in failed["reason"]
    assert (recovered["event"], recovered["lost"]) == ("traces_recovered", 3)


async def test_a_collector_that_stays_away_is_logged_again_later(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "LOG_INTERVAL", 0.0)
    collector.status = 400
    with structlog.testing.capture_logs() as lines:
        async with tracing(collector, otel_traces_sampler="always_on") as tracer:
            for count in (1, 2):
                tracer.begin("lost", None).end()
                await eventually(lambda count=count: len(collector.requests) >= count)  # type: ignore[misc]
    assert [(line["event"], line["lost"]) for line in lines] == [("traces_failed", 1), ("traces_failed", 2)]


async def test_a_collector_that_is_away_delays_no_span_and_the_end_by_seconds_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")

    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        del writer
        while await reader.read(65536):
            pass

    async with listening(stay_silent) as url:
        with structlog.testing.capture_logs() as lines:
            tracer = open_tracer(TraceSettings(otel_exporter_otlp_endpoint=url, otel_traces_sampler="always_on"))
            for _ in range(5_000):  # more than its queue holds
                tracer.begin("lost", None).end()
            began = monotonic()
            await tracer.close()
            ended = monotonic()
    await until_idle()
    assert ended - began < CLOSE_PATIENCE + 5
    assert [line["event"] for line in lines] == ["traces_failed"]
