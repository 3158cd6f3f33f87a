"""From asking for a job to its start, on a worker that has nothing else to do."""

from __future__ import annotations

import asyncio
from random import Random
from time import time
from uuid import UUID

import httpx

from tests.bench.arena import Arena
from tests.bench.effort import Effort, middle, percentile
from tests.bench.files import put_files
from tests.bench.report import Figure

P50 = 30.0
P95 = 60.0
"""Milliseconds at most from `created_at` to `started_at`."""


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """One job at a time, of one tiny object; each at a moment of its own in the worker's polling."""
    [file_id] = await put_files(arena.services, 1, 100)
    async with arena.gateway() as port, arena.worker():
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            await _starts(arena, client, file_id, 10)  # connections and caches are warm, as on a worker that runs
            rounds = [await _starts(arena, client, file_id, effort.starts) for _ in range(effort.rounds)]
    created, asked = ([[pair[side] for pair in one] for one in rounds] for side in (0, 1))
    p50, p95 = middle(created, lambda it: percentile(it, 0.5)), middle(created, lambda it: percentile(it, 0.95))
    early, late = middle(asked, lambda it: percentile(it, 0.5)), middle(asked, lambda it: percentile(it, 0.95))
    return [
        Figure("Enqueue to start (created → started), p50", f"{p50:.1f} ms", f"≤ {P50:.0f} ms", p50 <= P50),
        Figure("Enqueue to start (created → started), p95", f"{p95:.1f} ms", f"≤ {P95:.0f} ms", p95 <= P95),
        Figure("The same from before the POST is sent", f"p50 {early:.1f} ms, p95 {late:.1f} ms"),
    ]


async def _starts(arena: Arena, client: httpx.AsyncClient, file_id: int, count: int) -> list[tuple[float, float]]:
    """Milliseconds from `created_at` and from just before the POST, to `started_at`, of so many jobs."""
    random = Random(0)
    times = []
    for _ in range(count):
        asked = time()
        accepted = await client.post("/v1/download/initiate", json={"file_ids": [file_id]})
        job_id = UUID(accepted.json()["jobId"])
        await client.get(accepted.headers["Location"], headers={"Prefer": "wait=30"})
        snapshot = await arena.services.snapshots.read(job_id)
        assert snapshot is not None
        assert snapshot.job.started_at is not None, snapshot.job.status
        started = snapshot.job.started_at.timestamp()
        times.append((1000 * (started - snapshot.job.created_at.timestamp()), 1000 * (started - asked)))
        await asyncio.sleep(random.uniform(0.01, 0.06))
    return times
