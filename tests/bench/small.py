"""Small jobs by the hundred, beside the no-ops of two job queues, and links made and fetched."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from time import perf_counter
from urllib.parse import urlsplit

import asyncpg
from redis.asyncio import Redis

from jobs.bundles.downloads import NewDownload
from jobs.engine.jobs import FileRequest, Overdue
from jobs.engine.wakeups.queue import queue_name
from jobs.kinds import Kind
from tests.bench import load, noops
from tests.bench.arena import Arena, cpu_seconds
from tests.bench.effort import Effort, middle
from tests.bench.files import put_files
from tests.bench.load import Answers, Load
from tests.bench.report import Figure

KB = 1000
FILES = 3
CPU = {1: 6.0, FILES: 15.0}
"""Milliseconds of the worker's CPU at most, for a job of so many files."""
SHARE = 0.5
"""The least share of procrastinate's rate."""
CONNECTIONS = 16


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """Jobs a second of one and two workers, CPU of a job, and links a second."""
    ids = await put_files(arena.services, effort.small_jobs * FILES, KB)
    one = {workers: [await _jobs(arena, ids, 1, effort.small_jobs, workers)] for workers in (1, 2)}
    bundles = [await _jobs(arena, ids, FILES, effort.small_jobs, 1)]
    arq = [await arena.apart(noops.arq, str(arena.settings.redis_url), effort.small_jobs)]
    procrastinate = [await arena.apart(noops.procrastinate, str(arena.settings.database_url), effort.small_jobs)]
    for _ in range(effort.rounds - 1):
        for workers, rounds in one.items():
            rounds.append(await _jobs(arena, ids, 1, effort.small_jobs, workers))
        bundles.append(await _jobs(arena, ids, FILES, effort.small_jobs, 1))
        arq.append(await arena.apart(noops.arq, str(arena.settings.redis_url), effort.small_jobs))
        procrastinate.append(
            await arena.apart(noops.procrastinate, str(arena.settings.database_url), effort.small_jobs)
        )
    share = middle(zip(one[1], procrastinate, strict=True), lambda pair: pair[0][0] / pair[1][0])
    return [
        *(Figure(f"Jobs of one file of 1 kB, {n} workers with 4 slots each", _rate(it)) for n, it in one.items()),
        Figure(f"Jobs of {FILES} files of 1 kB, one worker", _rate(bundles)),
        Figure("No-ops of arq, one worker", _rate(arq)),
        Figure("No-ops of procrastinate, one worker with 4 slots", _rate(procrastinate)),
        Figure("Jobs of one file ÷ no-ops of procrastinate", f"{share:.2f}", f"≥ {SHARE:g}", share >= SHARE),
        _cpu(one[1], 1),
        _cpu(bundles, FILES),
        *await _links(arena, ids[0], effort),
    ]


Round = tuple[float, float]
"""Jobs a second, and milliseconds of the worker's CPU for each."""


def _rate(rounds: Sequence[Round]) -> str:
    return f"{middle(rounds, lambda it: it[0]):,.0f}/s, {middle(rounds, lambda it: it[1]):.1f} ms of CPU each"


def _cpu(rounds: Sequence[Round], files: int) -> Figure:
    spent = middle(rounds, lambda it: it[1])
    return Figure(
        f"CPU of the worker for a job of {files} file(s)",
        f"{spent:.1f} ms",
        f"≤ {CPU[files]:g} ms",
        spent <= CPU[files],
    )


async def _jobs(arena: Arena, ids: Sequence[int], files: int, count: int, workers: int) -> Round:
    """Creates the jobs, lets warm workers run them all at once, and times the first start to the last end."""
    watching = await asyncpg.connect(str(arena.settings.database_url))
    await _create(arena, ids, files, count)
    async with Redis.from_url(str(arena.settings.redis_url)) as redis:
        await arena.services.queue.flush()
        await redis.delete(queue_name(Kind.DOWNLOAD))
    await watching.execute("UPDATE jobs SET due_at = 'infinity' WHERE status = 'queued'")
    async with AsyncExitStack() as running:
        pids = [await running.enter_async_context(arena.worker()) for _ in range(workers)]
        await _create(arena, ids, files, 20)  # so that the workers are warm
        await until_ended(watching)
        before = sum(map(cpu_seconds, pids))
        since = await watching.fetchval("SELECT clock_timestamp()")
        due = "UPDATE jobs SET due_at = now() WHERE status = 'queued' RETURNING id, fence, due_at"
        rows = await watching.fetch(due)
        await arena.services.queue.enqueue_missing(Kind.DOWNLOAD, [Overdue(*row) for row in rows])
        await until_ended(watching)
        spent = sum(map(cpu_seconds, pids)) - before
    seconds = await watching.fetchval("SELECT extract(epoch FROM max(finished_at) - $1) FROM jobs", since)
    await watching.close()
    return count / float(seconds), 1000 * spent / count


async def _create(arena: Arena, ids: Sequence[int], files: int, count: int) -> None:
    for number in range(count):
        mine = [FileRequest(file_id=ids[(number * files + n) % len(ids)]) for n in range(files)]
        name = None if files == 1 else "bench.zip"
        await arena.services.downloads.create(NewDownload(files=mine, archive_name=name))


async def until_ended(watching: asyncpg.Connection) -> None:
    """Returns when every job that is due has ended."""
    while await watching.fetchval(_WAITING):  # noqa: ASYNC110 - another process
        await asyncio.sleep(0.05)


_WAITING = "SELECT EXISTS (SELECT FROM jobs WHERE finished_at IS NULL AND due_at < 'infinity')"


async def _links(arena: Arena, file_id: int, effort: Effort) -> list[Figure]:
    """Links that the gateway makes a second, and links that the store serves a second."""
    async with arena.gateway() as port, arena.worker():
        new = NewDownload(files=[FileRequest(file_id=file_id)])
        job = await arena.services.downloads.create(new)
        while not (await arena.services.downloads.read(job.id)).status.ended:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.05)
        asked = load.request("GET", f"/v1/download/job/{job.id}/download-url")
        made = await arena.apart(load.run, _load(port, asked, effort))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(asked[:-2] + b"Connection: close\r\n\r\n")
        url = urlsplit(json.loads((await reader.read()).partition(b"\r\n\r\n")[2])["url"])
        writer.close()
        fetch = f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode()
        assert url.port is not None
        began = perf_counter()
        fetched = await arena.apart(load.run, _load(url.port, fetch, effort))
        assert perf_counter() - began < 10 * effort.seconds + 30
    assert set(made.statuses) == set(fetched.statuses) == {200}
    return [
        Figure(f"Presigned links made, {CONNECTIONS} connections", _said(made)),
        Figure(f"Presigned links of 1 kB fetched from the store, {CONNECTIONS} connections", _said(fetched)),
    ]


def _load(port: int, request: bytes, effort: Effort) -> Load:
    return Load(port=port, requests=[request], connections=CONNECTIONS, seconds=effort.seconds)


def _said(answers: Answers) -> str:
    return f"{answers.rate:,.0f}/s, p99 {answers.percentile(0.99):.1f} ms"
