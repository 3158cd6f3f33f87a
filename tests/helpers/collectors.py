"""A collector of traces: an OTLP receiver over HTTP that keeps what it is sent."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

from jobs.tracing.traceparent import format_traceparent
from tests.helpers.eventually import eventually


@dataclass(frozen=True)
class ReceivedSpan:
    """A span as it came in. Ids are hexadecimal, times nanoseconds."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    links: list[tuple[str, str]]
    """Trace and span of each."""
    attributes: dict[str, Any]
    failed: bool
    start: int
    end: int
    resource: dict[str, Any]


@dataclass
class Collector:
    """`url` is its `OTEL_EXPORTER_OTLP_ENDPOINT`."""

    url: str = ""
    status: int = 200
    """With which it responds; it keeps nothing unless that is 200."""
    spans: list[ReceivedSpan] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Path and headers of each, whatever the response was."""

    def named(self, name: str) -> list[ReceivedSpan]:
        """The spans of this name, in the order in which they began."""
        return sorted((span for span in self.spans if span.name == name), key=lambda span: span.start)

    def receive(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.requests.append((path, headers))
        if self.status != 200:
            return
        raw = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        for one in ExportTraceServiceRequest.FromString(raw).resource_spans:
            resource = _plain(one.resource.attributes)
            for span in (span for scope in one.scope_spans for span in scope.spans):
                self.spans.append(
                    ReceivedSpan(
                        name=span.name,
                        trace_id=span.trace_id.hex(),
                        span_id=span.span_id.hex(),
                        parent_id=span.parent_span_id.hex(),
                        links=[(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
                        attributes=_plain(span.attributes),
                        failed=span.status.code == span.status.STATUS_CODE_ERROR,
                        start=span.start_time_unix_nano,
                        end=span.end_time_unix_nano,
                        resource=resource,
                    )
                )


def _plain(attributes: Any) -> dict[str, Any]:
    return {one.key: _value(one.value) for one in attributes}


def _value(value: AnyValue) -> Any:
    which = value.WhichOneof("value")
    return None if which is None else getattr(value, which)


async def until_idle() -> None:
    """Returns when no thread sends spans any more, also of tracers that could not wait for theirs."""
    await eventually(lambda: not [one for one in threading.enumerate() if one.name.startswith(("Otel", "traces-"))])


@contextmanager
def collecting() -> Iterator[Collector]:
    """Runs a collector on a free port of this machine, in threads."""
    collector = Collector()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            collector.receive(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            payload = ExportTraceServiceResponse().SerializeToString()
            self.send_response(collector.status)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the base class
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    collector.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def traceparent(trace: int = 0xA1B2C3, *, sampled: bool = True) -> str:
    """The header of a client that has a trace of its own."""
    return format_traceparent(trace, 0xFEED, int(sampled))
