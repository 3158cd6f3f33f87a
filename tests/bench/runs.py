"""Runs the benches that were asked for, one after the other, each in an arena of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from tests.bench import (
    access,
    acting,
    dead_endpoints,
    deflating,
    growth,
    images,
    initiate,
    live,
    memory,
    metrics,
    operators,
    packing,
    page,
    photos,
    processing,
    proxies,
    race,
    small,
    start,
    status,
    traces,
    transports,
    uploads,
)
from tests.bench.arena import Arena, open_arena, running_stack
from tests.bench.effort import FULL, QUICK, Effort
from tests.bench.priority import before_other_programs
from tests.bench.report import Figure, machine, table, write

Bench = Callable[[Arena, Effort], Awaitable[list[Figure]]]

BENCHES: dict[str, Bench] = {
    "start": start.measure,
    "initiate": initiate.measure,
    "status": status.measure,
    "packing": packing.measure,
    "memory": memory.measure,
    "small": small.measure,
}
"""Those of the main job: one table."""
LIVE: dict[str, Bench] = {"live": live.measure}
"""Those of live followers: a table of its own, and only when asked for."""
DEFLATING: dict[str, Bench] = {"deflating": deflating.measure}
"""What compressing costs: only when asked for."""
BUNDLES: dict[str, Bench] = {"bundles": race.measure}
"""Those of bundles beside other ways to make them: likewise."""
GROWTH: dict[str, Bench] = {"growth": growth.measure}
"""What becomes slower when much has been done: likewise."""
OPERATORS: dict[str, Bench] = {"operators": operators.measure}
"""What operators wait for, with a million jobs: likewise."""
PAGE: dict[str, Bench] = {"page": page.measure}
"""What people see of it in a browser: likewise, after `make browser` has installed what it needs."""
PROXIES: dict[str, Bench] = {"proxies": proxies.measure}
"""What a reverse proxy adds: likewise."""
ACCESS: dict[str, Bench] = {"access": access.measure}
"""What proving who one is costs: likewise."""
TRACES: dict[str, Bench] = {"traces": traces.measure}
"""What traces cost: likewise."""
ACTING: dict[str, Bench] = {"acting": acting.measure}
"""What operators do, and what it costs others: likewise."""
WEBHOOKS: dict[str, Bench] = {"webhooks": dead_endpoints.measure}
"""What webhooks cost downloads, dead ones above all: likewise."""
METRICS: dict[str, Bench] = {"metrics": metrics.measure}
"""What counting costs: likewise."""
TRANSPORTS: dict[str, Bench] = {"transports": transports.measure}
"""Redis beside PostgreSQL: likewise."""
UPLOADS: dict[str, Bench] = {"uploads": uploads.measure}
"""Those of uploads, beside tusd: likewise."""
PROCESSING: dict[str, Bench] = {"images": images.measure, "photos": photos.measure, "processing": processing.measure}
"""What is made of photos, beside sharp, Pillow and BullMQ, and of files of all sorts: likewise."""
TABLES = {
    "measured": BENCHES,
    "live": LIVE,
    "deflating": DEFLATING,
    "bundles": BUNDLES,
    "growth": GROWTH,
    "operators": OPERATORS,
    "page": PAGE,
    "proxies": PROXIES,
    "access": ACCESS,
    "traces": TRACES,
    "acting": ACTING,
    "webhooks": WEBHOOKS,
    "metrics": METRICS,
    "transports": TRANSPORTS,
    "uploads": UPLOADS,
    "processing": PROCESSING,
}
"""By the name of its place in docs/benchmarks.md."""
ALL = {name: bench for benches in TABLES.values() for name, bench in benches.items()}


def main() -> int:
    """Runs the benches that were asked for; 1 when a target was missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measures the main job.")
    parser.add_argument(
        "bench", nargs="*", metavar="BENCH", help=f"some of {', '.join(ALL)}; the main job's by default"
    )
    parser.add_argument("--quick", action="store_true", help="smaller and once: to see that it runs, not to be quoted")
    parser.add_argument("--write", action="store_true", help="put what is measured into docs/benchmarks.md")
    options = parser.parse_args()
    unknown = set(options.bench).difference(ALL)
    if unknown:
        parser.error(f"there is no bench called {', '.join(sorted(unknown))}")
    effort = QUICK if options.quick else FULL
    with before_other_programs() as allowed, running_stack() as (environment, folder):
        if not allowed:
            print("Other programs may disturb the figures: only root may raise the priority.", file=sys.stderr)
        figures = {name: _run(name, effort, environment, folder) for name in options.bench or BENCHES}
    for place, benches in TABLES.items():
        lines = [line for name, measured in figures.items() if name in benches for line in measured]
        if lines:
            text = f"{machine()}\n\n{table(lines)}"
            print(f"\n{text}")
            if options.write:
                write(place, text)
    return int(any(figure.met is False for measured in figures.values() for figure in measured))


def _run(name: str, effort: Effort, environment: dict[str, str], folder: Path) -> list[Figure]:
    print(f"{name} …", file=sys.stderr, flush=True)

    async def measure() -> list[Figure]:
        async with open_arena(environment, folder, name) as arena:
            return await ALL[name](arena, effort)

    figures = asyncio.run(measure())
    for figure in figures:
        print(f"  {figure.what}: {figure.measured}", file=sys.stderr, flush=True)
    return figures
