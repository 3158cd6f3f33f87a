"""Records of running processes on disk, by which a stack finds and ends the processes of one that was killed.

A pid alone may have been reused by another process; together with the time of creation it identifies one.
"""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterable
from pathlib import Path

from app.stack.errors import StackError

try:
    import psutil  # type: ignore[import-untyped]  # it has no annotations
except ImportError as error:
    raise StackError("psutil is not installed: pip install 'haulage[stack]'") from error

# Seconds. psutil derives creation times from the time of boot, which moves when the clock is set.
_CLOCK_SLACK = 2.0


def write(path: Path, pid: int, stop_signal: signal.Signals) -> None:
    """Record the process and the signal that stops it gracefully, unless it has already ended."""
    with contextlib.suppress(psutil.NoSuchProcess):
        created = psutil.Process(pid).create_time()
        path.write_text(json.dumps({"pid": pid, "created": created, "signal": int(stop_signal)}))


def is_live(path: Path) -> bool:
    """Return True if the recorded process is still running."""
    return _find(path) is not None


def end(paths: Iterable[Path], timeout: float) -> None:
    """End the recorded processes: gracefully, and after `timeout` seconds with SIGKILL. Remove the files."""
    files = list(paths)
    left = [found for path in files if (found := _find(path))]
    for process, stop_signal in left:
        _send(process, stop_signal)
    _, stubborn = psutil.wait_procs([process for process, _ in left], timeout=timeout)
    for process in stubborn:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=timeout)
    for path in files:
        path.unlink(missing_ok=True)


def _find(path: Path) -> tuple[psutil.Process, int] | None:
    """Return the process and its stop signal; None if it has ended, or the file is missing or truncated."""
    try:
        record = json.loads(path.read_text())
        process = psutil.Process(record["pid"])
        same = abs(process.create_time() - record["created"]) < _CLOCK_SLACK
        if same and process.status() != psutil.STATUS_ZOMBIE:
            return process, record["signal"]
    except (FileNotFoundError, ValueError, KeyError, TypeError, psutil.Error):
        pass
    return None


def _send(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.send_signal(number)
