"""Redis emptied, killed, away, and cut off from one connection after the other (rows 3, 4, 5, 8, 13, 15)."""

from __future__ import annotations

import asyncio
from time import monotonic
from uuid import uuid4

import pytest

from jobs.concurrency import map_limited
from jobs.engine.wakeups.queue import arq_redis
from tests.faults import checks
from tests.faults.figures import percentile, record, spread
from tests.faults.ground import MIB, Ground
from tests.faults.loads import Load
from tests.faults.watchers import SocketWatcher, Watcher

FLUSHED = 8.0
"""Seconds, at most, that a job waits longer because Redis was emptied."""
SETTLED = 3.0
"""Seconds after its restart in which Redis is found again."""
GAP = 2.0
"""Seconds, at most, between two messages of a live stream."""


async def test_a_flushed_redis_delays_queued_and_running_jobs_by_eight_seconds_at_most(ground: Ground) -> None:
    file_id = await ground.file()
    for _ in range(2):
        await ground.fleet.worker(worker_concurrency=2)
    delays = []
    for _ in range(3):
        ground.store.stall()
        jobs = await ground.jobs(12, file_id)
        await ground.until("SELECT count(*) = 4 FROM jobs WHERE status = 'processing'")
        ground.servers.flush()
        flushed = await ground.now()
        await ground.store.heal()
        await ground.ended(jobs)
        [row] = await ground.rows("SELECT max(finished_at) AS last FROM jobs")
        delays.append((row["last"] - flushed).total_seconds())
    assert max(delays) <= FLUSHED
    await checks.assert_consistent(ground)
    record(3, "FLUSHALL with 4 jobs running and 8 queued, 3 times: until all are done", spread(delays), "≤ 8 s")


async def test_workers_outlive_a_redis_that_is_killed_for_eight_seconds(ground: Ground) -> None:
    file_id = await ground.file()
    workers = [await ground.fleet.worker() for _ in range(2)]
    await ground.ended(await ground.jobs(5, file_id))
    await ground.servers.valkey.kill()
    meanwhile = await ground.jobs(20, file_id)
    await asyncio.sleep(8)  # that is the fault
    await ground.servers.valkey.restart()
    await ground.ended(meanwhile)
    await ground.ended(await ground.jobs(20, file_id))
    assert all(it.alive for it in workers)
    await checks.assert_consistent(ground)
    record(4, "Redis killed for 8 s: workers alive", f"{len(workers)} of {len(workers)}", "all")


@pytest.mark.chaos
async def test_short_jobs_go_on_while_there_is_no_redis(ground: Ground) -> None:
    file_id = await ground.file()
    for _ in range(2):
        await ground.fleet.worker()
    _, url = await ground.fleet.gateway()
    load = Load(ground, file_id, lambda: [url])
    await ground.servers.valkey.kill()
    try:
        down = await ground.now()
        await load.run(280, 14)
        await asyncio.sleep(1)  # the last second of the fifteen
        up = await ground.now()
    finally:
        await ground.servers.valkey.restart()
    assert 14 < (up - down).total_seconds() < 20
    await ground.ended()
    rows = await ground.rows("SELECT finished_at, created_at FROM jobs")
    done = sum(it["finished_at"] <= up for it in rows)
    waits = [(it["finished_at"] - it["created_at"]).total_seconds() for it in rows]
    assert load.answers == {202: 280}
    assert done / len(rows) >= 0.95
    await checks.assert_consistent(ground)
    record(5, "no Redis for 15 s: jobs of its first 14 s done in it", f"{done} of {len(rows)}", "≥ 95 %")
    record(5, "the same: from created to finished", spread(waits))


