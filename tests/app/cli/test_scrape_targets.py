"""Where Prometheus finds the processes of `haulage up`."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from app.cli.local_stack.scrape_targets import FILE, choose_ports, write_targets
from app.stack.errors import StackError
from app.stack.ports import free_ports
from jobs.settings import MetricsSettings

OFF = MetricsSettings()


def test_without_metrics_there_are_no_ports_and_no_targets(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("of an earlier run")
    assert choose_ports(OFF, 3) == [0, 0, 0]
    write_targets(tmp_path, OFF, ["gateway"], [0])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.servers
def test_each_process_gets_the_next_free_port() -> None:
    [first] = free_ports([100])
    with socket.create_server(("127.0.0.1", first + 1)):
        one, two = choose_ports(MetricsSettings(metrics_port=first), 2)
    assert one == first
    assert two > first + 1


def test_too_few_ports_are_an_error_that_names_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.cli.local_stack.scrape_targets.is_free", lambda _: False)
    with pytest.raises(StackError, match="Fewer than 2 ports are free from METRICS_PORT=65000 on"):
        choose_ports(MetricsSettings(metrics_port=65_000), 2)


@pytest.mark.parametrize(
    ("host", "listed"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("10.0.0.7", "10.0.0.7")]
)
def test_the_file_is_what_prometheus_reads(tmp_path: Path, host: str, listed: str) -> None:
    settings = MetricsSettings(metrics_port=9464, metrics_host=host)
    write_targets(tmp_path, settings, ["gateway", "worker"], [9464, 9466])
    assert json.loads((tmp_path / FILE).read_text()) == [
        {"targets": [f"{listed}:9464"], "labels": {"job": "gateway"}},
        {"targets": [f"{listed}:9466"], "labels": {"job": "worker"}},
    ]
