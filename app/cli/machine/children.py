"""Gateway and workers as child processes of `haulage up`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import urllib3

from app.stack.ports import HOST
from app.stack.processes import Command, Server, child_environment
from jobs.settings import Settings

_PATIENCE = 5.0
_PAUSE = 0.15
# Both go down with their servers: nobody is left to be waited for. The environment may say otherwise.
_HASTE = {"DRAIN_TIMEOUT": "3", "SHUTDOWN_TIMEOUT": "2"}


class Child(Server):
    """`haulage PART`, with the settings of this environment and, before them, those of the stack."""

    stop_timeout = 40  # an ordinary DRAIN_TIMEOUT, and what comes after it

    def __init__(self, part: str, folder: Path, environment: Mapping[str, str]) -> None:
        """`folder` is that of the stack."""
        super().__init__(folder / "logs")
        self._part = part
        self._folder = folder
        self._environment = environment

    def prepare(self) -> Command:
        """Return the command; there is nothing to put in place."""
        # -P: a folder named `app` where we are started must not take the place of the package.
        argv = [sys.executable, "-P", "-m", "app.cli", self._part]
        return Command(argv, cwd=self._folder, env=_environment(self._environment))

    def is_ready(self) -> bool:
        """It runs; whether it works, `is_healthy` tells of all together."""
        return True


class Gateway(Child):
    """`haulage serve` on one port of 127.0.0.1."""

    name = "gateway"

    def __init__(self, folder: Path, environment: Mapping[str, str], port: int) -> None:
        super().__init__("serve", folder, {**environment, "HOST": HOST, "PORT": str(port)})


class Worker(Child):
    """`haulage worker`, the `number`th of them."""

    name = "worker"

    def __init__(self, folder: Path, environment: Mapping[str, str], number: int) -> None:
        super().__init__("worker", folder, environment)
        self.log = folder / "logs" / f"worker-{number}.log"
        self.pid_file = folder / "logs" / f"worker-{number}.pid"


def address(port: int) -> str:
    """Where a gateway on the port is reached."""
    return f"http://{HOST}:{port}"


def is_healthy(url: str) -> bool:
    """All dependencies answer and a worker listens. A no takes a moment, so that it is not asked for too often."""
    with urllib3.PoolManager(retries=False, timeout=_PATIENCE) as pool:
        try:
            healthy = bool(pool.request("GET", f"{url}/health").json()["status"] == "healthy")
        except (urllib3.exceptions.HTTPError, ValueError, KeyError):
            healthy = False
    if not healthy:
        time.sleep(_PAUSE)
    return healthy


def _environment(stack: Mapping[str, str]) -> dict[str, str]:
    names = {name.upper() for name in Settings.model_fields} | {"PYTHONPATH", "VIRTUAL_ENV"}
    ours = {name: value for name, value in os.environ.items() if name in names}
    return child_environment(**(_HASTE | ours | dict(stack)))
