"""Records spans with the OpenTelemetry SDK, and sends them to a collector by OTLP over HTTP.

Only `jobs.tracing.opening` imports this module, and only where traces are on: it takes a tenth of a second and some MB.
The SDK sends in a thread of its own, from a queue that discards spans when it is full: no job ever waits for a collector.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from time import monotonic
from uuid import UUID

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider, sampling
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator

from jobs.settings import TraceSettings
from jobs.tracing.spans import UNTRACED, Attribute, Span, Tracer
from jobs.tracing.traceparent import format_traceparent, ids_of

log = structlog.get_logger()

CLOSE_PATIENCE = 2.0
"""Seconds in which the last spans may be sent when a process ends. Its deadline (`jobs.shutdown`) leaves no more."""
LOG_INTERVAL = 300.0
"""Seconds between two log lines about a collector that is unavailable."""

_EXPORTER_LOG = logging.getLogger(OTLPSpanExporter.__module__)


class OtlpTracer(Tracer):
    """The tracer of one process."""

    def __init__(self, settings: TraceSettings, endpoint: str) -> None:
        self._ids = _Ids()
        self._exporter = _ReportingExporter(endpoint)
        resource = Resource.create(
            {
                "service.name": settings.otel_service_name,
                "service.version": version("haulage"),
                "host.name": socket.gethostname(),
                "process.pid": os.getpid(),
            }
        )
        self._provider = TracerProvider(_sampler(settings), resource, shutdown_on_exit=False, id_generator=self._ids)
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self._tracer = self._provider.get_tracer("haulage")

    def begin(self, name: str, traceparent: str | None) -> Span:
        context = trace.set_span_in_context(trace.INVALID_SPAN if traceparent is None else _remote(traceparent))
        return self._recorded(self._tracer.start_span(name, context, trace.SpanKind.PRODUCER))

    def resume(self, name: str, traceparent: str | None, *, job_id: UUID, fence: int) -> Span:
        if traceparent is None:
            return UNTRACED
        context = trace.set_span_in_context(_remote(traceparent))
        self._ids.following = _span_id(job_id, fence)
        return self._recorded(self._tracer.start_span(name, context, trace.SpanKind.CONSUMER))

    def attempt_traceparent(self, traceparent: str, *, job_id: UUID, fence: int) -> str:
        trace_id, _, flags = ids_of(traceparent)
        return format_traceparent(trace_id, _span_id(job_id, fence), flags)

    async def close(self) -> None:
        """The thread that sends is given up after `CLOSE_PATIENCE`, and does not keep the process alive."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=shut_down, name="traces-closing", daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_PATIENCE):
                await done.wait()
        except TimeoutError:
            log.warning("traces_failed", reason="The last spans could not be sent in time.")
        self._exporter.shutdown()

    def _recorded(self, span: trace.Span) -> Span:
        return _OtlpSpan(self._tracer, span) if span.is_recording() else UNTRACED


class _OtlpSpan(Span):
    """A span that is recorded."""

    def __init__(self, tracer: trace.Tracer, span: trace.Span) -> None:
        self._tracer = tracer
        self._span = span
        context = span.get_span_context()
        self.traceparent = format_traceparent(context.trace_id, context.span_id, context.trace_flags)

    def set(self, attributes: Mapping[str, Attribute]) -> None:
        self._span.set_attributes({name: value for name, value in attributes.items() if value is not None})

    def link(self, traceparent: str) -> None:
        self._span.add_link(_remote(traceparent).get_span_context())

    def child(self, name: str, attributes: Mapping[str, Attribute]) -> Span:
        child = _OtlpSpan(self._tracer, self._tracer.start_span(name, trace.set_span_in_context(self._span)))
        child.set(attributes)
        return child

    def fail(self, error_type: str) -> None:
        self._span.set_attribute("error.type", error_type)
        self._span.set_status(trace.StatusCode.ERROR)

    def end(self) -> None:
        self._span.end()


class _Ids(RandomIdGenerator):
    """Random ids, except that of the span of an attempt, which is set just before it begins."""

    def __init__(self) -> None:
        self.following: int | None = None

    def generate_span_id(self) -> int:
        following, self.following = self.following, None
        return super().generate_span_id() if following is None else following


class _ReportingExporter(SpanExporter):
    """The exporter of the SDK, whose errors are logged once in `LOG_INTERVAL` instead of at every try."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._exporter = OTLPSpanExporter(endpoint)
        self._logged_at: float | None = None
        self._lost = 0
        self._closed = False
        _EXPORTER_LOG.addFilter(_REASONS)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._closed:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._logged_at is not None:
                log.info("traces_recovered", endpoint=self._endpoint, lost=self._lost)
                self._logged_at, self._lost = None, 0
            return result
        self._lost += len(spans)
        if self._logged_at is None or monotonic() - self._logged_at >= LOG_INTERVAL:
            self._logged_at = monotonic()
            log.warning("traces_failed", endpoint=self._endpoint, lost=self._lost, reason=_REASONS.last)
        return result

    def shutdown(self) -> None:
        """Ends a try that is in progress, and makes no other."""
        if not self._closed:
            self._closed = True
            self._exporter.shutdown()  # type: ignore[no-untyped-call]

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)


class _LastMessage(logging.Filter):
    """Keeps the last message of a logger, and lets none pass."""

    last = ""

    def filter(self, record: logging.LogRecord) -> bool:
        self.last = record.getMessage()
        return False


_REASONS = _LastMessage()


def _span_id(job_id: UUID, fence: int) -> int:
    """The id of the span of an attempt. It is not stored, and so it has to follow from what is."""
    digest = hashlib.sha256(f"{job_id}/{fence}".encode()).digest()
    return int.from_bytes(digest[:8]) or 1  # zero is invalid


def _remote(traceparent: str) -> trace.NonRecordingSpan:
    trace_id, span_id, flags = ids_of(traceparent)
    return trace.NonRecordingSpan(
        trace.SpanContext(trace_id, span_id, is_remote=True, trace_flags=trace.TraceFlags(flags))
    )


def _sampler(settings: TraceSettings) -> sampling.Sampler:
    """The sampler of `OTEL_TRACES_SAMPLER`."""
    match settings.otel_traces_sampler.removeprefix("parentbased_"):
        case "always_on":
            root: sampling.Sampler = sampling.ALWAYS_ON
        case "always_off":
            root = sampling.ALWAYS_OFF
        case _:
            root = sampling.TraceIdRatioBased(settings.otel_traces_sampler_arg)
    return sampling.ParentBased(root) if settings.otel_traces_sampler.startswith("parentbased_") else root
