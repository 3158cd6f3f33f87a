"""Starts a decoder under its limits, waits for it, and reports how it ended. `sandbox/children.py` starts this program.

Its arguments are a `Plan`, and then those of Python: `-m module …` or `file …`. It forks. The child applies the limits to
itself and runs the decoder without starting another interpreter. The parent waits until the child ends, or until the
worker closes its end of the control socket, also by its death; then it kills what is left. The reports that they write to
the socket are lines: `launched`, with a descriptor of the parent; then `failed` with the reason, if a limit could not be
applied, so that the decoder is not run; or `started`, and then `ended` with wait status, peak memory (bytes) and processor
time (seconds).
"""

from __future__ import annotations

import os
import select
import sys
from _socket import SCM_RIGHTS, SOL_SOCKET, socket  # `socket` would be ten milliseconds

sys.dont_write_bytecode = True
ROOT = os.path.abspath(f"{__file__}/../../../..")
"""The folder of the package `jobs`. With `-I`, Python does not search the folder of the program."""
sys.path.insert(0, ROOT)

from jobs.processing.confinement.kernel import SIGKILL  # noqa: E402
from jobs.processing.confinement.plan import NICENESS, Plan  # noqa: E402
from jobs.processing.confinement.restrictions import restrict, set_subreaper  # noqa: E402


def main() -> None:
    plan, arguments = Plan.parse(sys.argv[1:])
    sys.path.remove(ROOT)  # its folder may be unreadable for the decoder; `jobs.processing` has been found by now
    launch(plan, arguments)


def launch(plan: Plan, arguments: list[str]) -> None:
    """Fork a child that runs the decoder under the plan, and wait for it. Neither of the two returns from this.

    Only an error of the decoder is raised, in the child.
    """
    _report_launch(plan.control)
    set_subreaper()
    child = os.fork()
    if child:
        os.setpgid(child, child)
        os.write(plan.control, _wait(child, plan.control))
        os._exit(0)
    try:
        os.setpgid(0, 0)
        os.nice(NICENESS)
        os.environ.clear()
        os.environ["TMPDIR"] = plan.scratch
        restrict(plan)
    except Exception as error:  # noqa: BLE001 - whatever it is, the decoder must not run
        os.write(plan.control, f"failed {error}\n".encode())
        os._exit(1)
    os.write(plan.control, b"started\n")
    os.close(plan.control)
    _run(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # what Python does at its end takes some milliseconds, and nobody needs it


def _report_launch(control: int) -> None:
    """Give the worker a descriptor of this process: its number is another one outside of a namespace."""
    process = os.pidfd_open(os.getpid())
    connection = socket(fileno=control)
    connection.sendmsg([b"launched\n"], [(SOL_SOCKET, SCM_RIGHTS, process.to_bytes(4, sys.byteorder))])
    connection.detach()
    os.close(process)


def _run(arguments: list[str]) -> None:
    """Run a module or a file as Python does, in this process."""
    import runpy  # noqa: PLC0415 - it is not needed by the parent

    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


def _wait(child: int, control: int) -> bytes:
    """Return the report of how the child has ended, once all of its descendants have ended, too."""
    ended = os.pidfd_open(child)
    waiting = select.poll()
    waiting.register(ended, select.POLLIN)
    waiting.register(control, select.POLLIN)
    if ended not in dict(waiting.poll()):
        os.kill(child, SIGKILL)
        select.select([ended], [], [])
    os.killpg(child, SIGKILL)  # until `wait4`, nobody else can have this number
    _, status, usage = os.wait4(child, 0)
    _kill_descendants()
    return f"ended {status} {usage.ru_maxrss * 1024} {usage.ru_utime + usage.ru_stime}\n".encode()


def _kill_descendants() -> None:
    """Kill what has left the child's process group. In bubblewrap there is no `/proc`: its namespace ends with this."""
    path = f"/proc/self/task/{os.getpid()}/children"
    known = os.path.exists(path)
    while True:
        try:
            if known:
                with open(path) as children:
                    for descendant in children.read().split():
                        os.kill(int(descendant), SIGKILL)
            if os.waitpid(-1, 0 if known else os.WNOHANG) == (0, 0):
                return
        except ChildProcessError:
            return


if __name__ == "__main__":
    main()
