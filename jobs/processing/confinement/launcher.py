"""Starts a decoder under its limits, waits for it, and reports how it ended. `sandbox/children.py` starts this program.

Its first argument is a `Plan` as JSON; the others are those of Python: `-m module …` or `file …`. It forks. The child
applies the limits to itself and runs the decoder without starting another interpreter. The parent waits until the child
ends, or until the worker closes its end of the control socket, also by its death; then it kills what is left, and
writes one line of JSON to the socket: `{"status": wait status, "peak_rss": bytes, "cpu_seconds": seconds}`, or
`{"failed": reason}` if a limit could not be applied and the decoder was therefore not run.
"""

from __future__ import annotations

import json
import os
import runpy
import select
import signal
import sys
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
ROOT = str(Path(__file__).parents[3])
"""The folder of the package `jobs`. With `-I`, Python does not search the folder of the program."""
sys.path.insert(0, ROOT)

from jobs.processing.confinement.restrictions import Plan, restrict, set_subreaper  # noqa: E402

_NOT_RUN = 1
"""Exit code of a child whose limits could not be applied."""


def main() -> None:
    plan = Plan(**json.loads(sys.argv[1]))
    sys.path.remove(ROOT)  # its folder may be unreadable for the decoder; `jobs.processing` has been found by now
    set_subreaper()
    child = os.fork()
    if child:
        os.setpgid(child, child)
        os.write(plan.control, json.dumps(_wait(child, plan.control)).encode() + b"\n")
        os._exit(0)
    try:
        os.setpgid(0, 0)
        restrict(plan)
    except Exception as error:  # noqa: BLE001 - whatever it is, the decoder must not run
        os.write(plan.control, json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode() + b"\n")
        os._exit(_NOT_RUN)
    os.write(plan.control, b'{"started": true}\n')
    os.close(plan.control)
    _run(sys.argv[2:])


def _run(arguments: list[str]) -> None:
    """Run a module or a file as Python does, in this process."""
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


def _wait(child: int, control: int) -> dict[str, Any]:
    """Return how the child has ended, once all of its descendants have ended, too."""
    ended = os.pidfd_open(child)
    waiting = select.poll()
    waiting.register(ended, select.POLLIN)
    waiting.register(control, select.POLLIN)
    if ended not in dict(waiting.poll()):
        os.kill(child, signal.SIGKILL)
        select.select([ended], [], [])
    os.killpg(child, signal.SIGKILL)  # until `wait4`, nobody else can have this number
    _, status, usage = os.wait4(child, 0)
    _kill_descendants()
    return {
        "status": status,
        "peak_rss": usage.ru_maxrss * 1024,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
    }


def _kill_descendants() -> None:
    """Kill what has left the child's process group. In bubblewrap there is no `/proc`: its namespace ends with this."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while True:
        try:
            for descendant in children.read_text().split() if children.exists() else ():
                os.kill(int(descendant), signal.SIGKILL)
            if os.waitpid(-1, 0 if children.exists() else os.WNOHANG) == (0, 0):
                return
        except ChildProcessError:
            return


if __name__ == "__main__":
    main()
