"""What operators do, and what it costs others: the retry of all dead jobs at once, and a claim that a pause can stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from statistics import median
from time import perf_counter
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy.ext.asyncio import AsyncConnection

from jobs.engine.jobs import Job
from jobs.engine.sql import jobs as rows
from jobs.engine.transitions import Claim, apply
from tests.bench.arena import Arena
from tests.bench.effort import Effort, percentile
from tests.bench.files import put_files
from tests.bench.report import Figure
from tests.helpers.dead_jobs import many_dead

BULK, SMALL_BULK = 10_000, 500
MOST = 60.0
"""Seconds in which so many are retried."""
PACE = 0.05
"""Seconds between two live jobs."""
UNHURT = 2.0
"""How many times as long the slowest of a hundred live jobs may wait for its start meanwhile."""


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Live jobs come at a steady pace: before, while all dead jobs are retried, and while these run."""
    count = BULK if effort.rounds > 1 else SMALL_BULK
    [file_id] = await put_files(arena.services, 1, 100)
    dead = await many_dead(arena.services, count, file_id)
    async with (
        arena.gateway() as port,
        arena.worker(),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client,
    ):
        live = _Live(arena, client, file_id)
        await live.during(asyncio.sleep(3))  # connections and caches are warm
        before = await live.during(asyncio.sleep(max(effort.seconds * 6, 10)))
        seconds, during = 0.0, list[float]()

        async def retried() -> None:
            nonlocal seconds
            seconds = await _retry_all(client, count)

        during = await live.during(retried())
        after = await live.during(asyncio.sleep(max(effort.seconds * 2, 10)))
    assert len(dead) == count
    early, meanwhile, later = (percentile(one, 0.99) for one in (before, during, after))
    ratio = meanwhile / early
    return [
        Figure(
            f"Retry of {count:,} dead jobs: from the end of the undo window until all are queued",
            f"{seconds:.1f} s",
            f"≤ {MOST:.0f} s",
            seconds <= MOST,
        ),
        Figure("Live jobs, created → started, before: p50, p99", _times(before)),
        Figure("the same meanwhile", _times(during)),
        Figure("the same afterwards, while retried jobs run", _times(after)),
        Figure("Live p99 meanwhile ÷ before", f"{ratio:.2f}", f"≤ {UNHURT:g}", ratio <= UNHURT),
        Figure("Live p99 while retried jobs run ÷ before", f"{later / early:.2f}"),
        *await _claims(arena, effort, file_id),
    ]


def _times(values: list[float]) -> str:
    return f"{percentile(values, 0.5):.1f} ms, {percentile(values, 0.99):.1f} ms of {len(values)}"


class _Live:
    """Jobs that people request meanwhile, one every `PACE` seconds, however long the others take."""

    def __init__(self, arena: Arena, client: httpx.AsyncClient, file_id: int) -> None:
        self._arena = arena
        self._client = client
        self._file_id = file_id

    async def during(self, work: Awaitable[object]) -> list[float]:
        """For each job that was requested until the work was done: milliseconds from its creation to its start."""
        ids: list[UUID] = []
        task = asyncio.ensure_future(work)
        sent: list[asyncio.Task[None]] = []

        async def send() -> None:
            accepted = await self._client.post("/v1/download/initiate", json={"file_ids": [self._file_id]})
            ids.append(UUID(accepted.json()["jobId"]))

        while not task.done():
            sent.append(asyncio.create_task(send()))
            await asyncio.wait([task], timeout=PACE)
        await task
        await asyncio.gather(*sent)
        database = self._arena.services.database
        while True:
            found = await database.fetch(_STARTS, ids)
            if all(row["ms"] is not None for row in found):
                return [float(row["ms"]) for row in found]
            await asyncio.sleep(0.2)


_STARTS = "SELECT 1000 * extract(epoch FROM started_at - created_at) AS ms FROM jobs WHERE id = ANY ($1::uuid[])"


async def _retry_all(client: httpx.AsyncClient, count: int) -> float:
    """Seconds from the end of the undo window until the action is completed, on the database's clock."""
    wanted = {"action": "retry", "filter": {"dead": True}, "expected": count}
    action = (await client.post("/v1/operator/actions", json=wanted)).json()
    while action["finishedAt"] is None:
        await asyncio.sleep(0.5)
        action = (await client.get(f"/v1/operator/actions/{action['actionId']}")).json()
    assert action["done"] == count, action
    started, finished = (_seconds(action[name]) for name in ("startsAt", "finishedAt"))
    return finished - started


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


async def _claims(arena: Arena, effort: Effort, file_id: int) -> list[Figure]:
    """A claim's two statements and their transaction, with and without what makes a pause exact, in turn."""
    count = 300 * effort.rounds
    client = arena.services
    ids = await many_dead(client, 2 * count, file_id)
    await client.database.fetch(_QUEUE, ids)
    times: dict[str, list[float]] = {"with": [], "without": []}
    for number, job_id in enumerate(ids):
        how = "with" if number % 2 else "without"
        lock, save = (rows.lock_job_to_claim, rows.save_claim) if how == "with" else (rows.lock_job, rows.save_job)
        began = perf_counter()
        async with client.database.begin() as connection:
            await _claim(connection, job_id, lock, save)
        times[how].append(1000 * (perf_counter() - began))
    ratios = median(times["with"]) / median(times["without"])
    return [
        Figure("A claim's transaction as it was, median", f"{median(times['without']):.2f} ms"),
        Figure("with the lock and the check of a pause", f"{median(times['with']):.2f} ms"),
        Figure("with ÷ without", f"{ratios:.2f}", "≤ 1.1", ratios <= 1.1),
    ]


_QUEUE = "UPDATE jobs SET status = 'queued', finished_at = NULL, cleanup_at = NULL WHERE id = ANY ($1::uuid[])"


async def _claim(
    connection: AsyncConnection,
    job_id: UUID,
    lock: Callable[..., Awaitable[Any]],
    save: Callable[..., Awaitable[object]],
) -> None:
    job: Job
    job, now = await lock(connection, job_id)
    after, event = apply(job, Claim(worker="bench", lease=600), now)
    await save(connection, job, after, event)
