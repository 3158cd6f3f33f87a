"""One large file that is uploaded in different ways: directly to the store, by the intake, and by tusd."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from app.cli.sizes import size_text
from app.stack.ports import free_ports
from tests.bench import link, programs, senders
from tests.bench.arena import Arena, cpu_seconds, family_cpu_seconds, listening, server_of
from tests.bench.effort import MIB, Effort, middle
from tests.bench.report import Figure

TUSD, TUSD_VERSION = "github.com/tus/tusd/v2/cmd/tusd", "v2.9.1"
DIRECT, INTAKE, OTHER = "direct", "intake", "tusd"
LOCAL, REMOTE = "local", "remote"
FASTER = {LOCAL: 1.4, REMOTE: 2.0}
"""How many times as fast as tusd a direct upload has to be."""
DIRECT_CPU = 0.1
"""Seconds of CPU that gateway and worker may use for 1 GiB."""
INTAKE_CPU, INTAKE_STORE_CPU = 1.0, 0.75
"""What the intake, and the store while it runs, may use of the CPU that tusd does."""


@dataclass(frozen=True, slots=True)
class Contender:
    """`send` is called with `arguments` in a process of its own, and returns seconds. `servers`: process ids."""

    send: Callable[..., float]
    arguments: tuple[Any, ...]
    servers: Sequence[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """Seconds, and seconds of CPU beyond what the same processes use when idle."""

    seconds: float
    servers: float
    store: float
    databases: float


@dataclass(slots=True)
class Race:
    """All contenders at one place: `databases` are PostgreSQL and Valkey."""

    arena: Arena
    effort: Effort
    contenders: Mapping[str, Contender]
    store: int
    databases: Sequence[int]
    idle: dict[str, Spent] = field(default_factory=dict)
    """By contender: what the processes use in a second without anything to do."""
    rounds: list[dict[str, Spent]] = field(default_factory=list)

    async def run(self) -> None:
        """Measures the processes when idle, then all contenders in turn, each time another one first."""
        await asyncio.sleep(1)
        began = self._cpu()
        await asyncio.sleep(self.effort.seconds)
        ended = self._cpu()
        self.idle = {name: _since(began[name], ended[name], None) for name in self.contenders}
        names = list(self.contenders)
        for number in range(self.effort.rounds):
            turns = names[number % len(names) :] + names[: number % len(names)]
            self.rounds.append({name: await self._turn(name) for name in turns})

    async def _turn(self, name: str) -> Spent:
        one = self.contenders[name]
        await asyncio.to_thread(os.sync)  # nobody pays for what others have written
        before = self._cpu()[name]
        seconds = await self.arena.apart(one.send, *one.arguments)
        await asyncio.sleep(0.2)  # a worker may still log
        spent = _since(before, self._cpu()[name], self.idle[name], seconds)
        await remove_objects(self.arena)
        return spent

    def _cpu(self) -> dict[str, Spent]:
        """What the processes have used until now."""
        return {
            name: Spent(
                seconds=perf_counter(),
                servers=sum(map(cpu_seconds, one.servers)),
                store=family_cpu_seconds(self.store),
                databases=sum(map(family_cpu_seconds, self.databases)),
            )
            for name, one in self.contenders.items()
        }

    def middle(self, name: str, value: Callable[[Spent], float]) -> float:
        """The median over the rounds."""
        return middle(self.rounds, lambda one: value(one[name]))

    def ratio(self, name: str, other: str, value: Callable[[Spent], float]) -> float:
        """The median of the ratios of the rounds. CPU is counted in hundredths of a second, so it may be 0."""
        return middle(self.rounds, lambda one: value(one[name]) / max(value(one[other]), 0.01))


def _since(before: Spent, after: Spent, idle: Spent | None, seconds: float = 0.0) -> Spent:
    """What was used between two moments: a second of it if `idle` is None, else beyond what is used when idle."""
    wall = after.seconds - before.seconds
    found = {name: getattr(after, name) - getattr(before, name) for name in ("servers", "store", "databases")}
    if idle is None:
        return Spent(seconds=1.0, **{name: value / wall for name, value in found.items()})
    return Spent(
        seconds=seconds, **{name: max(0.0, value - wall * getattr(idle, name)) for name, value in found.items()}
    )


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Both places, each with all contenders that this machine has."""
    path = arena.folder / "upload.bin"
    write_random(path, effort.uploaded)
    missing: list[str] = []
    figures: list[Figure] = []
    for where in (LOCAL, REMOTE) if effort.is_far else (LOCAL,):
        try:
            async with _race(arena, effort, where, path) as race:
                await race.run()
        except programs.NotHere as error:
            missing.append(f"{where}: {error}")
            continue
        if OTHER not in race.contenders:
            missing.append(f"{where}: tusd can't be built here, or is not built yet")
        figures += _figures(where, race, effort.uploaded)
    path.unlink()
    return [*figures, *(Figure(f"Not compared, {why}", "") for why in missing)]


def write_random(path: Path, size: int) -> None:
    """Writes a file that does not compress."""
    with path.open("wb") as file:
        for start in range(0, size, MIB):
            file.write(os.urandom(min(MIB, size - start)))


async def remove_objects(arena: Arena) -> None:
    """Removes all objects from the store, by whoever they were made."""
    storage = arena.services.storage
    await storage.objects.delete([info.key async for info in storage.objects.list("")])


