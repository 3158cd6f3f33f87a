"""Serves the metrics of this process to Prometheus, on a port of its own: `GET /metrics`.

A small server in the event loop, not a thread: both would keep the loop from running for as long, and only here can the
numbers of the whole installation be read from PostgreSQL before. Connections, bytes and time are bounded. Only a process
with `METRICS_PORT` imports this module, and with it prometheus_client.
"""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from jobs import metrics
from jobs.concurrency import cancel_and_wait
from jobs.settings import MetricsSettings

log = structlog.get_logger()

PORTS = 100
"""Ports that are tried, from `METRICS_PORT` on."""
MAX_CONNECTIONS = 8
MAX_HEAD = 8 * 1024
"""Bytes of a request."""
TIMEOUT = 5.0
"""Seconds for a request and its response."""
LAG_INTERVAL = 0.25
"""Seconds between two samples of the lag of the event loop."""


class _Instruments(Collector):
    """The metrics of `jobs.metrics`."""

    def collect(self) -> Iterator[Metric]:
        for metric in metrics.metrics():
            name, description, labels = metric.name, metric.description, metric.label_names
            if isinstance(metric, metrics.Histograms):
                histograms = HistogramMetricFamily(name, description, labels=labels)
                for values, histogram in metric:
                    histograms.add_metric(values, histogram.cumulative(), histogram.sum)
                yield histograms
            elif isinstance(metric, metrics.Gauges):
                gauges = GaugeMetricFamily(name, description, labels=labels)
                for values, gauge in metric:
                    gauges.add_metric(values, gauge.value)
                yield gauges
            elif isinstance(metric, metrics.Counters):
                counters = CounterMetricFamily(name, description, labels=labels)
                for values, counter in metric:
                    counters.add_metric(values, counter.value)
                yield counters


def new_registry() -> CollectorRegistry:
    """A registry with all metrics of this process, and with its memory, CPU, descriptors and garbage collections."""
    registry = CollectorRegistry()
    registry.register(_Instruments())
    ProcessCollector(registry=registry)
    GCCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


async def nothing() -> None:
    """Refreshes nothing."""


class MetricsServer:
    """Serves the metrics of this process. `refresh` is called before each response, and must not raise."""

    def __init__(self, refresh: Callable[[], Awaitable[None]] = nothing) -> None:
        self._refresh = refresh
        self._registry = new_registry()
        self._open: dict[asyncio.Task[None], asyncio.WriteTransport] = {}

    @asynccontextmanager
    async def running(self, settings: MetricsSettings) -> AsyncIterator[int]:
        """Lets the instruments count, and serves them while the block runs. Returns the port.

        Raises `OSError` if none of the ports is free.
        """
        server = await self._listen(settings)
        metrics.turn_on()
        port: int = server.sockets[0].getsockname()[1]
        log.info("metrics_started", host=settings.metrics_host, port=port)
        sampling = asyncio.create_task(_sample_lag())
        try:
            yield port
        finally:
            await cancel_and_wait(sampling)
            server.close()
            for transport in self._open.values():
                transport.abort()
            if self._open:
                await asyncio.wait(list(self._open))

    async def _listen(self, settings: MetricsSettings) -> asyncio.Server:
        first = settings.metrics_port
        for port in range(first, min(first + PORTS, 65_536)):
            try:
                return await asyncio.start_server(self._serve, settings.metrics_host, port, limit=MAX_HEAD)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
        raise OSError(errno.EADDRINUSE, f"None of the ports {first} to {first + PORTS - 1} is free")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves one request, and closes its connection; at once if too many are open."""
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer.transport
        try:
            if len(self._open) > MAX_CONNECTIONS:
                return
            async with asyncio.timeout(TIMEOUT):
                status, body = await self._respond(await reader.readuntil(b"\r\n\r\n"))
                writer.write(_head(status, len(body)) + body)
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass
        finally:
            writer.transport.abort()
            del self._open[task]

    async def _respond(self, head: bytes) -> tuple[HTTPStatus, bytes]:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if path != b"/metrics":
            return HTTPStatus.NOT_FOUND, b"See /metrics.\n"
        if method != b"GET":
            return HTTPStatus.METHOD_NOT_ALLOWED, b"Only GET is allowed here.\n"
        await self._refresh()
        return HTTPStatus.OK, generate_latest(self._registry)


def _head(status: HTTPStatus, length: int) -> bytes:
    kind = CONTENT_TYPE_LATEST if status is HTTPStatus.OK else "text/plain; charset=utf-8"
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {kind}",
        f"Content-Length: {length}",
        "Connection: close",
    ]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode()


async def _sample_lag() -> None:
    """Observes by how much the event loop is late, until it is cancelled."""
    clock = asyncio.get_running_loop().time
    lag = metrics.LOOP_LAG.labels()
    while True:
        due = clock() + LAG_INTERVAL
        await asyncio.sleep(LAG_INTERVAL)
        lag.observe(max(0.0, clock() - due))
