"""Prometheus of Debian: the server, and promtool, which checks rules and tests them."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from app.stack.ports import free_ports
from tests.helpers.debian import debian_program
from tests.helpers.eventually import eventually


def promtool(*arguments: str | Path) -> str:
    """What promtool prints. Fails the test if it finds anything wrong."""
    server, environment = debian_program("prometheus", "prometheus")
    done = subprocess.run(
        [server.with_name("promtool"), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@dataclass(frozen=True)
class Prometheus:
    """A running server, and what it has seen."""

    api: httpx.AsyncClient

    async def query(self, expression: str) -> list[dict[str, Any]]:
        """The samples that the expression has now. Fails the test if the server refuses it."""
        response = await self.api.get("/api/v1/query", params={"query": expression})
        body = response.json()
        assert body["status"] == "success", f"{expression}: {body}"
        assert body["data"]["resultType"] in {"vector", "scalar"}, expression
        found: list[dict[str, Any]] = body["data"]["result"]
        return found

    async def has(self, expression: str) -> bool:
        """Whether the expression has any samples now."""
        return bool(await self.query(expression))


def _configure(folder: Path, targets: Mapping[str, Sequence[int]], rules: Path) -> None:
    loaded = yaml.safe_load(rules.read_text("utf-8"))
    for group in loaded["groups"]:
        group["interval"] = "1s"
    (folder / "rules.yml").write_text(yaml.safe_dump(loaded))
    configuration = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": ["rules.yml"],
        "scrape_configs": [
            {"job_name": job, "static_configs": [{"targets": [f"127.0.0.1:{port}" for port in ports]}]}
            for job, ports in targets.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))


@asynccontextmanager
async def prometheus(folder: Path, targets: Mapping[str, Sequence[int]], rules: Path) -> AsyncIterator[Prometheus]:
    """A server that scrapes these ports of each job, and evaluates the rules, once a second."""
    program, environment = debian_program("prometheus", "prometheus")
    _configure(folder, targets, rules)
    [port] = free_ports([0])
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            program,
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            env=environment,
            stdout=log,
            stderr=log,
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as api:

            async def is_ready() -> bool:
                assert process.returncode is None, (folder / "prometheus.log").read_text()
                with suppress(httpx.TransportError):
                    return (await api.get("/-/ready")).is_success
                return False

            await eventually(is_ready, patience=60)
            yield Prometheus(api)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
