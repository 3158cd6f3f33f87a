"""A server as a child process: started, polled until it is ready, stopped, and never left behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import ClassVar

from app.stack import pidfiles
from app.stack.errors import StackError

_POLL_INTERVAL = 0.03
_QUOTED_LINES = 15
_KILL_TIMEOUT = 10

# The kernel sends the parent-death signal when the *thread* that started the child ends. This thread lives as long as the
# interpreter; the caller's may not.
_spawner = ThreadPoolExecutor(1, thread_name_prefix="stack-spawner")


@dataclass(frozen=True)
class Command:
    """What to run. `prefix` comes before `setpriv`: a change of credentials would clear the parent-death signal."""

    argv: Sequence[str | Path]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    prefix: Sequence[str | Path] = ()
    user: int | None = None
    group: int | None = None


class Server(ABC):
    """One server of the stack. `start` and `stop` are called once each, from any thread; `stop` also twice or early."""

    name: ClassVar[str]
    # Stops it gracefully. The kernel sends the same signal when this process is killed.
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    # Seconds until it is ready, and until it has stopped gracefully.
    start_timeout: ClassVar[float] = 30
    stop_timeout: ClassVar[float] = 15

    def __init__(self, logs: Path) -> None:
        """The log and the pid file are in the folder `logs`."""
        self.log = logs / f"{self.name}.log"
        self.pid_file = logs / f"{self.name}.pid"
        self._lock = threading.Lock()
        self._stopped = False
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def prepare(self) -> Command:
        """Prepare the files and return what to run. Raises `StackError`."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Return True if the server responds; called until it does."""

    def start(self) -> None:
        """Start the server and wait until it is ready. Raises `StackError`; the process may then still be running."""
        command = self.prepare()
        _rotate(self.log)
        with self._lock:
            if self._stopped:
                raise StackError(f"{self.name} was stopped before it had started")
            self._process = _spawner.submit(_spawn, command, self.log, self.stop_signal).result()
            pidfiles.write(self.pid_file, self._process.pid, self.stop_signal)
        self.wait_ready(self.is_ready, self.start_timeout)

    @property
    def pid(self) -> int | None:
        """The process id while it is running, else None."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def wait_ready(self, check: Callable[[], bool], timeout: float) -> None:
        """Wait up to `timeout` seconds until `check` returns True. Raises `StackError` with the last lines of the log."""
        deadline = time.monotonic() + timeout
        while self.pid is not None:
            if check():
                return
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} was not ready within {timeout:g} seconds; {self._last_lines()}")
            time.sleep(_POLL_INTERVAL)
        code = self._process.returncode if self._process else None
        raise StackError(f"{self.name} ended with exit code {code} before it was ready; {self._last_lines()}")

    def stop(self) -> None:
        """Stop the server gracefully, after `stop_timeout` seconds with SIGKILL. A later `start` is refused."""
        with self._lock:
            self._stopped = True
            process = self._process
        if process is not None:
            process.send_signal(self.stop_signal)
            try:
                process.wait(self.stop_timeout)
            except subprocess.TimeoutExpired:
                _kill_group(process)
            self.pid_file.unlink(missing_ok=True)

    def _last_lines(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        if not lines:
            return f"its log {self.log} is empty"
        return "\n".join([f"the last lines of {self.log}:", *lines[-_QUOTED_LINES:]])


def child_environment(**more: str) -> dict[str, str]:
    """Return a small environment for a child: variables of other programs (PG*, AWS_*, WEED_*) must not reach it."""
    kept = {name: value for name in ("PATH", "LANG", "TMPDIR") if (value := os.environ.get(name)) is not None}
    return kept | more


def _spawn(command: Command, log: Path, death_signal: signal.Signals) -> subprocess.Popen[bytes]:
    argv = [*command.prefix, *_parent_death_prefix(death_signal), *command.argv]
    try:
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own programs
                argv,
                cwd=command.cwd,
                env=command.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C in a terminal reaches the supervisor only, which stops the servers in order.
                start_new_session=True,
                user=command.user,
                group=command.group,
                extra_groups=None if command.user is None else [],
            )
    except OSError as error:
        raise StackError(f"cannot run {command.argv[0]}: {error}") from error


def _parent_death_prefix(death_signal: signal.Signals) -> list[str]:
    """Return a prefix of a command line that makes it end when this process is killed: on Linux with util-linux only.

    Elsewhere the servers of a killed supervisor are ended by the next start (`pidfiles.end`).
    """
    words = ["setpriv", "--pdeathsig", death_signal.name.removeprefix("SIG"), "--"]
    return words if succeeds(*words, "true") else []


@cache
def succeeds(*argv: str) -> bool:
    """Return True if the command exists and succeeds."""
    if not shutil.which(argv[0]):
        return False
    return subprocess.run(argv, check=False, capture_output=True, timeout=10).returncode == 0  # noqa: S603 - our own


def _rotate(log: Path) -> None:
    """Keep the log of the previous run under another name, so that a log holds one run."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(_KILL_TIMEOUT)
