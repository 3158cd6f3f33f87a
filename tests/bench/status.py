"""Status reads of one gateway process, while the jobs change."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from tests.bench import changes, load
from tests.bench.arena import Arena
from tests.bench.effort import Effort, middle
from tests.bench.load import Answers, Load
from tests.bench.report import Figure

CONNECTIONS = 64
SHARE = 0.4
"""The least share of the bare rate."""


@dataclass(frozen=True, slots=True)
class Round:
    """The contenders of one round."""

    bare: Answers
    full: Answers
    unchanged: Answers


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Reads 1,000 running jobs over and over: in full, with their ETag, and beside them a bare one of the same size."""
    rounds, size = await rounds_of(arena, effort)
    return _figures(rounds, size)


async def rounds_of(arena: Arena, effort: Effort) -> tuple[list[Round], int]:
    """The rounds, and the size of the response."""
    claimed = await changes.running_jobs(arena.services, effort.jobs)
    paths = [f"/v1/download/job/{it.job.id}" for it in claimed]
    async with arena.gateway() as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        document = (await client.get(paths[0])).content
        async with arena.bare(document) as bare_port:
            with arena.process(changes.change, arena.settings, claimed):
                return [await _round(arena, effort, port, bare_port, paths) for _ in range(effort.rounds)], len(
                    document
                )


async def _round(arena: Arena, effort: Effort, port: int, bare_port: int, paths: list[str]) -> Round:
    requests = [load.request("GET", path) for path in paths]
    full = Load(port=port, requests=requests, connections=CONNECTIONS, seconds=effort.seconds)
    unchanged = Load(port=port, requests=requests, connections=CONNECTIONS, seconds=effort.seconds, conditional=True)
    bare = Load(
        port=bare_port,
        requests=[load.request("GET", "/json")],
        connections=CONNECTIONS,
        seconds=effort.seconds,
    )
    return Round(*[await arena.apart(load.run, one) for one in (bare, full, unchanged)])


def _figures(rounds: list[Round], size: int) -> list[Figure]:
    share = middle(rounds, lambda it: it.full.rate / it.bare.rate)
    ratio = middle(rounds, lambda it: it.unchanged.rate / it.full.rate)
    not_modified = middle(rounds, lambda it: it.unchanged.statuses.get(304, 0) / sum(it.unchanged.statuses.values()))
    return [
        Figure(
            "Bare Starlette JSON response",
            f"{middle(rounds, lambda it: it.bare.rate):,.0f}/s of {size:,} bytes, {_latency(rounds, 'bare')}",
        ),
        Figure(
            f"Status reads, {CONNECTIONS} connections",
            f"{middle(rounds, lambda it: it.full.rate):,.0f}/s, {_latency(rounds, 'full')}",
        ),
        Figure("Status reads ÷ bare responses", f"{share:.2f}", f"≥ {SHARE}", share >= SHARE),
        Figure(
            f"Status reads with the current ETag ({100 * not_modified:.0f} % are 304)",
            f"{middle(rounds, lambda it: it.unchanged.rate):,.0f}/s, {_latency(rounds, 'unchanged')}",
        ),
        Figure("Reads with the ETag ÷ status reads", f"{ratio:.2f}", "≥ 1", ratio >= 1),
        Figure(
            "Cores the load generator used",
            f"{max(it.full.cpu for it in rounds):.2f}, for the bare responses {max(it.bare.cpu for it in rounds):.2f}",
        ),
    ]


def _latency(rounds: list[Round], which: str) -> str:
    def percentile(share: float) -> float:
        return middle(rounds, lambda it: getattr(it, which).percentile(share))

    return f"p50 {percentile(0.5):.1f} ms, p99 {percentile(0.99):.1f} ms"
