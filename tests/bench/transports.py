"""Redis beside PostgreSQL as what carries wake-ups and live messages (`QUEUE`): latencies, and idle statements."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import httpx
from websockets.asyncio.client import connect

from app.endpoints.sockets import SUBPROTOCOL
from jobs.engine.worker.heartbeat import any_worker
from jobs.services import open_services
from tests.bench import changes, parts, start
from tests.bench.arena import Arena
from tests.bench.effort import Effort, percentile
from tests.bench.files import put_files
from tests.bench.publisher import event_of
from tests.bench.report import Figure

QUEUES = ("redis", "postgres")
JOBS = 20
"""Jobs that run, each with its follower."""
EVENTS = 60
"""Events a second over all jobs."""
COUNTED = "SELECT xact_commit + xact_rollback AS count FROM pg_stat_database WHERE datname = current_database()"


@dataclass(slots=True)
class _Found:
    """Of one transport, over all rounds. Milliseconds, and statements a second."""

    starts: list[float]
    deliveries: list[float]
    gateway: list[float]
    worker: list[float]


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """The two take turns, each with processes of its own."""
    found = {queue: _Found([], [], [], []) for queue in QUEUES}
    [file_id] = await put_files(arena.services, 1, 100)
    for _ in range(effort.rounds):
        for queue in QUEUES:
            settings = arena.settings.model_copy(update={"queue": queue})
            async with open_services(settings) as services:
                one, of = replace(arena, settings=settings, services=services), found[queue]
                async with one.gateway() as port:
                    jobs = [it.job for it in await changes.running_jobs(services, JOBS)]
                    of.deliveries += await _deliveries(one, port, jobs, effort.seconds)
                    for job in jobs:  # or the worker would take them over
                        await services.lifecycle.cancel(job.id)
                    of.gateway.append(await _queries(one, effort.seconds))
                    async with _worker(one):
                        of.worker.append(await _queries(one, effort.seconds) - of.gateway[-1])
                        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                            await start._starts(one, client, file_id, 10)  # noqa: SLF001 - they warm up
                            pairs = await start._starts(one, client, file_id, effort.starts)  # noqa: SLF001
                            of.starts += [created for created, _ in pairs]
    return [figure for queue in QUEUES for figure in _figures(queue, found[queue])]


def _figures(queue: str, of: _Found) -> list[Figure]:
    def spread(values: list[float]) -> str:
        return ", ".join(f"p{share * 100:g} {percentile(values, share):.1f} ms" for share in (0.5, 0.95, 0.99))

    return [
        Figure(f"{queue}: from a published change to its follower", spread(of.deliveries)),
        Figure(f"{queue}: from the creation of a job to its start", spread(of.starts)),
        Figure(f"{queue}: statements a second of an idle gateway", f"{percentile(of.gateway, 0.5):.1f}"),
        Figure(f"{queue}: statements a second that an idle worker adds", f"{percentile(of.worker, 0.5):.1f}"),
    ]


@asynccontextmanager
async def _worker(arena: Arena) -> AsyncIterator[None]:
    """A worker process that has recorded its heartbeat."""
    with arena.process(parts.worker, arena.settings, arena.folder / "worker.log"):
        while not await any_worker(arena.services):  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        await asyncio.sleep(5)  # what it does only once, and what it cleans up
        yield


async def _deliveries(arena: Arena, port: int, jobs: list[Any], seconds: float) -> list[float]:
    """Milliseconds from publishing an event in this process to its arrival at a follower in this process."""
    published: dict[tuple[str, int], float] = {}
    times: list[float] = []

    async def follow(job: Any, ready: asyncio.Event) -> None:
        url = f"ws://127.0.0.1:{port}/v1/download/subscribe/{job.id}"
        async with connect(url, subprotocols=[SUBPROTOCOL], proxy=None) as socket:  # type: ignore[list-item]
            async for message in socket:
                received = monotonic()
                body = json.loads(message)
                ready.set()
                if (since := published.get((body["jobId"], body["tick"]))) is not None:
                    times.append(1000 * (received - since))

    readies = [asyncio.Event() for _ in jobs]
    followers = [asyncio.create_task(follow(job, ready)) for job, ready in zip(jobs, readies, strict=True)]
    await asyncio.gather(*(ready.wait() for ready in readies))
    events = [event_of(job) for job in jobs]
    first = int(monotonic() * 1000)  # higher than the ticks of earlier rounds
    for number in range(int(EVENTS * seconds)):
        event = events[number % len(events)].model_copy(update={"tick": first + number})
        published[str(event.job_id), event.tick] = monotonic()
        await arena.services.feed.publish(event)
        await asyncio.sleep(1 / EVENTS)
    await asyncio.sleep(1)
    for follower in followers:
        follower.cancel()
    await asyncio.gather(*followers, return_exceptions=True)
    return times


async def _queries(arena: Arena, seconds: float) -> float:
    """Transactions a second on the database while nothing happens: each statement of an idle process is one."""
    counts = []
    for _ in range(2):
        await arena.services.database.fetch("SELECT pg_stat_clear_snapshot()")
        [row] = await arena.services.database.fetch(COUNTED)
        counts.append((row["count"], monotonic()))
        if len(counts) == 1:
            await asyncio.sleep(max(10.0, seconds))
    (before, began), (after, ended) = counts
    return float((after - before - 2) / (ended - began))
