"""How fast a worker packs, beside a plain copy of the same objects by the same client library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.cli.sizes import size_text
from tests.bench import bundles
from tests.bench.arena import Arena, cpu_seconds
from tests.bench.effort import Effort, middle
from tests.bench.files import put_files
from tests.bench.packers import File, copy_all
from tests.bench.report import Figure


@dataclass(frozen=True, slots=True)
class _Round:
    """Bytes a second, and cores used, of the copy and of the worker."""

    copied: float
    copy_cpu: float
    packed: float
    pack_cpu: float


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Both bundles, each beside its copy; the worker's time is from its job's start to its end."""
    return [
        *await _compare(arena, effort.rounds, *effort.large),
        *await _compare(arena, effort.rounds, *effort.small),
    ]


async def _compare(arena: Arena, rounds: int, count: int, size: int) -> list[Figure]:
    ids = await put_files(arena.services, count, size)
    files = [File(file_id, size) for file_id in ids]
    async with arena.worker() as pid:
        measured = [await _round(arena, pid, files) for _ in range(rounds)]
    await arena.services.storage.objects.delete([file.key for file in files])
    what = f"{count:,} files of {size_text(size)}"
    share = middle(measured, lambda it: it.packed / it.copied)
    return [
        Figure(f"Plain obstore copy of {what}", _said(measured, "copied", "copy_cpu")),
        Figure(f"Bundle of {what}, job started → finished", _said(measured, "packed", "pack_cpu")),
        Figure(f"Bundle ÷ copy, {what}", f"{share:.2f}"),
    ]


async def _round(arena: Arena, pid: int, files: Sequence[File]) -> _Round:
    total = sum(file.size for file in files)
    copy = await arena.apart(copy_all, arena.settings, files)
    before = cpu_seconds(pid)
    job = await bundles.make(arena, [file.id for file in files])
    used = cpu_seconds(pid) - before
    await bundles.open_and_remove(arena, job)
    taken = bundles.seconds(job)
    return _Round(total / copy.seconds, copy.cpu / copy.seconds, total / taken, used / taken)


def _said(rounds: Sequence[_Round], rate: str, cpu: str) -> str:
    speed = middle(rounds, lambda it: getattr(it, rate)) / 1e6
    return f"{speed:,.0f} MB/s with {middle(rounds, lambda it: getattr(it, cpu)):.2f} cores"
