"""Runs one child: feeds it, follows its lines, holds it to its limits, and waits until all of its processes have ended."""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import os
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
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
OWN_TASKS = 1
"""The launcher, which is not the child's."""
START_TIMEOUT = 30.0
"""Seconds for the launcher to start. A template has to import the decoder before."""
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


class NotLaunched(Exception):
    """The launcher was not started, or ended before it did anything. Its text is what was written as standard error."""


class _LimitExceeded(Exception):
    def __init__(self, reason: str, *, time: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.time = time


Start = Callable[[Sequence[int]], Awaitable[None]]
"""Starts a launcher with these descriptors: standard input, output and error, and the control socket."""


def unavailable(reason: str) -> SandboxUnavailable:
    return SandboxUnavailable("The sandbox, in which files are processed, cannot be started.", reason)


async def run_child(
    start: Start, request: bytes, limits: Limits, on_line: Callable[[bytes], None], scratch: Path
) -> Ended:
    """Run a child, which `start` starts.

    `request` is its standard input. `on_line` is called with each line of its output, without the line break; what it
    raises is raised here, after the child has been killed. Raises `NotLaunched`, and `SandboxUnavailable` if the launcher
    could not run it.
    """
    child = _Child()
    exceeded: _LimitExceeded | None = None
    try:
        await complete(child.launch(start, request))
        await child.follow(limits, on_line, scratch)
    except _LimitExceeded as error:
        exceeded = error
    finally:
        await complete(child.end())
    return child.ended(exceeded)


class _Child:
    """A child, and what it is connected with."""

    def __init__(self) -> None:
        self._opened = ExitStack()
        self._launcher = -1
        """A descriptor of the launcher's process, once that has reported itself, and its number here."""
        self._process = 0
        self._stderr = b""

    async def launch(self, start: Start, request: bytes) -> None:
        """Start the launcher and wait until it has reported itself. Raises `NotLaunched`, `SandboxUnavailable`."""
        with ExitStack() as theirs:
            self._control, control = socket.socketpair()
            theirs.enter_context(control)
            self._opened.enter_context(self._control).settimeout(0)
            self._stdout, stdout = await self._open_pipe(theirs)
            self._errors, stderr = await self._open_pipe(theirs)
            stdin = _sealed_file(request)
            theirs.callback(os.close, stdin)
            try:
                await start([stdin, stdout, stderr, control.fileno()])
            except OSError as error:
                raise NotLaunched(str(error)) from error
        try:
            async with asyncio.timeout(START_TIMEOUT):
                first, self._launcher = await _receive_descriptor(self._control)
        except TimeoutError:
            raise NotLaunched(f"It has not started within {START_TIMEOUT:g} s.") from None
        if not first:
            raise NotLaunched((await self._errors.read()).decode(errors="replace").strip())
        if self._launcher < 0:
            raise unavailable(read_reports(first)["failed"])
        self._opened.callback(os.close, self._launcher)
        self._process = _number_of(self._launcher)
        self._report = asyncio.create_task(self._read_reports(first))

    async def _open_pipe(self, theirs: ExitStack) -> tuple[asyncio.StreamReader, int]:
        """Return the end from which the worker reads, and that of the child."""
        ours, their_end = os.pipe()
        theirs.callback(os.close, their_end)
        reader = asyncio.StreamReader(limit=MAX_LINE)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours, "rb", buffering=0)
        )
        self._opened.callback(transport.close)
        return reader, their_end

    async def _read_reports(self, first: bytes) -> bytes:
        """Return all reports, once nobody can write one any more."""
        loop = asyncio.get_running_loop()
        text = first
        with suppress(ConnectionError):
            while more := await loop.sock_recv(self._control, MAX_LINE):
                text += more
        return text

    async def follow(self, limits: Limits, on_line: Callable[[bytes], None], scratch: Path) -> None:
        """Return when the child has ended. Raises `_LimitExceeded`, and what `on_line` raises."""
        try:
            async with asyncio.timeout(limits.seconds) as deadline, first_error_group() as group:
                group.create_task(self._read_lines(limits.silence, on_line))
                group.create_task(self._read_stderr())
                await self._wait(scratch, limits.scratch)
        except TimeoutError:
            if not deadline.expired():
                raise
            raise _LimitExceeded(f"It took longer than {limits.seconds:g} s.", time=True) from None

    async def _read_lines(self, silence: float, on_line: Callable[[bytes], None]) -> None:
        size = 0
        for count in itertools.count(1):
            try:
                async with asyncio.timeout(silence):
                    line = await self._stdout.readline()
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
        while block := await self._errors.read(MAX_STDERR):
            self._stderr = (self._stderr + block)[-MAX_STDERR:]

    async def _wait(self, scratch: Path, most_bytes: int) -> None:
        """Wait until the launcher has ended. Meanwhile check what the kernel has no limit for."""
        while not self._report.done():
            await asyncio.wait([self._report], timeout=CHECK_INTERVAL)
            size, tasks = await asyncio.to_thread(lambda: (_size(scratch, most_bytes), _count_tasks(self._process)))
            if size > most_bytes:
                raise _LimitExceeded(f"It wrote more than {most_bytes} bytes, or more than {MAX_SCRATCH_FILES} files.")
            if tasks > MAX_TASKS + OWN_TASKS:
                raise _LimitExceeded(f"It had more than {MAX_TASKS} processes and threads.")

    async def end(self) -> None:
        """Kill the child if it still runs, and wait until all of its processes have ended."""
        try:
            if self._launcher >= 0:
                await self._end()
        finally:
            self._opened.close()

    async def _end(self) -> None:
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)  # the launcher kills the child, and reports
        await asyncio.wait([self._report], timeout=END_TIMEOUT)
        if "ended" not in self._reported():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._launcher, signal.SIGKILL)
        await asyncio.wait([self._report])
        await self._read_stderr()

    def _reported(self) -> dict[str, str]:
        """What the launcher has reported; nothing if it has not, or not yet."""
        return read_reports(self._report.result()) if self._report.done() else {}

    def ended(self, exceeded: _LimitExceeded | None) -> Ended:
        """How the child has ended. Raises `SandboxUnavailable` if the decoder was never run."""
        stderr = self._stderr.decode(errors="replace")
        reports = self._reported()
        if "failed" in reports or not ("started" in reports or exceeded):
            raise unavailable(reports.get("failed") or stderr.strip() or "it ended at once")
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


def _sealed_file(content: bytes) -> int:
    """A file in memory that nobody can change, not even to use memory that counts for no limit."""
    file = os.memfd_create("request", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.write(file, content)
    os.lseek(file, 0, os.SEEK_SET)
    fcntl.fcntl(
        file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL
    )
    return file


async def _receive_descriptor(connection: socket.socket) -> tuple[bytes, int]:
    """Return what is received first, with its descriptor; -1 if it has none. Nothing at the end of the connection."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(connection, readable.set)
    try:
        await readable.wait()
    finally:
        loop.remove_reader(connection)
    try:
        first, descriptors, _, _ = socket.recv_fds(connection, MAX_LINE, 1)
    except ConnectionError:
        return b"", -1
    return first, descriptors[0] if descriptors else -1


def _number_of(process: int) -> int:
    """The number of the process of a descriptor, in this namespace; -1 if it has ended."""
    lines = Path(f"/proc/self/fdinfo/{process}").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Pid:")).split()[1])


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
