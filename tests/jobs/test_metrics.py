"""Instruments, and the server that Prometheus reads them from."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys

import httpx
import pytest

from app.stack.ports import free_ports
from jobs import metrics
from jobs.breakers import FAILURE_THRESHOLD, Breaker
from jobs.errors import StorageOut, StorageTimeout
from jobs.metrics import Counters, Gauges, Histograms
from jobs.metrics_server import MAX_CONNECTIONS, MAX_HEAD, PORTS, MetricsServer
from jobs.settings import MetricsSettings
from tests.helpers.eventually import eventually
from tests.helpers.scrapes import scraped


@pytest.fixture
def turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process without `METRICS_PORT`."""
    monkeypatch.setattr(metrics.Switch, "is_on", False)


@pytest.fixture
def turned_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics.Switch, "is_on", True)


@pytest.fixture
def no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """No metrics but those of the test."""
    monkeypatch.setattr(metrics, "_METRICS", [])


@pytest.mark.usefixtures("turned_on", "no_others")
def test_a_histogram_counts_what_was_at_most_each_bound() -> None:
    times = Histograms("test_seconds", "", ("way",), (0.1, 1))
    one = times.labels("short")
    for seconds in (0.05, 0.1, 0.5, 1, 3):
        one.observe(seconds)
    assert one.cumulative() == [("0.1", 2), ("1.0", 4), ("+Inf", 5)]
    assert one.sum == pytest.approx(4.65)
    assert times.labels("short") is one


@pytest.mark.usefixtures("turned_off", "no_others")
def test_without_a_port_nothing_is_counted_but_what_is_open() -> None:
    times, counts, opened = Histograms("a_seconds", "", (), (1,)), Counters("b_total", ""), Gauges("c", "")
    times.labels().observe(1)
    counts.labels().inc()
    with opened.labels().one_more():
        assert opened.labels().value == 1
    assert (sum(times.labels().counts), counts.labels().value, opened.labels().value) == (0, 0, 0)


@pytest.mark.usefixtures("no_others")
def test_a_metric_has_a_value_for_each_of_its_labels() -> None:
    with pytest.raises(AssertionError, match="has the labels"):
        Counters("test_total", "", ("why",)).labels("a", "b")


def test_a_process_without_a_port_does_not_import_the_library() -> None:
    code = "import sys, jobs.worker; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_no_metric_has_a_label_of_a_user_a_job_or_a_file() -> None:
    labels = {label for metric in metrics.metrics() for label in metric.label_names}
    known = {
        "call",
        "class",
        "dependency",
        "kind",
        "method",
        "outcome",
        "result",
        "route",
        "server",
        "status",
        "way",
        "why",
    }
    assert labels <= known
    assert all(metric.name.startswith("haulage_") and metric.description for metric in metrics.metrics())


@pytest.mark.usefixtures("turned_on")
def test_calls_to_a_dependency_are_timed_and_its_circuit_is_seen() -> None:
    breaker = Breaker("test", (StorageTimeout,), StorageOut("It is out."), recovery=60)
    calls = metrics.DEPENDENCY_TIME.labels("test", "read")
    errors, circuit = metrics.DEPENDENCY_ERRORS.labels("test"), metrics.CIRCUIT.labels("test")
    with breaker.record("read"):
        assert circuit.value == 0
    for _ in range(FAILURE_THRESHOLD):
        with pytest.raises(StorageTimeout), breaker.record("read"):
            raise StorageTimeout("It took too long.")
    assert (sum(calls.counts), errors.value, circuit.value) == (1 + FAILURE_THRESHOLD, FAILURE_THRESHOLD, 1)
    with breaker.record("read"):
        pass
    assert circuit.value == 0


# --- the server --------------------------------------------------------------------------------------------------------


def settings(port: int) -> MetricsSettings:
    return MetricsSettings(metrics_port=port)


async def is_served(port: int) -> bool:
    try:
        return bool((await scraped(port)).samples)
    except httpx.TransportError:
        return False


async def raw(port: int, request: bytes) -> bytes:
    """The response, empty if the connection was closed without one."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()


@pytest.mark.servers
async def test_each_process_takes_the_next_free_port() -> None:
    [first] = free_ports([PORTS])
    async with MetricsServer().running(settings(first)) as one, MetricsServer().running(settings(first)) as two:
        assert one == first
        assert first < two < first + PORTS
        assert "process_resident_memory_bytes" in (await scraped(one)).names()
        assert (await scraped(two)).value("haulage_circuit") >= 0


@pytest.mark.servers
async def test_without_a_free_port_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs.metrics_server.PORTS", 1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"None of the ports {port} to {port} is free"):
            async with MetricsServer().running(settings(port)):
                pass


@pytest.mark.servers
async def test_only_metrics_are_served_and_only_in_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    [first] = free_ports([PORTS])
    async with MetricsServer().running(settings(first)) as port:
        assert (await raw(port, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 404 ")
        assert (await raw(port, b"POST /metrics HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 405 ")
        assert (await raw(port, b"GET /metrics?x=1 HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
        assert await raw(port, b"GET /metrics HTTP/1.1\r\nX: " + bytes(3 * MAX_HEAD)) == b""
        monkeypatch.setattr("jobs.metrics_server.TIMEOUT", 0.1)
        assert await raw(port, b"GET /metrics") == b""


@pytest.mark.servers
async def test_it_serves_so_many_at_once_and_not_more() -> None:
    [first] = free_ports([PORTS])
    async with MetricsServer().running(settings(first)) as port:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_CONNECTIONS)]
        with pytest.raises(httpx.TransportError):
            await scraped(port)
        for _, writer in silent:
            writer.close()
            await writer.wait_closed()
        await eventually(lambda: is_served(port))
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.servers
async def test_what_is_open_when_it_stops_is_closed() -> None:
    [first] = free_ports([PORTS])
    async with MetricsServer().running(settings(first)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /metr")
        await eventually(lambda: len(asyncio.all_tasks()) > 2)
    assert await reader.read() == b""
    writer.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@pytest.mark.servers
async def test_the_lag_of_the_loop_is_sampled() -> None:
    [first] = free_ports([PORTS])
    before = sum(metrics.LOOP_LAG.labels().counts)
    async with MetricsServer().running(settings(first)) as port:
        await eventually(lambda: sum(metrics.LOOP_LAG.labels().counts) > before)
        assert (await scraped(port)).value("haulage_loop_lag_seconds_count") > before
