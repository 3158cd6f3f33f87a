"""Runs one child: feeds it, follows its lines, holds it to its limits, and waits until all of its processes have ended."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jobs.concurrency import complete, first_error_group
from jobs.errors import SandboxUnavailable
from jobs.processing.confinement.restrictions import MAX_TASKS

MAX_LINE = 64 << 10
"""Bytes of the longest line that a child may write."""
MAX_LINES = 100_000
MAX_LINES_SIZE = 16 << 20
"""Bytes of all lines that a child may write."""
_BURST = 100
"""Lines after which others get their turn in the event loop."""
MAX_STDERR = 4 << 10
"""Bytes of its standard error that are kept: the last."""
CHECK_INTERVAL = 0.2
"""Seconds after which the child's folder and its processes are checked again."""
MAX_SCRATCH_FILES = 10_000
OWN_TASKS = 3
"""Processes that are not the child's: two of bubblewrap, and the launcher."""
END_TIMEOUT = 2.0
"""Seconds for the launcher to kill the child and to report, before all are killed from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much a child may use.

    `seconds` is its time, `cpu_seconds` its processor time. `memory` is the address space of each process, `file_size` the
    size of each file, in bytes. It is killed after `silence` seconds without a line, and when all that it has in its folder
    is more than `scratch` bytes, or more than `MAX_SCRATCH_FILES` files. It may have `MAX_TASKS` processes and threads.
    """

    seconds: float
    cpu_seconds: int
    memory: int
    file_size: int
    silence: float
    scratch: int = 4 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a child has ended: by itself with `returncode`, or by `signal`.

    `killed_for` is the limit for which it was killed, as a sentence for operators; `timed_out` if that was a time. `stderr`
    is the end of its standard error. `peak_rss` (bytes) is that of its largest process.
    """

    returncode: int | None
    signal: int | None
    timed_out: bool
    stderr: str
    peak_rss: int
    cpu_seconds: float
    killed_for: str | None = None


def _unavailable(reason: str) -> SandboxUnavailable:
    return SandboxUnavailable("The sandbox, in which files are processed, cannot be started.", reason)


class _LimitExceeded(Exception):
    def __init__(self, reason: str, *, time: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.time = time


async def run_child(
    command: Callable[[int], Sequence[str]],
    request: bytes,
    limits: Limits,
    on_line: Callable[[bytes], None],
    scratch: Path,
) -> Ended:
    """Run the command, which is given a file descriptor for the launcher's reports.

    Its environment has nothing but `TMPDIR`, which is the folder `scratch`. That is also true of the programs which start
    the child, since their environment can be read in `/proc`.

    `request` is its standard input. `on_line` is called with each line of its output, without the line break; what it
    raises is raised here, after the child has been killed. Raises `SandboxUnavailable` if the child could not be started.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        reports, control = await asyncio.open_connection(sock=ours)
        try:
            process = await asyncio.create_subprocess_exec(
                *command(theirs.fileno()),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                limit=MAX_LINE,
                env={"TMPDIR": str(scratch)},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except BaseException as error:
            control.close()
            if isinstance(error, OSError):
                raise _unavailable(str(error)) from error
            raise
    child = _Child(process, reports, control)
    exceeded: _LimitExceeded | None = None
    try:
        await child.follow(request, limits, on_line, scratch)
    except _LimitExceeded as error:
        exceeded = error
    finally:
        await complete(child.end())
    return child.ended(exceeded)


class _Child:
    """A running child."""

    def __init__(
        self, process: asyncio.subprocess.Process, reports: asyncio.StreamReader, control: asyncio.StreamWriter
    ) -> None:
        self._process = process
        self._control = control
        self._report = asyncio.create_task(reports.read())
        self._stderr = b""

    async def follow(self, request: bytes, limits: Limits, on_line: Callable[[bytes], None], scratch: Path) -> None:
        """Return when the child has ended. Raises `_LimitExceeded`, and what `on_line` raises."""
        try:
            async with asyncio.timeout(limits.seconds) as deadline, first_error_group() as group:
                group.create_task(self._feed(request))
                group.create_task(self._read_lines(limits.silence, on_line))
                group.create_task(self._read_stderr())
                await self._wait(scratch, limits.scratch)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise _LimitExceeded(f"It took longer than {limits.seconds:g} s.", time=True) from None

    async def _feed(self, request: bytes) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError, ConnectionResetError):  # it need not read its request
            if not self._process.stdin.is_closing():
                self._process.stdin.write(request)
                await self._process.stdin.drain()
        self._process.stdin.close()

    async def _read_lines(self, silence: float, on_line: Callable[[bytes], None]) -> None:
        assert self._process.stdout is not None
        size = 0
        for count in itertools.count(1):
            try:
                async with asyncio.timeout(silence):
                    line = await self._process.stdout.readline()
            except TimeoutError:
                raise _LimitExceeded(f"It reported nothing for {silence:g} s.", time=True) from None
            except ValueError:
                raise _LimitExceeded(f"It wrote a line of more than {MAX_LINE} bytes.") from None
            size += len(line)
            if not line:
                return
            if count > MAX_LINES or size > MAX_LINES_SIZE:
                raise _LimitExceeded(f"It wrote more than {MAX_LINES} lines, or more than {MAX_LINES_SIZE} bytes.")
            on_line(line.removesuffix(b"\n"))
            if count % _BURST == 0:
                await asyncio.sleep(0)

    async def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        while block := await self._process.stderr.read(MAX_STDERR):
            self._stderr = (self._stderr + block)[-MAX_STDERR:]

    async def _wait(self, scratch: Path, most_bytes: int) -> None:
        """Wait until the launcher has ended. Meanwhile check what the kernel has no limit for."""
        while not self._report.done():
            await asyncio.wait([self._report], timeout=CHECK_INTERVAL)
            size, tasks = await asyncio.to_thread(lambda: (_size(scratch, most_bytes), _count_tasks(self._process.pid)))
            if size > most_bytes:
                raise _LimitExceeded(f"It wrote more than {most_bytes} bytes, or more than {MAX_SCRATCH_FILES} files.")
            if tasks > MAX_TASKS + OWN_TASKS:
                raise _LimitExceeded(f"It had more than {MAX_TASKS} processes and threads.")

    async def end(self) -> None:
        """Kill the child if it still runs, and wait until all of its processes have ended."""
        with suppress(OSError):
            self._control.write_eof()  # the launcher kills the child, and reports
        await asyncio.wait([self._report], timeout=END_TIMEOUT)
        if "ended" not in self._reported():
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        _, stderr = await self._process.communicate()
        self._stderr = (self._stderr + stderr)[-MAX_STDERR:]
        self._control.close()
        with suppress(OSError):
            await self._control.wait_closed()
        await asyncio.wait([self._report])

    def _reported(self) -> dict[str, str]:
        """What the launcher has reported; nothing if it has not, or not yet."""
        if not self._report.done() or self._report.exception() is not None:
            return {}
        return read_reports(self._report.result())

    def ended(self, exceeded: _LimitExceeded | None) -> Ended:
        """How the child has ended. Raises `SandboxUnavailable` if the decoder was never run."""
        stderr = self._stderr.decode(errors="replace")
        reports = self._reported()
        if "failed" in reports or not ("started" in reports or exceeded):
            raise _unavailable(reports.get("failed") or stderr.strip() or f"exit code {self._process.returncode}")
        status, peak_rss, cpu_seconds = reports.get("ended", f"{signal.SIGKILL:d} 0 0").split()
        code = int(status)
        return Ended(
            returncode=os.WEXITSTATUS(code) if os.WIFEXITED(code) else None,
            signal=os.WTERMSIG(code) if os.WIFSIGNALED(code) else None,
            timed_out=exceeded is not None and exceeded.time,
            stderr=stderr,
            peak_rss=int(peak_rss),
            cpu_seconds=float(cpu_seconds),
            killed_for=exceeded.reason if exceeded else None,
        )


