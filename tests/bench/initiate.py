"""POST `/v1/download/initiate` from many clients, beside a POST that does nothing."""

from __future__ import annotations

import json

from tests.bench import load
from tests.bench.arena import Arena
from tests.bench.effort import Effort, middle
from tests.bench.load import Answers, Load
from tests.bench.report import Figure

CLIENTS = 32
FILES = 100


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """The rate at which one gateway process accepts jobs of 100 files, all of them durably. No worker runs."""
    body = json.dumps({"file_ids": list(range(10_000, 10_000 + FILES)), "archiveName": "bench"}).encode()
    noops: list[Answers] = []
    initiates: list[Answers] = []
    async with arena.gateway() as port, arena.bare() as bare_port:
        for _ in range(effort.rounds):
            noops.append(await arena.apart(load.run, _load(bare_port, "/noop", body, effort)))
            initiates.append(await arena.apart(load.run, _load(port, "/v1/download/initiate", body, effort)))
    refused = sum(count for it in initiates for status, count in it.statuses.items() if status != 202)
    assert not refused, f"{refused} requests were not accepted"
    share = middle(zip(initiates, noops, strict=True), lambda pair: pair[0].rate / pair[1].rate)
    return [
        Figure(f"No-op POST of the same body, {CLIENTS} clients", _said(noops)),
        Figure(f"`initiate` of {FILES} files, {CLIENTS} clients", _said(initiates)),
        Figure("`initiate` ÷ no-op POST", f"{share:.3f}"),
    ]


def _load(port: int, path: str, body: bytes, effort: Effort) -> Load:
    requests = [load.request("POST", path, body)]
    return Load(port=port, requests=requests, connections=CLIENTS, seconds=effort.seconds)


def _said(rounds: list[Answers]) -> str:
    rate, p99 = middle(rounds, lambda it: it.rate), middle(rounds, lambda it: it.percentile(0.99))
    return f"{rate:,.0f}/s, p99 {p99:.1f} ms, load generator {max(it.cpu for it in rounds):.2f} cores"
