"""Which processes run, on disk: what a stack left behind when it was killed is found and ended by the next one.

A pid alone may be another process's by now; with the time of its creation it is the process's own.
"""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from app.stack.errors import StackError

if TYPE_CHECKING:
    import psutil  # type: ignore[import-untyped]

# psutil counts from the time of boot, which a step of the clock moves.
_CLOCK_SLACK = 2.0


def write(path: Path, pid: int, stop_signal: signal.Signals) -> None:
    """Record the process and the signal that ends it politely. One that has ended already is not recorded."""
    with contextlib.suppress(_psutil().NoSuchProcess):
        created = _psutil().Process(pid).create_time()
        path.write_text(json.dumps({"pid": pid, "created": created, "signal": int(stop_signal)}))


def is_live(path: Path) -> bool:
    """Tell whether the process that the file names still runs."""
    return _process(path) is not None


def end(paths: Iterable[Path], timeout: float) -> None:
    """End every process that the files name, politely, then after `timeout` seconds by force; remove the files."""
    remaining = list(paths)
    left = [process for path in remaining if (process := _process(path))]
    for process in left:
        _signal(process, process.stop_signal)
    _, stubborn = _psutil().wait_procs(left, timeout=timeout)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    _psutil().wait_procs(stubborn, timeout=timeout)
    for path in remaining:
        path.unlink(missing_ok=True)


def _process(path: Path) -> psutil.Process | None:
    try:
        record = json.loads(path.read_text())
        process = _psutil().Process(record["pid"])
        if abs(process.create_time() - record["created"]) > _CLOCK_SLACK or process.status() == _psutil().STATUS_ZOMBIE:
            return None
        process.stop_signal = record["signal"]
    except (FileNotFoundError, ValueError, KeyError, TypeError, _psutil().NoSuchProcess):
        return None  # no file, one that a crash cut short, or no such process
    return process


def _signal(process: psutil.Process, number: int) -> None:
    with contextlib.suppress(_psutil().NoSuchProcess):
        process.send_signal(number)


def _psutil() -> psutil:
    try:
        import psutil
    except ImportError:
        raise StackError("psutil is not installed: pip install 'haulage[stack]'") from None
    return psutil
