"""Processes that have loaded a decoder, of which each job gets a fork (`confinement/template.py` is their program)."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from jobs.processing.confinement.plan import NICENESS, Plan

IDLE = 60.0
"""Seconds after which a template ends that no job needs."""

MALLOC = ":".join(
    f"glibc.malloc.{name}={value}"
    for name, value in {
        "hugetlb": 1,
        "top_pad": 32 << 20,
        "trim_threshold": 64 << 20,
        "mmap_threshold": 16 << 20,
    }.items()
)
"""How glibc gets memory for a decoder: in huge pages, of which it keeps the smaller ones. A child lives for one file, and
10,000 small pages took a twentieth of the CPU of a photo. Other C libraries ignore this."""


def let_others_first(process: int) -> None:
    """Lower the weight of the session that this process leads, as a whole (sched(7), "The autogroup feature").

    Where sessions share the processor, the niceness of a process counts only within its own.
    """
    with suppress(OSError):  # the kernel has no such groups, or it has ended
        Path(f"/proc/{process}/autogroup").write_text(str(NICENESS), encoding="ascii")


class Template:
    """A running template. It ends with this object and with this process, too, and its forks with it."""

    def __init__(self, command: list[str]) -> None:
        self._users = 0
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(  # noqa: S603 - our own program
                command,
                env={"GLIBC_TUNABLES": MALLOC},  # the launcher removes it again
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        self.pid = process.pid
        let_others_first(self.pid)
        self._end = weakref.finalize(self, _end, process, self._requests)

    @contextmanager
    def in_use(self) -> Iterator[int]:
        """How many use it, this one included, which does as long as the block lasts."""
        self._users += 1
        try:
            yield self._users
        finally:
            self._users -= 1

    async def fork(self, plan: Plan, arguments: Sequence[str], descriptors: Sequence[int]) -> None:
        """Request a launcher with these descriptors. Raises `OSError` if the template has ended."""
        request = [b"\0".join(os.fsencode(word) for word in [*plan.arguments(), *arguments])]
        try:
            socket.send_fds(self._requests, request, descriptors, socket.MSG_DONTWAIT)
        except BlockingIOError:  # it starts, and those of many slots wait already
            await asyncio.to_thread(socket.send_fds, self._requests, request, descriptors)

    def end(self) -> str:
        """Kill it, and return what it has written to its standard error; nothing if that was returned before."""
        return self._end() or ""


def _end(process: subprocess.Popen[bytes], requests: socket.socket) -> str:
    requests.close()
    process.kill()
    _, errors = process.communicate()
    return errors.decode(errors="replace").strip()
