"""How fast a worker packs, beside a plain copy of the same objects by the same client library."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter, process_time

import obstore
from obstore.store import S3Store

from jobs.blobs.clients import obstore_client
from jobs.concurrency import map_limited
from jobs.settings import Settings
from tests.bench import bundles
from tests.bench.arena import Arena, cpu_seconds
from tests.bench.effort import MIB, Effort, middle
from tests.bench.files import put_files
from tests.bench.report import Figure

COPIES_AT_ONCE = {True: 4, False: 32}
"""Large objects and small ones that the plain copy has under way: the best of 1 to 16 and of 8 to 64 here."""
LARGE = 8 * MIB
"""From this size on the plain copy streams an object into a multipart upload; below, it is one GET and one PUT."""


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
    keys = [f"files/{file_id}" for file_id in ids]
    async with arena.worker() as pid:
        measured = [await _round(arena, pid, ids, keys, size) for _ in range(rounds)]
    await arena.services.blobs.objects.delete(keys)
    what = f"{count:,} files of {size // MIB} MiB" if size >= MIB else f"{count:,} files of {size // 1024} KiB"
    share = middle(measured, lambda it: it.packed / it.copied)
    return [
        Figure(f"Plain obstore copy of {what}", _said(measured, "copied", "copy_cpu")),
        Figure(f"Bundle of {what}, job started → finished", _said(measured, "packed", "pack_cpu")),
        Figure(f"Bundle ÷ copy, {what}", f"{share:.2f}"),
    ]


async def _round(arena: Arena, pid: int, ids: Sequence[int], keys: Sequence[str], size: int) -> _Round:
    total = size * len(ids)
    taken, cpu = await arena.apart(_copy_all, arena.settings, keys, size)
    before = cpu_seconds(pid)
    job = await bundles.make(arena, ids)
    used = cpu_seconds(pid) - before
    await bundles.open_and_remove(arena, job)
    return _Round(total / taken, cpu / taken, total / bundles.seconds(job), used / bundles.seconds(job))


def _said(rounds: Sequence[_Round], rate: str, cpu: str) -> str:
    speed = middle(rounds, lambda it: getattr(it, rate)) / 1e6
    return f"{speed:,.0f} MB/s with {middle(rounds, lambda it: getattr(it, cpu)):.2f} cores"


def _copy_all(settings: Settings, keys: Sequence[str], size: int) -> tuple[float, float]:
    """Seconds, and seconds of CPU, that the copies take: every byte goes through this process, as through a worker."""
    return asyncio.run(_copy(obstore_client(settings), keys, size))


async def _copy(store: S3Store, keys: Sequence[str], size: int) -> tuple[float, float]:
    async def copy(key: str) -> None:
        got = await obstore.get_async(store, key)
        if size < LARGE:
            await obstore.put_async(store, f"copies/{key}", await got.bytes_async(), use_multipart=False)
        else:
            await obstore.put_async(store, f"copies/{key}", got.stream(512 * 1024), chunk_size=LARGE, max_concurrency=4)

    began, cpu = perf_counter(), process_time()
    await map_limited(copy, keys, COPIES_AT_ONCE[size >= LARGE])
    taken, used = perf_counter() - began, process_time() - cpu
    await obstore.delete_async(store, [f"copies/{key}" for key in keys])
    return taken, used
