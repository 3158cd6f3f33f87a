"""A server that is restarted when it ends unexpectedly, with a delay that grows while it keeps ending."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from subprocess import SubprocessError

from app.stack.errors import StackError
from app.stack.processes import Server

Report = Callable[[str], None]
"""Called with a line for people."""

CHECK_INTERVAL = 0.25
"""Seconds between two checks whether the server is running."""
RESTART_DELAY, MAX_RESTART_DELAY = 1.0, 30.0
"""Seconds before a restart; doubled each time the server has not run for long."""
STABLE_AFTER = 60.0
"""Seconds after which a run resets the delay."""


class SupervisedServer:
    """One server and its replacements. A `Server` can be started only once, so `create` creates each of them."""

    def __init__(self, create: Callable[[], Server], *, restart_delay: float = RESTART_DELAY) -> None:
        """Nothing is started yet."""
        self._create = create
        self._initial_delay = self._delay = restart_delay
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._watcher: threading.Thread | None = None
        self.server = create()

    def start(self) -> None:
        """Start the server and wait until it is ready. Raises `StackError`."""
        self.server.start()

    def enable_restarts(self, report: Report) -> None:
        """From now on restart the server whenever it ends, in a thread of its own; `report` gets a line each time."""
        self._watcher = threading.Thread(
            target=self._watch, args=[report], name=f"watch-{self.server.name}", daemon=True
        )
        self._watcher.start()

    def stop(self) -> None:
        """Stop the server permanently. A second call does nothing."""
        self.disable_restarts()
        with self._lock:
            server = self.server
        server.stop()
        if self._watcher is not None and self._watcher.is_alive():
            self._watcher.join()

    def disable_restarts(self) -> None:
        """Restart nothing any more; a running server keeps running. Call it for all servers before stopping the first."""
        self._stopping.set()

    def _watch(self, report: Report) -> None:
        started = time.monotonic()
        while not self._stopping.wait(CHECK_INTERVAL):
            if self.server.pid is not None:
                continue
            if time.monotonic() - started > STABLE_AFTER:
                self._delay = self._initial_delay
            log = self.server.log
            _report(report, f"{log.stem} ended unexpectedly and will be restarted. Its log: {log}.1")
            if self._stopping.wait(self._delay):
                return
            self._delay = min(2 * self._delay, MAX_RESTART_DELAY)
            started = time.monotonic()
            self._replace(report)

    def _replace(self, report: Report) -> None:
        try:
            self.server.stop()  # removes what it left behind
            with self._lock:
                if self._stopping.is_set():
                    return
                self.server = self._create()
            self.server.start()
        except (StackError, OSError, SubprocessError) as error:
            if not self._stopping.is_set():
                _report(report, f"{self.server.log.stem} could not be restarted: {error}")
            self.server.stop()  # it may be running without being ready; the next check then restarts it


def _report(report: Report, line: str) -> None:
    with suppress(OSError):  # the terminal may be gone
        report(line)
