"""Child processes that misbehave."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no annotations
import pytest

from app.stack.errors import StackError
from app.stack.processes import Command, Server, child_environment

pytestmark = pytest.mark.servers


class Stubborn(Server):
    """A child that takes no notice of SIGTERM."""

    name = "stubborn"
    start_timeout = 0.5
    stop_timeout = 0.2

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.folder = folder
        self.ready = True

    def prepare(self) -> Command:
        program = (
            "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
        )
        return Command([sys.executable, "-c", program], cwd=self.folder, env=child_environment())

    def is_ready(self) -> bool:
        return self.ready and "deaf" in self.log.read_text()


def test_a_deaf_server_is_killed(tmp_path: Path) -> None:
    server = Stubborn(tmp_path)
    server.start_timeout = 30  # type: ignore[misc]  # this one may take its time
    server.start()
    child = psutil.Process(server.pid)
    assert os.getsid(child.pid) == child.pid
    child.send_signal(signal.SIGTERM)
    server.stop()
    assert not child.is_running()
    assert not server.pid_file.exists()


def test_a_server_that_is_never_ready_is_quoted(tmp_path: Path) -> None:
    server = Stubborn(tmp_path)
    server.ready = False
    with pytest.raises(StackError, match=r"(?s)not ready within 0.5 seconds; .*stubborn.log"):
        server.start()
    server.stop()
    with pytest.raises(StackError, match="was stopped before"):
        server.start()
