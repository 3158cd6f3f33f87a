"""Opens the tracer of a process."""

from __future__ import annotations

from jobs.settings import TraceSettings
from jobs.tracing.spans import Tracer

PATH = "/v1/traces"
"""Where a collector receives traces, below `OTEL_EXPORTER_OTLP_ENDPOINT` (OTLP specification, "OTLP/HTTP Request")."""


def open_tracer(settings: TraceSettings) -> Tracer:
    """A tracer that sends to the collector of the settings; without one, a tracer that records nothing."""
    endpoint = settings.otel_exporter_otlp_traces_endpoint
    if endpoint is None and settings.otel_exporter_otlp_endpoint is not None:
        endpoint = f"{settings.otel_exporter_otlp_endpoint.rstrip('/')}{PATH}"
    if endpoint is None or settings.otel_sdk_disabled:
        return Tracer()
    from jobs.tracing.otlp import OtlpTracer  # noqa: PLC0415 - it takes time and memory, and most do without

    return OtlpTracer(settings, endpoint)
