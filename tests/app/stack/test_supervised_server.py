"""Servers that end unexpectedly are restarted, with a growing delay, and never after they were stopped."""

from __future__ import annotations

import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from queue import Queue

import psutil  # type: ignore[import-untyped]  # it has no annotations
import pytest

from app.stack import supervised_server
from app.stack.errors import StackError
from app.stack.processes import Command, Server, child_environment
from app.stack.supervised_server import SupervisedServer

pytestmark = pytest.mark.servers

PATIENCE = 20
DELAY = 0.1


class Program(Server):
    """A child that runs `program`; `started` gets the time and the process id of each."""

    name = "program"

    def __init__(self, folder: Path, program: str, started: Queue[tuple[float, int]]) -> None:
        super().__init__(folder)
        self.folder = folder
        self.program = program
        self.started = started

    def prepare(self) -> Command:
        return Command([sys.executable, "-c", self.program], cwd=self.folder, env=child_environment())

    def is_ready(self) -> bool:
        self.started.put((time.monotonic(), self.pid or 0))
        return True


class Programs:
    """Makes them; the first `failures` after the first one can't be started."""

    def __init__(self, folder: Path, program: str = "import signal; signal.pause()", failures: int = 0) -> None:
        self.folder = folder
        self.program = program
        self.failures = failures
        self.made = 0
        self.started: Queue[tuple[float, int]] = Queue()

    def __call__(self) -> Server:
        self.made += 1
        program = self.program if self.made == 1 or self.made > 1 + self.failures else "raise SystemExit(3)"
        return Program(self.folder, program, self.started)

    def next(self) -> tuple[float, int]:
        return self.started.get(timeout=PATIENCE)


def test_a_server_that_is_killed_is_started_again(tmp_path: Path) -> None:
    programs, lines = Programs(tmp_path), Queue[str]()
    supervised = SupervisedServer(programs, restart_delay=DELAY)
    supervised.start()
    supervised.enable_restarts(lines.put)
    try:
        for _ in range(2):
            psutil.Process(programs.next()[1]).kill()
            assert "program ended unexpectedly" in lines.get(timeout=PATIENCE)
        _, pid = programs.next()
        assert psutil.pid_exists(pid)
    finally:
        supervised.stop()
    assert not psutil.pid_exists(pid)
    assert programs.started.empty()


def test_a_server_that_can_not_be_started_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs, lines = Programs(tmp_path, failures=2), Queue[str]()
    monkeypatch.setattr(Program, "is_ready", _runs_for_a_moment)
    supervised = SupervisedServer(programs, restart_delay=DELAY)
    supervised.start()
    supervised.enable_restarts(lines.put)
    try:
        psutil.Process(programs.next()[1]).kill()
        programs.next()
        assert programs.made == 4
    finally:
        supervised.stop()
    reported = [lines.get_nowait() for _ in range(lines.qsize())]
    assert sum("could not be restarted: program ended with exit code 3" in line for line in reported) == 2


def _runs_for_a_moment(server: Program) -> bool:
    if server.program == "raise SystemExit(3)":
        return False
    server.started.put((time.monotonic(), server.pid or 0))
    return True


def test_a_server_that_ends_at_once_is_started_ever_more_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervised_server, "CHECK_INTERVAL", 0.01)
    programs = Programs(tmp_path, "pass")
    supervised = SupervisedServer(programs, restart_delay=0.2)
    supervised.start()
    supervised.enable_restarts(lambda _: None)
    try:
        moments = [programs.next()[0] for _ in range(4)]
    finally:
        supervised.stop()
    pauses = [after - before for before, after in pairwise(moments)]
    assert [pause >= least for pause, least in zip(pauses, (0.2, 0.4, 0.8), strict=True)] == [True] * 3


def test_nothing_is_started_after_a_stop_at_any_moment(tmp_path: Path) -> None:
    programs, lines = Programs(tmp_path), Queue[str]()
    supervised = SupervisedServer(programs, restart_delay=30)
    supervised.start()
    supervised.enable_restarts(lines.put)
    psutil.Process(programs.next()[1]).kill()
    lines.get(timeout=PATIENCE)  # it waits now
    began = time.monotonic()
    supervised.stop()
    supervised.stop()
    assert time.monotonic() - began < PATIENCE
    assert programs.made == 1
    assert not [thread for thread in threading.enumerate() if thread.name == "watch-program"]


def test_a_start_that_is_under_way_ends_with_the_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs, lines = Programs(tmp_path), Queue[str]()
    supervised = SupervisedServer(programs, restart_delay=DELAY)
    supervised.start()
    supervised.enable_restarts(lines.put)
    asked: Queue[int] = Queue()

    def never(server: Program) -> bool:
        asked.put(server.pid or 0)
        return False

    monkeypatch.setattr(Program, "is_ready", never)
    psutil.Process(programs.next()[1]).kill()
    pid = asked.get(timeout=PATIENCE)
    supervised.stop()
    assert not psutil.pid_exists(pid)


def test_a_first_start_that_fails_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Program, "is_ready", lambda _: False)
    supervised = SupervisedServer(Programs(tmp_path, "raise SystemExit(3)"))
    with pytest.raises(StackError, match="exit code 3"):
        supervised.start()
    supervised.stop()
