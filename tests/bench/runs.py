"""Runs the benches that were asked for, one after the other, each in an arena of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench import initiate, memory, packing, start, status
from tests.bench.arena import Arena, open_arena, running_stack
from tests.bench.effort import FULL, QUICK, Effort
from tests.bench.report import Figure, machine, table, write

Bench = Callable[[Arena, Effort], Awaitable[list[Figure]]]

BENCHES: dict[str, Bench] = {
    "start": start.measure,
    "initiate": initiate.measure,
    "status": status.measure,
    "packing": packing.measure,
    "memory": memory.measure,
}


def main() -> int:
    """Runs the benches that were asked for; 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures the main job.")
    parser.add_argument(
        "bench", nargs="*", metavar="BENCH", help=f"one or more of {', '.join(BENCHES)}; all by default"
    )
    parser.add_argument("--quick", action="store_true", help="smaller and once: to see that it runs, not to be quoted")
    parser.add_argument("--write", action="store_true", help="put the table into docs/benchmarks.md")
    options = parser.parse_args()
    unknown = set(options.bench) - set(BENCHES)
    if unknown:
        parser.error(f"there is no bench called {', '.join(sorted(unknown))}")
    with running_stack() as (environment, folder):
        figures = [
            figure
            for name in options.bench or BENCHES
            for figure in _run(name, QUICK if options.quick else FULL, environment, folder)
        ]
    text = f"{machine()}\n\n{table(figures)}"
    print(f"\n{text}")
    if options.write:
        write(text)
    return int(any(figure.met is False for figure in figures))


def _run(name: str, effort: Effort, environment: dict[str, str], folder: Path) -> list[Figure]:
    print(f"{name} …", file=sys.stderr, flush=True)

    async def measure() -> list[Figure]:
        async with open_arena(environment, folder, name) as arena:
            return await BENCHES[name](arena, effort)

    figures = asyncio.run(measure())
    for figure in figures:
        print(f"  {figure.what}: {figure.measured}", file=sys.stderr, flush=True)
    return figures
