"""Keeps a server running: when it ends unasked, another one is started in its place, sooner or later each time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from subprocess import SubprocessError

from app.stack.errors import StackError
from app.stack.processes import Server

Tell = Callable[[str], None]

LOOK = 0.25
"""Seconds between two looks at whether it runs."""
PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a start; twice as many each time that it has not run for long."""
LONG = 60.0
"""Seconds after which a run counts as a good one."""


class Keeper:
    """One server, and those that take its place. A server can be started once only, so `make` makes each of them."""

    def __init__(self, make: Callable[[], Server], *, pause: float = PAUSE) -> None:
        """Start nothing yet."""
        self._make = make
        self._shortest_pause = self._pause = pause
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._watch: threading.Thread | None = None
        self.server = make()

    def start(self) -> None:
        """Start the server and wait until it is ready. Raises `StackError`."""
        self.server.start()

    def watch(self, tell: Tell) -> None:
        """From now on, and in a thread of its own, start what ends; `tell` gets a line for people each time."""
        self._watch = threading.Thread(target=self._keep, args=[tell], name=f"keep-{self.server.name}", daemon=True)
        self._watch.start()

    def stop(self) -> None:
        """Stop it for good. Does nothing the second time."""
        self.forsake()
        with self._lock:
            server = self.server
        server.stop()
        if self._watch is not None and self._watch.is_alive():
            self._watch.join()

    def forsake(self) -> None:
        """Start nothing any more; what runs goes on. For all of them, before the first one is stopped."""
        self._stopping.set()

    def _keep(self, tell: Tell) -> None:
        began = time.monotonic()
        while not self._stopping.wait(LOOK):
            if self.server.pid is not None:
                continue
            self._pause = self._shortest_pause if time.monotonic() - began > LONG else self._pause
            log = self.server.log
            _say(tell, f"{log.stem} has ended unasked; starting it again. Its log: {log}.1")
            if self._stopping.wait(self._pause):
                return
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            began = time.monotonic()
            self._replace(tell)

    def _replace(self, tell: Tell) -> None:
        try:
            self.server.stop()  # what it left behind
            with self._lock:
                if self._stopping.is_set():
                    return
                self.server = self._make()
            self.server.start()
        except (StackError, OSError, SubprocessError) as error:
            if not self._stopping.is_set():
                _say(tell, f"{self.server.log.stem} could not be started: {error}")
            self.server.stop()  # it may still run without being ready; the next look finds that it has ended


def _say(tell: Tell, line: str) -> None:
    with suppress(OSError):  # of a terminal that has gone
        tell(line)