def read_reports(text: bytes) -> dict[str, str]:
    """Return the launcher's reports: for the word of each, what follows it."""
    lines = (line.partition(" ") for line in text.decode(errors="replace").splitlines())
    return {word: rest for word, _, rest in lines}


def _size(folder: Path, most: int) -> int:
    """Return how many bytes all files below the folder take. Ends early with more than `most`.

    The child can change the folder meanwhile. Files that it has deleted and still has open do not count.
    """
    size, count, folders = 0, 0, [folder]
    while folders and size <= most:
        with suppress(OSError), os.scandir(folders.pop()) as entries:
            for entry in entries:
                count += 1
                if count > MAX_SCRATCH_FILES:
                    return most + 1
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                else:
                    size += entry.stat(follow_symlinks=False).st_blocks * 512
    return size


def _count_tasks(process: int) -> int:
    """Return how many threads the process and its descendants have. Ends early with more than a child may have."""
    count, processes = 0, [str(process)]
    while processes and count <= MAX_TASKS + OWN_TASKS:
        with suppress(OSError), os.scandir(f"/proc/{processes.pop()}/task") as threads:
            for thread in threads:
                count += 1
                with suppress(OSError):  # it has just ended, or the kernel does not tell
                    processes += Path(thread.path, "children").read_text().split()
    return count