@pytest.mark.chaos
@pytest.mark.timeout(300)
async def test_after_five_hundred_killed_connections_a_worker_runs_exactly_as_many_jobs_as_it_may(
    ground: Ground,
) -> None:
    room, kills = 4, 500
    file_id = await ground.file()
    worker = await ground.fleet.worker(worker_concurrency=room)
    jobs = await ground.jobs(50, file_id)
    cut = 0
    async with asyncio.timeout(200):  # who is cut off waits a little before it comes back
        while cut < kills:
            cut += ground.redis.cut()
            if cut % 50 == 0:
                jobs += await ground.jobs(1, file_id)
            await asyncio.sleep(0.005)  # the pace of the fault
    await ground.ended()
    ground.store.stall()
    jobs = await ground.jobs(3 * room, file_id)
    running = "SELECT count(*) >= :room FROM jobs WHERE status = 'processing'"
    await ground.until(running, room=room)
    most = 0
    for _ in range(60):  # long enough for a wake-up and for the fallback to take one too many
        [row] = await ground.rows("SELECT count(*) AS n FROM jobs WHERE status = 'processing'")
        most = max(most, row["n"])
        await asyncio.sleep(0.1)
    await ground.store.heal()
    await ground.ended()
    assert most == room
    assert worker.alive
    await checks.assert_consistent(ground)
    record(8, f"{cut} killed connections to Redis: jobs run at once afterwards", f"{most}", f"{room}")


@pytest.mark.chaos
async def test_a_thousand_requests_with_one_key_are_one_job_and_a_thousand_wake_ups_one_run(ground: Ground) -> None:
    file_id = await ground.file()
    _, url = await ground.fleet.gateway()
    api = await ground.api(url)
    body, headers = {"file_ids": [file_id], "archiveName": "bundle.zip"}, {"Idempotency-Key": str(uuid4())}

    async def ask() -> tuple[int, str | None]:
        answer = await api.post("/v1/download/initiate", json=body, headers=headers)
        return answer.status_code, answer.json().get("jobId")

    answers = await map_limited(lambda _: ask(), range(1000), 100)
    assert {status for status, _ in answers} <= {202, 409}
    assert len({job for status, job in answers if status == 202}) == 1
    assert len(await ground.rows("SELECT id FROM jobs")) == 1
    [row] = await ground.rows("SELECT id, fence FROM jobs")
    redis = arq_redis(ground.settings, timeout=5)
    for doubled in range(1000):  # of later fences, since the queue holds a wake-up once
        await redis.zadd("haulage:queue:download", {f"{row['id']}:{row['fence'] + doubled}": doubled})
    for _ in range(3):
        await ground.fleet.worker()
    await ground.ended([row["id"]])
    await _until_queue_empty(ground)
    assert await ground.commands(row["id"]) == ["create", "claim", "succeed"]
    await redis.aclose(close_connection_pool=True)
    await checks.assert_consistent(ground)
    record(13, "1,000 requests with one Idempotency-Key", "1 row", "1 row")
    record(13, "1,000 doubled wake-ups, 3 workers", "1 run", "1 run")


async def _until_queue_empty(ground: Ground) -> None:
    """Returns when no wake-up is left in the queue."""
    redis = arq_redis(ground.settings, timeout=5)
    async with asyncio.timeout(60):
        while await redis.zcard("haulage:queue:download"):
            await asyncio.sleep(0.1)
    await redis.aclose(close_connection_pool=True)


@pytest.mark.chaos
async def test_a_live_stream_goes_on_through_a_restart_of_redis(ground: Ground) -> None:
    file_ids = [await ground.file(8 * MIB, f"{n}.bin") for n in range(8)]
    await ground.fleet.worker(worker_memory_budget=256 * MIB)  # so that every job always reads
    _, url = await ground.fleet.gateway()
    ground.store.rate = 0.75 * MIB
    jobs = await ground.jobs(3, *file_ids)
    watchers = [way(job.id, lambda: [url]) for job in jobs for way in (Watcher, SocketWatcher)]
    following = [asyncio.create_task(it.run()) for it in watchers]
    for job in jobs:
        await ground.fleet.holder(job.id)
    killed = monotonic()
    await ground.servers.valkey.kill()
    await asyncio.sleep(3)  # that is the fault
    await ground.servers.valkey.restart()
    restarted = monotonic()
    ends = await asyncio.gather(*following)
    gaps = [gap for it in watchers for gap in it.gaps(killed, restarted + SETTLED)]
    assert ends == ["completed"] * len(watchers)
    assert all(it.degraded for it in watchers)
    assert max(gaps) <= GAP
    await checks.assert_consistent(ground)
    record(
        15,
        "3 event streams and 3 WebSockets through a restart of Redis that got the last message",
        f"{len(ends)} of {len(watchers)}",
        "100 %",
    )
    record(15, "the same: longest silence", f"{max(gaps):.1f} s, p99 {percentile(gaps, 0.99):.1f} s", "≤ 2 s")
