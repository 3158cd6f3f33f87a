"""Workers that are killed, stopped, restarted, or killed by their work (rows 1, 2, 7, 12, 19 of docs/reliability.md)."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest

from jobs.engine.jobs import Job
from tests.faults import checks
from tests.faults.entry import POISON
from tests.faults.figures import record, spread
from tests.faults.ground import MIB, Ground
from tests.faults.loads import Load
from tests.faults.members import Member
from tests.faults.watchers import Watcher

RECOVERY = 15.0
"""Seconds within which a job of a lost worker runs again."""
STOPPED = 1.4
"""Leases that a stopped worker stands still: 14 s of 10."""
RESTART = 30.0
"""Seconds within which a process ends after SIGTERM."""
SCALE_DOWNS = int(os.environ.get("SCALE_DOWNS", "20"))
"""How often a worker is stopped. Each takes a quarter of a minute."""
AGAIN = 0.1
"""The share of all bytes that may be read again because workers were stopped."""


def claims(events: Sequence[Mapping[str, Any]]) -> list[datetime]:
    """When the job was taken."""
    return [it["at"] for it in events if it["command"] == "claim"]


async def held(ground: Ground, *file_ids: int) -> tuple[Job, Member]:
    """A job that a worker holds, because the store says nothing; and the worker."""
    ground.store.stall()
    job = await ground.job(*file_ids)
    return job, await ground.fleet.holder(job.id)


@pytest.mark.chaos
@pytest.mark.timeout(240)
async def test_the_job_of_a_killed_worker_runs_again_within_fifteen_seconds(ground: Ground) -> None:
    file_id = await ground.file()
    for _ in range(2):
        await ground.fleet.worker()
    delays = []
    for _ in range(5):
        job, worker = await held(ground, file_id)
        killed = await ground.now()
        await worker.kill()
        await ground.store.heal()
        await ground.ended([job])
        first, again = claims(await ground.events(job.id))
        assert first < killed
        delays.append((again - killed).total_seconds())
        assert (await ground.row(job.id))["attempt"] == 2
        await ground.fleet.worker()
    assert max(delays) <= RECOVERY
    await checks.assert_consistent(ground)
    record(1, "kill -9 of a worker, 5 times: until its job runs again", spread(delays), "≤ 15 s")


@pytest.mark.parametrize(
    ("lease", "fenced"),
    [
        pytest.param(4.0, True, id="fenced"),
        pytest.param(4.0, False, id="unfenced"),
        pytest.param(10.0, True, id="fenced-14-s", marks=pytest.mark.chaos),
    ],
)
async def test_a_worker_that_stood_still_writes_nothing_about_a_job_that_went_on_without_it(
    ground: Ground, lease: float, fenced: bool
) -> None:
    """The one without its fence shows that the checks would see it."""
    times: dict[str, Any] = {
        "lease_ttl": lease,
        "heartbeat_interval": lease / 5,
        "heartbeat_timeout": lease / 5,
        "s3_part_copy": "never",
    }
    file_id = await ground.file(12 * MIB)
    own = await ground.proxy(ground.settings.s3_endpoint)
    extras = [] if fenced else ["unfenced"]
    stopped = await ground.fleet.worker(*extras, s3_endpoint=own.url, **times)
    own.stall()
    job = await ground.job(file_id)
    await stopped.logged("attempt_started", job_id=str(job.id))
    stopped.stop()
    await ground.fleet.worker(**times)
    ended = asyncio.create_task(ground.ended([job]))
    await asyncio.sleep(STOPPED * lease)  # that is the fault
    await ended
    await own.heal()
    resumed = await ground.now()
    stopped.resume()
    if fenced:
        await _until_given_up(stopped, job, resumed)
        await checks.assert_consistent(ground)
        assert await ground.commands(job.id) == ["create", "claim", "lose", "claim", "succeed"]
        record(2, f"SIGSTOP for {STOPPED * lease:.1f} s of a lease of {lease:g} s", "1 effect", "fenced")
    else:
        query = "SELECT count(*) = 2 FROM job_events WHERE job_id = :id AND command = 'succeed'"
        await ground.until(query, id=job.id)
        assert await checks.effects(ground) == [f"{job.id} has succeeded 2 times, not 1"]
        record(2, "the same with the fence switched off", "2 effects: the check fails", "the check fails")


async def _until_given_up(worker: Member, job: Job, after: datetime) -> None:
    """Either way to give up is fine."""
    ways = [
        asyncio.create_task(worker.logged(event, after=after, job_id=str(job.id)))
        for event in ("lease_lost", "attempt_discarded")
    ]
    done, others = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for task in others:
        task.cancel()
    await asyncio.gather(*ways, return_exceptions=True)
    done.pop().result()


@pytest.mark.chaos
@pytest.mark.timeout(300)
async def test_rolling_restarts_under_load_charge_no_attempt_and_lose_no_request(ground: Ground) -> None:
    small, large = await ground.file(), await ground.file(48 * MIB)
    ground.store.rate = MIB  # a large one takes some ten seconds
    workers = [await ground.fleet.worker() for _ in range(3)]
    gateways = [await ground.fleet.gateway() for _ in range(2)]
    urls = [url for _, url in gateways]
    load = Load(ground, small, lambda: urls)
    watchers: list[Watcher] = []
    asking = asyncio.create_task(load.run(600, 60, insist=True))
    took, following = [], []
    for _ in range(3):
        new = [Watcher(job.id, lambda: urls) for job in await ground.jobs(4, large)]
        watchers += new
        following += [asyncio.create_task(it.run()) for it in new]
        await asyncio.gather(*(it.first_message() for it in new))
        for place, (gateway, url) in enumerate(gateways):
            took.append(await gateway.drain())
            gateways[place] = await ground.fleet.gateway(port=int(url.rpartition(":")[2]))
        for worker in list(workers):
            took.append(await worker.drain())
            workers.remove(worker)
            workers.append(await ground.fleet.worker())
    await asking
    await ground.ended(patience=120)
    assert await asyncio.gather(*following) == ["completed"] * len(following)
    charged = await ground.rows("SELECT count(*) AS n FROM jobs WHERE attempt <> 1")
    assert charged == [{"n": 0}]
    assert max(took) <= RESTART
    assert sum(it.breaks for it in watchers) > 0
    assert set(load.answers) <= {0, 202, 503}
    await checks.assert_consistent(ground)
    record(7, "3 rolling restarts of 3 workers and of 2 gateways: attempts charged", "0", "0")
    record(7, "the same: seconds from SIGTERM to the end", spread(took), "≤ 30 s")
    record(
        7, "the same: requests accepted and lost, streams broken and resumed", f"0, {sum(it.breaks for it in watchers)}"
    )


@pytest.mark.chaos
@pytest.mark.timeout(900)
async def test_scale_downs_of_busy_workers_charge_no_attempt_and_waste_little(ground: Ground) -> None:
    """As Kubernetes does it: SIGTERM to a worker at work, and later a new one. No job finishes within the time to drain."""
    times: dict[str, Any] = {
        "drain_timeout": 1,
        "part_size": 5 * MIB,
        "worker_memory_budget": 16 * MIB,
        "s3_part_copy": "never",
    }
    files, size = 3, 32 * MIB
    file_ids = [await ground.file(size, f"{number}.bin") for number in range(files)]
    ground.store.rate = 4 * MIB  # on each connection: a job takes longer than the drain
    workers = [await ground.fleet.worker(**times) for _ in range(3)]
    await ground.jobs(8, *file_ids)
    took = []
    for _ in range(SCALE_DOWNS):
        await ground.job(*file_ids)  # so that there is work on the slowest machine, too
        name = await _busiest(ground)
        [worker] = [it for it in workers if it.lines("worker_started")[0].fields["worker"] == name]
        workers.remove(worker)
        seconds, new = await asyncio.gather(worker.drain(), ground.fleet.worker(**times))
        took.append(seconds)
        workers.append(new)
    ground.store.rate = None
    await ground.ended(patience=300)
    rows = await ground.rows("SELECT status, attempt FROM jobs")
    assert [(it["status"], it["attempt"]) for it in rows] == [("completed", 1)] * len(ground.accepted)
    released = await ground.rows("SELECT count(*) AS n FROM job_events WHERE command = 'release'")
    assert released[0]["n"] >= SCALE_DOWNS, "the workers were not busy: that is no test"
    again = ground.store.received / (len(ground.accepted) * files * size) - 1
    record(22, f"{SCALE_DOWNS} scale-downs of busy workers: attempts charged", "0", "0")
    record(22, "the same: jobs that went back to the queue", f"{released[0]['n']}")
    record(22, "the same: bytes read again", f"{100 * again:.1f} %", "≤ 10 %")
    record(22, "the same: seconds from SIGTERM to the end", spread(took), "≤ 30 s")
    assert again <= AGAIN
    assert max(took) <= RESTART
    await checks.assert_consistent(ground)


async def _busiest(ground: Ground) -> str:
    """The name of the worker that holds most jobs, once there is one."""
    held = "SELECT worker FROM jobs WHERE status = 'processing' GROUP BY worker ORDER BY count(*) DESC LIMIT 1"
    await ground.until(f"SELECT EXISTS ({held})")
    [row] = await ground.rows(held)
    return str(row["worker"])


@pytest.mark.chaos
@pytest.mark.timeout(240)
async def test_a_job_that_kills_its_workers_is_dead_after_three_and_the_others_complete(ground: Ground) -> None:
    file_id = await ground.file()
    workers = [await ground.fleet.worker("poison") for _ in range(3)]
    deaths = 0

    async def restart(worker: Member) -> None:
        nonlocal deaths
        while True:
            await worker.wait_ended(patience=240)
            deaths += 1
            worker = await ground.fleet.worker("poison")

    keepers = [asyncio.create_task(restart(it)) for it in workers]
    others = await ground.jobs(500, file_id)
    poison = await ground.job(file_id, archive_name=POISON)
    others += await ground.jobs(500, file_id)
    await ground.ended(patience=150)
    row = await ground.row(poison.id)
    assert (row["status"], row["error_class"], row["attempt"]) == ("failed", "worker_lost", 3)
    assert deaths == 3
    done = await _completed(ground, [it.id for it in others])
    assert done / len(others) >= 0.999
    await checks.assert_consistent(ground, failed=1 + len(others) - done)
    for keeper in keepers:
        keeper.cancel()
    await asyncio.gather(*keepers, return_exceptions=True)
    record(12, "a job that kills its worker: dead after", f"{deaths} workers", "3")
    record(12, "the same: the others completed", f"{done} of {len(others)}", "≥ 99.9 %")


async def _completed(ground: Ground, ids: Sequence[UUID]) -> int:
    query = "SELECT count(*) AS n FROM jobs WHERE id = ANY (CAST(:ids AS uuid[])) AND status = 'completed'"
    [row] = await ground.rows(query, ids=list(ids))
    return int(row["n"])
