"""Where Prometheus finds the metrics of each process of `haulage up`, if `METRICS_PORT` is set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from app.stack.errors import StackError
from app.stack.ports import HOST, is_free
from jobs.settings import MetricsSettings

FILE = "metrics.json"
"""In the data folder: targets in the form that `file_sd_configs` of Prometheus reads."""
_LAST_PORT = 65535
_EVERYWHERE = {"0.0.0.0": HOST, "::": "[::1]"}  # noqa: S104 - compared, not listened on


def choose_ports(settings: MetricsSettings, count: int) -> list[int]:
    """Return a port for each of `count` processes: the first free ones from `METRICS_PORT` on, or zeros without it.

    Each process keeps its port when it is restarted. Raises `StackError` if too few are free.
    """
    if not settings.metrics_port:
        return [0] * count
    found: list[int] = []
    for port in range(settings.metrics_port, _LAST_PORT + 1):
        if len(found) == count:
            break
        if is_free(port):
            found.append(port)
    if len(found) < count:
        raise StackError(f"Fewer than {count} ports are free from METRICS_PORT={settings.metrics_port} on")
    return found


def write_targets(folder: Path, settings: MetricsSettings, jobs: Sequence[str], ports: Sequence[int]) -> None:
    """Replace the file atomically with a target for each process, or remove it if there are no metrics.

    `jobs`: what Prometheus is to call each of them, as in `.compose/prometheus.yml`.
    """
    file = folder / FILE
    if not settings.metrics_port:
        file.unlink(missing_ok=True)
        return
    host = _EVERYWHERE.get(settings.metrics_host, settings.metrics_host)
    targets = [{"targets": [f"{host}:{port}"], "labels": {"job": job}} for job, port in zip(jobs, ports, strict=True)]
    new = file.with_suffix(".new")
    new.write_text(json.dumps(targets, indent=2) + "\n", encoding="utf-8")
    new.replace(file)
