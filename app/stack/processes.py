"""A server as a child process: started, watched until it is ready, stopped, and never left behind."""

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

_POLL = 0.03
_QUOTED_LINES = 15
_KILL_TIMEOUT = 10

# The kernel sends the parent-death signal when the *thread* that started the child ends. This one lives as long as the
# interpreter; the caller's may not.
_spawner = ThreadPoolExecutor(1, thread_name_prefix="stack-spawner")


@dataclass(frozen=True)
class Command:
    """What to run: `prefix` comes before what ties the child to us, for programs that change credentials on the way."""

    argv: Sequence[str | Path]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    prefix: Sequence[str | Path] = ()
    user: int | None = None
    group: int | None = None


class Server(ABC):
    """One server of the stack. `start` and `stop` are called once each, from any thread; `stop` also twice or early."""

    name: ClassVar[str]
    # What ends it politely; the kernel sends it the same when we are killed.
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    # Seconds until it is ready, and until it has stopped by itself.
    start_timeout: ClassVar[float] = 30
    stop_timeout: ClassVar[float] = 15

    def __init__(self, logs: Path) -> None:
        """Log into the folder `logs`, where the process is recorded as well."""
        self.log = logs / f"{self.name}.log"
        self.pid_file = logs / f"{self.name}.pid"
        self._lock = threading.Lock()
        self._stopped = False
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def prepare(self) -> Command:
        """Put the files in place and return what to run. Raises `StackError`."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Tell whether the server answers; called until it does."""

    def start(self) -> None:
        """Start the server and wait until it is ready. Raises `StackError`; the process may then still run."""
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
        """The process while it runs, else None."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def wait_ready(self, check: Callable[[], bool], timeout: float) -> None:
        """Wait until `check` holds, at most `timeout` seconds. Raises `StackError` with the log's end when it can't."""
        deadline = time.monotonic() + timeout
        while self.pid is not None:
            if check():
                return
            if time.monotonic() > deadline:
                raise StackError(f"{self.name} was not ready within {timeout:g} seconds; {self._last_lines()}")
            time.sleep(_POLL)
        code = self._process.returncode if self._process else None
        raise StackError(f"{self.name} ended with exit code {code} before it was ready; {self._last_lines()}")

    def stop(self) -> None:
        """Stop the server politely, after `stop_timeout` seconds by force. A later `start` is refused."""
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
    """Return a small environment for a child: what is set for other programs (PG*, AWS_*, WEED_*) must not reach it."""
    kept = {name: value for name in ("PATH", "LANG", "TMPDIR") if (value := os.environ.get(name)) is not None}
    return kept | more


def _spawn(command: Command, log: Path, death_signal: signal.Signals) -> subprocess.Popen[bytes]:
    argv = [*command.prefix, *_tie(death_signal), *command.argv]
    try:
        with log.open("ab") as output:
            return subprocess.Popen(  # noqa: S603 - our own programs
                argv,
                cwd=command.cwd,
                env=command.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A terminal's Ctrl-C goes to the supervisor alone, which stops the servers in order.
                start_new_session=True,
                user=command.user,
                group=command.group,
                extra_groups=None if command.user is None else [],
            )
    except OSError as error:
        raise StackError(f"cannot run {command.argv[0]}: {error}") from error


def _tie(death_signal: signal.Signals) -> list[str]:
    """Return the words before a command line that let it die with us, however we die: Linux with util-linux only.

    Elsewhere a killed supervisor leaves its servers to the next start (`pidfiles.end`).
    """
    words = ["setpriv", "--pdeathsig", death_signal.name.removeprefix("SIG"), "--"]
    return words if works(*words, "true") else []


@cache
def works(*argv: str) -> bool:
    """Tell whether the command exists and succeeds."""
    if not shutil.which(argv[0]):
        return False
    return subprocess.run(argv, check=False, capture_output=True, timeout=10).returncode == 0  # noqa: S603 - our own


def _rotate(log: Path) -> None:
    """Keep the log of the run before, so that a server's log holds one run."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(_KILL_TIMEOUT)
