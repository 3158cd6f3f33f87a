"""Bundles beside other ways to make them, close to the store and far from it."""

from __future__ import annotations

import asyncio
import sys
import tracemalloc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from app.cli.sizes import size_text
from jobs.bundles.format.manifests import Manifest
from jobs.bundles.format.stored_plan import plan_stored
from jobs.bundles.format.zip_records import Entry
from jobs.settings import Settings
from tests.bench import bundles, link, packers
from tests.bench.arena import Arena, cpu_seconds, peak_memory
from tests.bench.effort import MIB, Effort, middle
from tests.bench.files import put_files, put_sizes
from tests.bench.link import Link
from tests.bench.packers import COPY, GO_PREFETCH, GO_SERIAL, NODE, OURS, File, Packer, Spent, Task
from tests.bench.report import Figure

KIB = 1024
GIANT_FILES = 8
LARGE = "8 files of 134 MB"
MIXED = "1.07 GB, large and small"
SMALL = "1,000 files of 65.5 kB"
MEDIUM = "200 files of 4.19 MB"
CASES = {
    LARGE: [128 * MIB] * 8,
    MIXED: Random(0).sample([128 * MIB] * 5 + [20 * MIB] * 12 + [164 * KIB] * 900, 917),
    SMALL: [64 * KIB] * 1000,
    MEDIUM: [4 * MIB] * 200,
}
"""Sizes of the files."""
LOCAL, REMOTE = "local", "remote"


@dataclass(frozen=True, slots=True)
class Target:
    """Ours is to be `least` times as good as `other`'s."""

    case: str
    where: str
    other: str
    value: str
    least: float


TARGETS = [
    Target(LARGE, LOCAL, COPY, "seconds", 1),
    Target(LARGE, REMOTE, COPY, "seconds", 2),
    Target(LARGE, LOCAL, COPY, "cpu", 5),
    Target(LARGE, REMOTE, COPY, "cpu", 5),
    Target(LARGE, REMOTE, GO_SERIAL, "seconds", 2),
    Target(LARGE, REMOTE, NODE, "seconds", 2.3),
    Target(LARGE, LOCAL, NODE, "cpu", 20),
    Target(LARGE, REMOTE, NODE, "cpu", 20),
    Target(MIXED, REMOTE, GO_PREFETCH, "seconds", 1.5),
    Target(SMALL, REMOTE, GO_SERIAL, "seconds", 15),
    Target(SMALL, LOCAL, NODE, "seconds", 3),
    Target(MEDIUM, LOCAL, GO_PREFETCH, "seconds", 1),
    Target(MEDIUM, REMOTE, GO_PREFETCH, "seconds", 1),
]
PEAK = 160 * MIB
"""Bytes that a worker with one job may take."""
ENTRIES, BYTES = 60_000, 1500
"""Entries of a large plan, and bytes of memory that each may take."""
BUSY = 0.75
"""Cores that the link may use: with more it might be what is measured."""


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """All cases, each close to the store and far from it, all packers in turn; then memory."""
    found, missing = await asyncio.to_thread(packers.find)
    async with link.link_to(arena.settings.s3_endpoint) as far:
        figures = [await _far(arena, far)]
        race = Race(arena, effort, found, far)
        for case, sizes in CASES.items():
            await race.run(case, sizes[:: effort.every])
    figures += race.figures()
    figures += [Figure(f"Not compared: {why}", "") for why in missing]
    return [*figures, *await _memory(arena, effort), _planner()]


async def _far(arena: Arena, far: Link) -> Figure:
    """What the link alone does."""
    [file_id] = await put_files(arena.services, 1, 256 * MIB)
    file = File(file_id, 256 * MIB)
    trip = await asyncio.to_thread(link.round_trip, far.url)
    settings = arena.settings.model_copy(update={"s3_endpoint": far.url})
    rate = await arena.apart(link.read_rate, settings, file.key, file.size)
    await arena.services.storage.objects.delete([file.key])
    return Figure("The link alone: round trip, reads", f"{trip:.1f} ms, {rate / 1e6:.0f} MB/s")