@asynccontextmanager
async def _race(arena: Arena, effort: Effort, where: str, path: Path) -> AsyncIterator[Race]:
    """All servers, with links in front of them where they are far from the client. Raises `NotHere`."""
    settings = arena.settings
    async with AsyncExitStack() as opened:

        async def address(url: str) -> str:
            return url if where == LOCAL else (await opened.enter_async_context(link.link_to(url))).url

        worker = await opened.enter_async_context(arena.worker())
        public = {"s3_public_endpoint": await address(settings.s3_endpoint)}
        port, gateway = await opened.enter_async_context(arena.gateway_process(**public))
        contenders = {
            DIRECT: Contender(
                senders.send_directly,
                (await address(f"http://127.0.0.1:{port}"), path, arena.folder / "state"),
                [gateway, worker],
            )
        }
        port, intake = await opened.enter_async_context(arena.intake())
        url = await address(f"http://127.0.0.1:{port}")
        contenders[INTAKE] = Contender(senders.send_by_tus, (f"{url}/v1/upload/tus", path), [intake, worker])
        try:
            program = await asyncio.to_thread(programs.go_package, TUSD, TUSD_VERSION, build=effort.builds)
        except programs.NotHere:
            pass
        else:
            port, tusd = await opened.enter_async_context(_tusd(arena, program))
            url = await address(f"http://127.0.0.1:{port}")
            contenders[OTHER] = Contender(senders.send_by_tus, (f"{url}/files/", path), [tusd])
        warm = arena.folder / "warm.bin"  # connections and caches are warm, as on servers that run
        write_random(warm, MIB)
        for one in contenders.values():
            await arena.apart(one.send, *(warm if argument is path else argument for argument in one.arguments))
        warm.unlink()
        databases = [server_of(str(settings.database_url)), server_of(str(settings.redis_url))]
        yield Race(arena, effort, contenders, server_of(settings.s3_endpoint), databases)


@asynccontextmanager
async def _tusd(arena: Arena, program: Path) -> AsyncIterator[tuple[int, int]]:
    """Its port and process id. Without hashes of parts, which are off in all other clients of the store as well."""
    settings = arena.settings
    [port] = free_ports([0])
    command = [
        f"{program}", "-host", "127.0.0.1", "-port", f"{port}", "-verbose=false", "-disable-cors",
        "-s3-bucket", settings.s3_bucket_name, "-s3-endpoint", settings.s3_endpoint, "-s3-disable-content-hashes",
        "-s3-object-prefix", "tusd/",
    ]  # fmt: skip
    environment = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(arena.folder),  # it writes each part into a file first
        "AWS_ACCESS_KEY_ID": settings.s3_access_key_id,
        "AWS_SECRET_ACCESS_KEY": settings.s3_secret_access_key.get_secret_value(),
        "AWS_REGION": settings.s3_region,
    }
    with (arena.folder / "tusd.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=log, stderr=log)
    try:
        await listening(port)
        yield port, process.pid
    finally:
        process.terminate()
        await process.wait()


def _figures(where: str, race: Race, size: int) -> list[Figure]:
    what = f"{size_text(size)}, {where}"
    figures = [Figure(f"{what}: {name}", _described(race, name, size)) for name in race.contenders]
    if where == LOCAL:
        limit = DIRECT_CPU * size / (1024 * MIB)
        used = race.middle(DIRECT, lambda it: it.servers)
        idle = race.idle[DIRECT].servers
        figures.append(
            Figure(
                f"{what}: CPU of gateway and worker for a direct upload, beyond the {1000 * idle:.0f} ms/s of an idle one",
                f"{used:.2f} s",
                f"≤ {limit:g} s",
                used <= limit,
            )
        )
    if OTHER in race.contenders:
        faster, least = race.ratio(OTHER, DIRECT, lambda it: it.seconds), FASTER[where]
        figures.append(Figure(f"{what}: time of tusd ÷ direct", f"{faster:.2f}", f"≥ {least:g}", faster >= least))
    if OTHER in race.contenders and where == LOCAL:
        cpu = race.ratio(INTAKE, OTHER, lambda it: it.servers)
        store = race.ratio(INTAKE, OTHER, lambda it: it.store)
        figures += [
            Figure(f"{what}: CPU of intake and worker ÷ tusd", f"{cpu:.2f}", f"≤ {INTAKE_CPU:g}", cpu <= INTAKE_CPU),
            Figure(
                f"{what}: the store's CPU, intake ÷ tusd",
                f"{store:.2f}",
                f"≤ {INTAKE_STORE_CPU:g}",
                store <= INTAKE_STORE_CPU,
            ),
        ]
    for figure in figures:
        print(f"  {figure.what}: {figure.measured}", file=sys.stderr, flush=True)
    return figures


def _described(race: Race, name: str, size: int) -> str:
    seconds = race.middle(name, lambda it: it.seconds)
    servers, store, databases = (
        race.middle(name, value) for value in (lambda it: it.servers, lambda it: it.store, lambda it: it.databases)
    )
    return (
        f"{seconds:.2f} s, {size / seconds / 1e6:.0f} MB/s; CPU of its servers {servers:.2f} s, of the store {store:.2f} s,"
        f" of PostgreSQL and Valkey {databases:.2f} s"
    )
