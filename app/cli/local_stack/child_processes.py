"""Gateway, intake and workers as child processes of `haulage up`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import urllib3

from app.stack.ports import HOST
from app.stack.processes import Command, Server, child_environment
from jobs.settings import Settings

_HEALTH_TIMEOUT = 5.0
_HEALTH_INTERVAL = 0.15
_SHORT_DRAIN = {"DRAIN_TIMEOUT": "3", "SHUTDOWN_TIMEOUT": "2"}
"""Defaults here, since the servers stop as well and no other process takes over. The environment overrides them."""


class ChildProcess(Server):
    """`haulage COMMAND`, with the settings of the stack, and for the rest those of this process's environment."""

    stop_timeout = 40  # an ordinary DRAIN_TIMEOUT, and what comes after it

    def __init__(self, command: str, folder: Path, environment: Mapping[str, str]) -> None:
        """`folder` is the data folder, `environment` that of the stack."""
        super().__init__(folder / "logs")
        self._command = command
        self._folder = folder
        self._environment = environment

    def prepare(self) -> Command:
        """Return the command to run."""
        names = {name.upper() for name in Settings.model_fields} | {"PYTHONPATH", "VIRTUAL_ENV"}
        inherited = {name: value for name, value in os.environ.items() if name in names}
        environment = child_environment(**(_SHORT_DRAIN | inherited | dict(self._environment)))
        # -P: a folder named `app` in the working folder must not shadow the package.
        argv = [sys.executable, "-P", "-m", "app.cli", self._command]
        return Command(argv, cwd=self._folder, env=environment)

    def is_ready(self) -> bool:
        """Return True: `is_healthy` checks all of them together."""
        return True


class Gateway(ChildProcess):
    """`haulage serve` on a port of these addresses."""

    name = "gateway"

    def __init__(self, folder: Path, environment: Mapping[str, str], hosts: Sequence[str], port: int) -> None:
        super().__init__("serve", folder, {**environment, "HOST": ",".join(hosts), "PORT": str(port)})


class Intake(ChildProcess):
    """`haulage intake` on a port of these addresses, beside the gateway at `gateway_url`, if PUBLIC_URL is no other."""

    name = "intake"

    def __init__(
        self, folder: Path, environment: Mapping[str, str], hosts: Sequence[str], port: int, gateway_url: str
    ) -> None:
        own = {"HOST": ",".join(hosts), "INTAKE_PORT": str(port)}
        public_url = os.environ.get("PUBLIC_URL") or gateway_url
        super().__init__("intake", folder, {**environment, **own, "PUBLIC_URL": public_url})


class Worker(ChildProcess):
    """`haulage worker`; `number` distinguishes several."""

    name = "worker"

    def __init__(self, folder: Path, environment: Mapping[str, str], number: int) -> None:
        super().__init__("worker", folder, environment)
        self.log = folder / "logs" / f"worker-{number}.log"
        self.pid_file = folder / "logs" / f"worker-{number}.pid"


def gateway_url(port: int) -> str:
    """Return the URL of a gateway, or an intake, on this port."""
    return f"http://{HOST}:{port}"


def is_healthy(url: str) -> bool:
    """Return True if all dependencies respond and a worker is running. Sleeps before returning False."""
    with urllib3.PoolManager(retries=False, timeout=_HEALTH_TIMEOUT) as pool:
        try:
            healthy = bool(pool.request("GET", f"{url}/health").json()["status"] == "healthy")
        except (urllib3.exceptions.HTTPError, ValueError, KeyError):
            healthy = False
    if not healthy:
        time.sleep(_HEALTH_INTERVAL)
    return healthy