class Race:
    """What all packers took in all cases."""

    def __init__(self, arena: Arena, effort: Effort, found: Mapping[str, Packer], far: Link) -> None:
        self._arena = arena
        self._effort = effort
        self._found = found
        self._far = far
        self._rounds: dict[tuple[str, str], list[dict[str, Spent]]] = {}
        """By case and place, what each packer took, by its name."""
        self._busy = 0.0
        """Cores that the link used at most."""

    async def run(self, case: str, sizes: Sequence[int]) -> None:
        """One case, close and far."""
        ids = await put_sizes(self._arena.services, sizes)
        files = [File(file_id, size) for file_id, size in zip(ids, sizes, strict=True)]
        await self._run(case, LOCAL, files, self._arena.settings)
        await self._run(case, REMOTE, files, self._arena.settings.model_copy(update={"s3_endpoint": self._far.url}))
        await self._arena.services.storage.objects.delete([file.key for file in files])

    async def _run(self, case: str, where: str, files: Sequence[File], settings: Settings) -> None:
        [warm] = await put_files(self._arena.services, 1, KIB)
        async with self._arena.worker(s3_endpoint=settings.s3_endpoint) as pid:
            known = await bundles.make(self._arena, [warm, files[0].id])  # it runs, and knows its store
            assert known.result is not None
            await self._arena.services.storage.objects.delete([known.result.key])
            task = Task(settings, files, pid)
            self._rounds[case, where] = [await self._round(task, number) for number in range(self._effort.rounds)]
        print(f"  {case}, {where}: {self._said(case, where)}", file=sys.stderr, flush=True)

    async def _round(self, task: Task, number: int) -> dict[str, Spent]:
        """All in turn, each time another one first."""
        names = list(self._found)
        turns = names[number % len(names) :] + names[: number % len(names)]
        return {name: await self._turn(name, task, look=not number) for name in turns}

    async def _turn(self, name: str, task: Task, *, look: bool) -> Spent:
        before = cpu_seconds(self._far.pid)
        made = await self._found[name](self._arena, task)
        self._busy = max(self._busy, (cpu_seconds(self._far.pid) - before) / made.spent.seconds)
        if made.key is not None:
            if look:
                await bundles.check(self._arena, made.key, made.entries)
            await self._arena.services.storage.objects.delete([made.key])
        return made.spent

    def figures(self) -> list[Figure]:
        """What was measured, and what came of it."""
        return [
            *(Figure(f"{case}, {where}", self._said(case, where)) for case, where in self._rounds),
            *(self._judged(target) for target in TARGETS if target.other in self._found),
            Figure("Cores that the link used at most", f"{self._busy:.2f}", f"≤ {BUSY}", self._busy <= BUSY),
        ]

    def _said(self, case: str, where: str) -> str:
        rounds = self._rounds[case, where]

        def of(name: str) -> str:
            spent = [one[name] for one in rounds]
            seconds, cpu = middle(spent, lambda it: it.seconds), middle(spent, lambda it: it.cpu)
            return f"{name} {seconds:.2f} s / {cpu:.2f} s / {size_text(middle(spent, lambda it: it.peak))}"

        return "; ".join(map(of, self._found))

    def _judged(self, target: Target) -> Figure:
        def ratio(one: dict[str, Spent]) -> float:
            return float(getattr(one[target.other], target.value) / getattr(one[OURS], target.value))

        what = "CPU" if target.value == "cpu" else "time"
        times = middle(self._rounds[target.case, target.where], ratio)
        return Figure(
            f"{target.case}, {target.where}: {what} of {target.other} ÷ {OURS}",
            f"{times:.2f}",
            f"≥ {target.least:g}",
            times >= target.least,
        )


async def _memory(arena: Arena, effort: Effort) -> list[Figure]:
    """Of a fresh worker with one job, while the store copies, and while every byte passes through the worker."""
    figures = []
    for size in effort.giant:
        ids = await put_files(arena.services, GIANT_FILES, size // GIANT_FILES)
        for how, copies in (("copied", "auto"), ("read", "never")):
            async with arena.worker(s3_part_copy=copies) as pid:
                job = await bundles.make(arena, ids)
                peak = peak_memory(pid)
            assert job.result is not None
            await arena.services.storage.objects.delete([job.result.key])
            what = f"Worker's peak memory for one job of {size_text(size)}, {how}"
            figures.append(Figure(what, size_text(peak), f"≤ {size_text(PEAK)}", peak <= PEAK))
        await arena.services.storage.objects.delete([File(file_id, 0).key for file_id in ids])
    return figures


def _planner() -> Figure:
    """The most memory that planning takes, entries not counted."""
    now = datetime.now(UTC)
    entries = [Entry(f"a folder/the file {at}.pdf", 200_000, at, None, now) for at in range(ENTRIES)]
    manifest = Manifest(now, tuple(range(ENTRIES)))
    tracemalloc.start()
    plan_stored(entries, manifest, 8 * MIB, copies=True)
    each = tracemalloc.get_traced_memory()[1] / ENTRIES
    tracemalloc.stop()
    what = f"Planner's memory for each of {ENTRIES:,} entries"
    return Figure(what, f"{each:,.0f} bytes", f"≤ {BYTES:,} bytes", each <= BYTES)
