"""Where the benches run: a stack of its own, gateway and worker as processes of their own, all of it ended at the end."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import asyncpg
from redis.asyncio import Redis

from app.stack.ports import free_ports
from app.stack.stack import Stack
from jobs.engine.wakeups.queue import queue_name
from jobs.kinds import Kind
from jobs.logs import configure_logs
from jobs.migrate import migrate
from jobs.services import Services, open_services
from jobs.settings import Settings
from tests.bench import parts
from tests.helpers.stores import other_store

P = ParamSpec("P")
R = TypeVar("R")

_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Arena:
    """A running stack, and how to run the rest of Haulage on it."""

    settings: Settings
    services: Services
    folder: Path

    @asynccontextmanager
    async def gateway(self) -> AsyncIterator[int]:
        """A gateway process; its port on 127.0.0.1."""
        async with self.gateway_process() as (port, _):
            yield port

    @asynccontextmanager
    async def gateway_process(self, **settings_of_its_own: Any) -> AsyncIterator[tuple[int, int]]:
        """A gateway process; its port on 127.0.0.1, and its process id."""
        settings = self.settings.model_copy(update={"port": _free_port(), **settings_of_its_own})
        with self._process(parts.gateway, settings, self.folder / "gateway.log") as process:
            await listening(settings.port)
            yield settings.port, process.pid

    @asynccontextmanager
    async def intake(self) -> AsyncIterator[tuple[int, int]]:
        """An intake process; its port on 127.0.0.1, and its process id."""
        settings = self.settings.model_copy(update={"intake_port": _free_port()})
        with self._process(parts.intake, settings, self.folder / "intake.log") as process:
            await listening(settings.intake_port)
            yield settings.intake_port, process.pid

    @asynccontextmanager
    async def bare(self, document: bytes = b"{}") -> AsyncIterator[int]:
        """A bare Starlette with the gateway's server settings, which answers with `document`; its port."""
        settings = self.settings.model_copy(update={"port": _free_port()})
        with self._process(parts.bare, settings, document):
            await listening(settings.port)
            yield settings.port

    @asynccontextmanager
    async def worker(
        self, target: Callable[[Settings, Path], None] = parts.worker, **settings_of_its_own: Any
    ) -> AsyncIterator[int]:
        """A fresh worker process; its process id."""
        settings = self.settings.model_copy(update=settings_of_its_own)
        async with Redis.from_url(str(self.settings.redis_url)) as redis:
            await redis.delete(queue_name(Kind.DOWNLOAD) + ":health-check")  # an earlier worker's
        with self._process(target, settings, self.folder / "worker.log") as process:
            while not await self.services.queue.has_consumer():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.05)
            yield process.pid

    @contextmanager
    def process(self, target: Callable[..., None], *args: Any) -> Iterator[None]:
        """Any other process."""
        with self._process(target, *args):
            yield

    @contextmanager
    def partner(self, target: Callable[..., None], *args: Any) -> Iterator[Partner]:
        """Any other process, which answers questions: `target` gets a `Connection` as its last argument."""
        ours, theirs = _SPAWN.Pipe()
        with ours, self._process(target, *args, theirs):
            theirs.close()
            yield Partner(ours)

    @contextmanager
    def _process(self, target: Callable[..., None], *args: Any) -> Iterator[Any]:
        process = _SPAWN.Process(target=target, args=args, daemon=True)
        process.start()
        try:
            yield process
        finally:
            process.terminate()
            process.join(30)
            if process.is_alive():
                process.kill()
                process.join()

    async def apart(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The function's result, from a process that does nothing else."""
        with ProcessPoolExecutor(1, mp_context=_SPAWN) as pool:
            return await asyncio.wrap_future(pool.submit(function, *args, **kwargs))


class Partner:
    """A process that answers questions."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    async def ask(self, question: Any) -> Any:
        """Its answer. Raises `EOFError` when the process has ended."""
        self._pipe.send(question)
        return await self.answer()

    async def answer(self) -> Any:
        """What it says of its own accord."""
        return await asyncio.to_thread(self._pipe.recv)


@asynccontextmanager
async def open_arena(environment: dict[str, str], folder: Path, name: str) -> AsyncIterator[Arena]:
    """A fresh database and an empty Valkey for one bench, and opened clients."""
    async with Redis.from_url(environment["REDIS_URL"]) as redis:
        await redis.flushall()
    connection = await asyncpg.connect(environment["DATABASE_URL"])
    try:
        await connection.execute(f"CREATE DATABASE bench_{name}")
    finally:
        await connection.close()
    values: dict[str, Any] = {key.lower(): value for key, value in environment.items()}
    values["database_url"] = environment["DATABASE_URL"].rpartition("/")[0] + f"/bench_{name}"
    values["job_timeout"] = 600  # a busy machine shall make a figure worse, not end the run
    values["max_queued"] = 1_000_000  # a bench of `initiate` has no worker
    values["s3_encryption"] = "off"  # as the stores of the others
    values["bundle_reuse"] = False  # or all bundles but the first would be made of nothing
    settings = Settings(**values)
    configure_logs(settings.model_copy(update={"log_level": "warning"}))  # of this process
    async with open_services(settings) as services:
        await migrate(services.database)
        await services.storage.bucket.ensure()
        yield Arena(settings, services, folder)


@contextmanager
def running_stack() -> Iterator[tuple[dict[str, str], Path]]:
    """A durable stack in a folder of its own, which is removed at the end; its store may be another one."""
    with tempfile.TemporaryDirectory(prefix="haulage-bench-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # PostgreSQL may run as another user
        with Stack(folder / "stack") as stack:
            yield stack.environment() | other_store(), folder


def _free_port() -> int:
    return free_ports([0])[0]


async def listening(port: int) -> None:
    """Waits until something listens there."""
    async with asyncio.timeout(300):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def cpu_seconds(pid: int) -> float:
    """Seconds of CPU that a process has used (proc(5), fields 14 and 15 of `stat`)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def family_cpu_seconds(pid: int) -> float:
    """The same of a process, and of all that it has started and that they have started, also those that have ended."""
    family, grown = {pid}, True
    fields: dict[int, list[str]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields[int(path.parent.name)] = path.read_text().rpartition(")")[2].split()
    while grown:
        more = {one for one, of in fields.items() if int(of[1]) in family} - family
        family |= more
        grown = bool(more)
    return sum(int(ticks) for one in family & fields.keys() for ticks in fields[one][11:15]) / os.sysconf("SC_CLK_TCK")


def server_of(url: str) -> int:
    """The process that listens at the port of a URL on this machine; with several, that which was started first."""
    port = urlsplit(url).port
    sockets = {
        f"socket:[{fields[9]}]"
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        for fields in (line.split() for line in Path(table).read_text().splitlines()[1:])
        if int(fields[1].rpartition(":")[2], 16) == port and fields[3] == "0A"  # LISTEN
    }
    found: set[int] = set()
    for path in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            if str(path.readlink()) in sockets:
                found.add(int(path.parts[2]))
    return min(found)


def waiting_seconds(pid: int) -> float:
    """Seconds that a process was ready to run while others had the cores; 0 where the kernel does not count them."""
    path = Path(f"/proc/{pid}/schedstat")
    return int(path.read_text().split()[1]) / 1e9 if path.exists() else 0.0


def peak_memory(pid: int) -> int:
    """The most bytes that a process has had resident (proc(5), `VmHWM` of `status`)."""
    return _memory(pid, "VmHWM:")


def forget_peak(pid: int) -> None:
    """From now on `peak_memory` is that of what comes (proc(5), `clear_refs`)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")


def memory(pid: int) -> int:
    """The bytes that a process has resident (`VmRSS`)."""
    return _memory(pid, "VmRSS:")


def _memory(pid: int, which: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    [line] = [line for line in lines if line.startswith(which)]
    return int(line.split()[1]) * 1024
