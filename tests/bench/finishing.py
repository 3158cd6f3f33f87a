"""From a file that a worker has finished to its follower: the worker's own reporter, Redis, the gateway, a WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from time import monotonic_ns
from uuid import UUID

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from jobs.concurrency import cancel_and_wait
from jobs.engine.lifecycle import Claimed
from jobs.engine.worker.reporter import Reporter
from jobs.logs import configure_logs
from jobs.services import open_services
from jobs.settings import Settings
from tests.bench.arena import Arena

JOBS = 16
SIZE = 1 << 20
READS = 100
"""Reads a second of each job, while its bytes flow."""
TAKES = (0.1, 0.6)
"""Seconds that a file takes."""
BEFORE = 1.0
"""Seconds from the first look at the followers to the first file."""

Moments = dict[tuple[str, int], int]
"""When (nanoseconds) this happened to the file of this index of this job."""


async def times(arena: Arena, port: int, claimed: Sequence[Claimed], *, flowing: bool) -> list[float]:
    """Milliseconds from each file's end to its follower, sorted; `flowing`: while bytes of others are read."""
    job_ids = [it.job.id for it in claimed]
    received, finished = await asyncio.gather(
        arena.apart(follow, port, job_ids), arena.apart(finish, arena.settings, claimed, flowing=flowing)
    )
    assert received.keys() == finished.keys(), "some files were never seen to be done"
    return sorted((received[file] - at) / 1e6 for file, at in finished.items())


def finish(settings: Settings, claimed: Sequence[Claimed], *, flowing: bool) -> Moments:
    """Finishes all files of the jobs, as an attempt does, and cancels the jobs."""
    configure_logs(settings.model_copy(update={"log_level": "warning"}))
    return asyncio.run(_finish(settings, claimed, flowing=flowing))


async def _finish(settings: Settings, claimed: Sequence[Claimed], *, flowing: bool) -> Moments:
    moments: Moments = {}
    async with open_services(settings) as services:
        await asyncio.sleep(BEFORE)

        async def attempt(it: Claimed, random: Random) -> None:
            reporter = Reporter(it.job, it.records, services.lifecycle, services.feed)
            running = asyncio.create_task(reporter.run())
            reporter.resolved(
                [replace(record, entry_name=f"file {record.index}.bin", size=SIZE) for record in it.records]
            )
            for record in it.records:
                lasts = random.uniform(*TAKES)
                for _ in range(int(lasts * READS)):
                    await asyncio.sleep(1 / READS)
                    if flowing:
                        reporter.read(record.index, int(SIZE / READS / lasts))
                moments[f"{it.job.id}", record.index] = monotonic_ns()
                reporter.done(record.index, 0)
            await asyncio.sleep(BEFORE)
            await cancel_and_wait(running)
            await services.lifecycle.cancel(it.job.id)

        await asyncio.gather(*(attempt(it, Random(number)) for number, it in enumerate(claimed)))
    return moments


def follow(port: int, job_ids: Sequence[UUID]) -> Moments:
    """Follows the jobs to their end: when each file was first seen to be done."""
    return asyncio.run(_follow(port, job_ids))


async def _follow(port: int, job_ids: Sequence[UUID]) -> Moments:
    moments: Moments = {}

    async def one(job_id: UUID) -> None:
        async with connect(f"ws://127.0.0.1:{port}/v1/download/subscribe/{job_id}") as socket:
            try:
                async for text in socket:
                    now = monotonic_ns()
                    event = json.loads(text)
                    for file in event["files"]:
                        if file["status"] == "done":
                            moments.setdefault((event["jobId"], file["index"]), now)
            except ConnectionClosed:
                return

    await asyncio.gather(*map(one, job_ids))
    return moments
