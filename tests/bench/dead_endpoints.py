"""What a webhook costs downloads whose endpoint is dead: one that accepts and never responds, and one that drops packets.

Beside it run downloads without a webhook, and with one that responds: what is left is the price of being dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
from redis.asyncio import Redis

from jobs.bundles.downloads import NewDownload
from jobs.engine.jobs import FileRequest, Overdue
from jobs.engine.wakeups.queue import queue_name
from jobs.kinds import Kind
from jobs.owners import ANONYMOUS
from jobs.webhooks.endpoints import add_endpoint
from jobs.webhooks.messages import OF_JOBS
from tests.bench.arena import Arena
from tests.bench.effort import Effort, middle, percentile
from tests.bench.files import put_files
from tests.bench.report import Figure
from tests.bench.small import until_ended
from tests.helpers.receivers import dropping_packets, receiving

KB = 1000
WARM = 20
"""Jobs that a worker runs before those that count."""
RATE = 0.9
"""The least share of the rate with a webhook that responds."""
SLOWER = 1.25
"""How many times as long the slowest of a hundred jobs may take from its start to its end."""


@dataclass(frozen=True, slots=True)
class Round:
    """Jobs a second, from the first start to the last end, and milliseconds of each from its start to its end."""

    rate: float
    p50: float
    p99: float


async def measure(arena: Arena, effort: Effort) -> list[Figure]:
    """The contenders take turns, each with a fresh worker."""
    ids = await put_files(arena.services, effort.small_jobs, KB)
    async with receiving() as alive, receiving() as silent:
        silent.gate.clear()
        with dropping_packets() as dropping:
            urls = {"none": None, "alive": alive.url, "silent": silent.url, "dropping": dropping}
            await _round(arena, ids, None)
            turns = []
            for number in range(effort.rounds):
                order = [*urls][number % len(urls) :] + [*urls][: number % len(urls)]
                turns.append({name: await _round(arena, ids, urls[name]) for name in order})
        assert alive.received, "the webhook that responds got nothing"
        assert silent.received, "the webhook that does not respond got nothing"
    return [
        _figure("Downloads of one file of 1 kB, one worker, without a webhook", turns, "none"),
        _figure("with a webhook that responds", turns, "alive"),
        _figure("with one that accepts connections and never responds", turns, "silent"),
        _figure("with one whose address drops packets", turns, "dropping"),
        *_ratios("never responds ÷ responds", turns, "silent"),
        *_ratios("drops packets ÷ responds", turns, "dropping"),
    ]


Turn = dict[str, Round]


def _figure(what: str, turns: Sequence[Turn], name: str) -> Figure:
    rate = middle(turns, lambda it: it[name].rate)
    p50, p99 = middle(turns, lambda it: it[name].p50), middle(turns, lambda it: it[name].p99)
    return Figure(what, f"{rate:,.0f}/s; start → end p50 {p50:.1f} ms, p99 {p99:.1f} ms")


def _ratios(what: str, turns: Sequence[Turn], name: str) -> list[Figure]:
    rate = middle(turns, lambda it: it[name].rate / it["alive"].rate)
    p99 = middle(turns, lambda it: it[name].p99 / it["alive"].p99)
    return [
        Figure(f"Rate, {what}", f"{rate:.2f}", f"≥ {RATE:g}", rate >= RATE),
        Figure(f"p99, {what}", f"{p99:.2f}", f"≤ {SLOWER:g}", p99 <= SLOWER),
    ]


async def _round(arena: Arena, ids: Sequence[int], url: str | None) -> Round:
    """Lets a warm worker run a job for each file, all due at once, whose owner has this webhook, or none."""
    watching = await asyncpg.connect(str(arena.settings.database_url))
    await watching.execute("DELETE FROM webhook_endpoints")
    if url is not None:
        await add_endpoint(
            arena.services.database,
            owner=ANONYMOUS,
            url=url,
            events=tuple(OF_JOBS),
            description="",
            created_by="bench",
        )
    await _create(arena, ids)
    async with Redis.from_url(str(arena.settings.redis_url)) as redis:
        await arena.services.queue.flush()
        await redis.delete(queue_name(Kind.DOWNLOAD))
    await watching.execute("UPDATE jobs SET due_at = 'infinity' WHERE status = 'queued'")
    async with arena.worker(egress_allow=("127.0.0.1",)):
        await _create(arena, ids[:WARM])
        await until_ended(watching)
        since = await watching.fetchval("SELECT clock_timestamp()")
        due = "UPDATE jobs SET due_at = now() WHERE status = 'queued' RETURNING id, fence, due_at"
        rows = await watching.fetch(due)
        await arena.services.queue.enqueue_missing(Kind.DOWNLOAD, [Overdue(*row) for row in rows])
        await until_ended(watching)
    ended = await watching.fetch(_ENDED, since)
    await watching.close()
    assert len(ended) == len(ids)
    times = [1000 * float(row["seconds"]) for row in ended]
    rate = len(ended) / max(float(row["until"]) for row in ended)
    return Round(rate, percentile(times, 0.5), percentile(times, 0.99))


_ENDED = """
    SELECT extract(epoch FROM finished_at - started_at) AS seconds, extract(epoch FROM finished_at - $1) AS until
    FROM jobs WHERE status = 'completed' AND started_at >= $1
"""


async def _create(arena: Arena, ids: Sequence[int]) -> None:
    for file_id in ids:
        await arena.services.downloads.create(NewDownload(files=[FileRequest(file_id=file_id)]))
