"""Forks a launcher for each job, in a process that has imported the decoder already.

Python and the libraries of a decoder take longer to start than most images to decode. This process does that once, and
never again has to do with a file: it reads nothing but requests of the worker, from the socket that is its standard input.
Each is a `Plan` and the arguments of Python, with the descriptors that the child gets as its first four: standard input,
output and error, and the control socket. It ends when the worker closes its socket, also by its death, and after a while
without a request.

Its arguments are the seconds of that while, and the module of the decoder, if there is one.
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import runpy  # noqa: F401 - the launcher runs the decoder by it
import socket
import sys
from contextlib import suppress

ROOT = os.path.abspath(f"{__file__}/../../../..")
"""As in `launcher`, which cannot be imported without it."""
sys.path.insert(0, ROOT)

from jobs.processing.confinement.kernel import (  # noqa: E402
    PR_SET_PDEATHSIG,
    SIGKILL,
    process_control,
    require_single_thread,
)
from jobs.processing.confinement.launcher import launch  # noqa: E402
from jobs.processing.confinement.plan import CONTROL, Plan  # noqa: E402

MAX_REQUEST = 64 << 10
"""Bytes of a request."""
MOST_DESCRIPTORS = 256
"""Descriptors that this process may have: a child closes all of them but its own."""


def main() -> None:
    idle = float(sys.argv[1])
    for module in sys.argv[2:]:
        importlib.import_module(module)
        del sys.modules[module]  # each child runs it as its program; what it imports stays
    while ROOT in sys.path:
        sys.path.remove(ROOT)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(MOST_DESCRIPTORS, most), most))
    gc.collect()
    gc.freeze()  # the pages of what exists stay shared with the children
    forked = _serve(idle)
    if forked is not None:
        launch(*forked)


def _serve(idle: float) -> tuple[Plan, list[str]] | None:
    """Fork for each request. Return the request in the fork, and None in this process at its end."""
    template = os.getpid()
    requests = socket.socket(fileno=0)
    requests.settimeout(idle)
    while True:
        try:
            request, descriptors, _, _ = socket.recv_fds(requests, MAX_REQUEST, CONTROL + 1)
        except TimeoutError:
            if _has_children():
                continue
            return None
        if not request:
            return None
        _has_children()
        try:
            require_single_thread()
            is_fork = os.fork() == 0
        except OSError as error:
            with suppress(OSError):  # the worker does not wait for it any more
                os.write(descriptors[CONTROL], f"failed {error}\n".encode())
            is_fork = False
        if is_fork:
            requests.detach()
            _become_launcher(template, descriptors)
            return Plan.parse([os.fsdecode(word) for word in request.split(b"\0")])
        for descriptor in descriptors:
            os.close(descriptor)


def _has_children() -> bool:
    """Whether a launcher still runs. Those that have ended are waited for."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return False
    return True


def _become_launcher(template: int, descriptors: list[int]) -> None:
    """Keep nothing but the descriptors of this job, and die with the template."""
    process_control(PR_SET_PDEATHSIG, SIGKILL)
    if os.getppid() != template:  # it died before that
        os._exit(1)
    for place, descriptor in enumerate(descriptors):
        os.dup2(descriptor, place)
    os.closerange(CONTROL + 1, MOST_DESCRIPTORS)


if __name__ == "__main__":
    main()
