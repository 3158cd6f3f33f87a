"""What deflating costs and brings: logs packed as they are, by ISA-L at level 1, and by zlib at level 6."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from app.cli.sizes import size_text
from jobs.bundles.downloads import Compression
from jobs.bundles.packing import deflated_packer
from jobs.settings import Settings
from jobs.storage.crc32 import Buffer
from tests.bench import bundles, parts
from tests.bench.arena import Arena, cpu_seconds, peak_memory
from tests.bench.effort import Effort, middle
from tests.bench.files import put_files
from tests.bench.report import Figure

FILES = 4


@dataclass(frozen=True, slots=True)
class _Round:
    """Seconds, seconds of CPU of the worker, bytes of the bundle, and peak bytes of the worker's memory."""

    seconds: float
    cpu: float
    size: int
    peak: int


def zlib_worker(settings: Settings, log: Path) -> None:
    """The worker as it is, but for who compresses."""
    setattr(deflated_packer, "deflate", _by_zlib)  # noqa: B010 - a name that it does not export
    parts.worker(settings, log)


def _by_zlib(data: Buffer, *, last: bool) -> bytes:
    squeezer = zlib.compressobj(6, zlib.DEFLATED, -15)
    return squeezer.compress(data) + squeezer.flush(zlib.Z_FINISH if last else zlib.Z_FULL_FLUSH)


CONTENDERS: dict[str, tuple[Compression, Callable[[Settings, Path], None]]] = {
    "store": (Compression.STORE, parts.worker),
    "deflate (ISA-L, level 1)": (Compression.DEFLATE, parts.worker),
    "deflate by zlib, level 6": (Compression.DEFLATE, zlib_worker),
}


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """A bundle of four log files, made by fresh workers in turn; nothing is copied in the store."""
    total = effort.logs
    random = Random(6)
    ids = await put_files(arena.services, FILES, total // FILES, lambda size: logs(random, size))
    rounds: dict[str, list[_Round]] = {name: [] for name in CONTENDERS}
    for _ in range(effort.rounds):
        for name, contender in CONTENDERS.items():
            rounds[name].append(await _round(arena, ids, *contender))
    return [Figure(f"{size_text(total)} of logs, {name}", _said(rounds[name], total)) for name in CONTENDERS]


async def _round(
    arena: Arena, ids: Sequence[int], compression: Compression, worker: Callable[[Settings, Path], None]
) -> _Round:
    async with arena.worker(worker, s3_part_copy="never") as pid:
        before = cpu_seconds(pid)
        job = await bundles.make(arena, ids, compression)
        used, peak = cpu_seconds(pid) - before, peak_memory(pid)
    await bundles.open_and_remove(arena, job)
    assert job.result is not None
    return _Round(bundles.seconds(job), used, job.result.size, peak)


def _said(rounds: Sequence[_Round], total: int) -> str:
    seconds, cpu = middle(rounds, lambda it: it.seconds), middle(rounds, lambda it: it.cpu)
    share, peak = middle(rounds, lambda it: it.size / total), middle(rounds, lambda it: it.peak)
    return f"{seconds:.1f} s, {cpu:.1f} s of CPU, {share:.1%} of the size, worker's peak {size_text(peak)}"


def logs(random: Random, size: int) -> bytes:
    """Lines as a web server writes them."""
    words = [random.randbytes(4).hex()[: random.randint(3, 8)] for _ in range(2_000)]
    lines, length, now = [], 0, 0
    while length < size:
        now += random.randint(1, 900)
        stamp = (
            f"2026-11-21T{now // 3_600_000 % 24:02}:{now // 60_000 % 60:02}:{now // 1_000 % 60:02}.{now % 1_000:03}Z"
        )
        path = f"/v1/{random.choice(words)}/{random.randint(1, 10**6)}"
        status = random.choice([200, 200, 200, 204, 304, 404, 500])
        lines.append(
            f"{stamp} INFO {random.choice(words)} request={random.getrandbits(64):016x} path={path} status={status} "
            f"bytes={random.randint(100, 10**6)} ms={random.randint(1, 3_000)}\n"
        )
        length += len(lines[-1])
    return "".join(lines).encode()[:size]
