"""PostgreSQL that crashes, and a worker that can't reach it any more (rows 6 and 9 of docs/reliability.md)."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.faults import checks
from tests.faults.figures import record, spread
from tests.faults.ground import MIB, Ground
from tests.faults.loads import Load

SELF_CANCEL = 8.0
"""Seconds after its last good heartbeat at which a worker gives its jobs up."""


async def test_a_crash_of_postgresql_loses_nothing_that_was_accepted_and_the_others_are_told(ground: Ground) -> None:
    file_id = await ground.file()
    workers = [await ground.fleet.worker() for _ in range(2)]
    _, url = await ground.fleet.gateway()
    load = Load(ground, file_id, lambda: [url])
    asking = asyncio.create_task(load.run(160, 8))
    await ground.until("SELECT count(*) > 10 FROM jobs")
    await ground.servers.postgres.kill(signal.SIGQUIT)  # immediate shutdown: what a crash leaves
    await asyncio.sleep(4)  # that is the fault
    await ground.servers.postgres.restart()
    await asking
    [row] = await ground.rows("SELECT count(*) AS n FROM jobs")
    assert set(load.answers) <= {202, 503}
    assert load.answers[503] > 0
    assert row["n"] >= load.answers[202] == len(ground.accepted)
    await ground.until("SELECT count(*) = 0 FROM jobs WHERE status IN ('queued', 'processing', 'retrying')")
    halves = "SELECT count(*) AS n FROM jobs j WHERE NOT EXISTS (SELECT FROM file_records WHERE job_id = j.id)"
    assert await ground.rows(halves) == [{"n": 0}]
    assert all(it.alive for it in workers)
    await checks.assert_consistent(ground)
    done = await ground.rows("SELECT count(*) AS n FROM jobs WHERE status = 'completed'")
    record(
        6,
        "PostgreSQL stopped at once for 4 s under 20 requests a second",
        f"{load.answers[202]} accepted, {done[0]['n']} completed, {load.answers[503]} refused with 503",
        "all accepted jobs done, the others 503",
    )


@pytest.mark.chaos
@pytest.mark.parametrize("fault", ["blackhole", "stall"])
async def test_a_worker_on_a_dead_line_to_the_database_gives_its_jobs_up_before_others_take_them(
    ground: Ground, fault: str
) -> None:
    file_id = await ground.file(12 * MIB)
    database = await ground.proxy(str(ground.settings.database_url))
    store = await ground.proxy(ground.settings.s3_endpoint)
    lonely = await ground.fleet.worker(database_url=database.url, s3_endpoint=store.url)
    store.stall()
    jobs = await ground.jobs(3, file_id)
    for job in jobs:
        await lonely.logged("attempt_started", job_id=str(job.id))
    await ground.fleet.worker()
    getattr(database, fault)()
    cut = await ground.now()
    healing = asyncio.create_task(asyncio.sleep(10))  # that is the fault
    dropped = [(await lonely.logged("lease_expired_locally", job_id=str(job.id))).at for job in jobs]
    seconds = [(at - cut).total_seconds() for at in dropped]
    await healing
    await database.heal()
    await store.heal()
    await ground.ended(jobs)
    again = []
    for job, gave_up in zip(jobs, dropped, strict=True):
        events = await ground.events(job.id)
        commands = [it["command"] for it in events]
        assert commands in (["create", "claim", way, "claim", "succeed"] for way in ("lose", "release"))
        assert gave_up < events[2]["at"]
        again.append((events[3]["at"] - cut).total_seconds())
    assert max(seconds) <= SELF_CANCEL
    assert lonely.alive
    await checks.assert_consistent(ground)
    record(9, f"database half-open for 10 s ({fault}): until the worker gave its jobs up", spread(seconds), "≤ 8 s")
    record(9, f"the same ({fault}): until another ran them", spread(again), "fenced, ≤ 15 s")
