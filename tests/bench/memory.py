"""The most memory that a worker takes, whatever the size of its bundle."""

from __future__ import annotations

from collections.abc import Sequence

from app.cli.sizes import size_text
from tests.bench import bundles
from tests.bench.arena import Arena, peak_memory
from tests.bench.effort import MIB, Effort, middle
from tests.bench.files import put_files
from tests.bench.report import Figure

FILES = 8
LIMIT = 256 * MIB
"""Bytes that a worker may take."""
TOLERANCE = 1.05
"""By how much the peak may differ from one run to the next: pages that the allocator keeps."""


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Peak resident memory (VmHWM) of fresh workers, each for one bundle of eight files."""
    small, large = effort.memory
    groups = {size: await put_files(arena.services, FILES, size // FILES) for size in effort.memory}
    peaks: dict[int, list[float]] = {small: [], large: []}
    for _ in range(effort.rounds):
        for size, ids in groups.items():
            peaks[size].append(await _peak(arena, ids))
    low, high = middle(peaks[small], float), middle(peaks[large], float)
    return [
        Figure(f"Worker's peak memory for a bundle of {size_text(small)}", size_text(low)),
        Figure(f"for one of {size_text(large)}", size_text(high), f"≤ {size_text(LIMIT)}", high <= LIMIT),
        Figure("the large one's ÷ the small one's", f"{high / low:.2f}", f"≤ {TOLERANCE}", high / low <= TOLERANCE),
    ]


async def _peak(arena: Arena, ids: Sequence[int]) -> int:
    async with arena.worker() as pid:
        job = await bundles.make(arena, ids)
        peak = peak_memory(pid)
    await bundles.open_and_remove(arena, job)
    return peak
