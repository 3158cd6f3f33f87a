"""A store that is down, hangs, is full, or thinks that it is another day (rows 10, 11 and 17 of docs/reliability.md)."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no annotations
import pytest

from tests.faults import checks
from tests.faults.figures import percentile, record, spread
from tests.faults.ground import MIB, Ground, open_ground
from tests.faults.loads import Load
from tests.faults.members import PATIENCE, Member
from tests.faults.servers import Restartable, Servers, store

LAG = 0.1
"""Seconds of lag that an event loop's p99 stays below."""
AGAIN = 0.1
"""The share of a bundle that may be read again after its worker was killed."""
CHARGED = "SELECT count(*) AS n FROM jobs WHERE attempt > 1 OR status <> 'completed'"


def lags(*members: Member) -> list[float]:
    """Seconds of lag of the processes' event loops."""
    return [ms / 1000 for member in members for line in member.lines("loop_lag") for ms in line.fields["ms"]]


@pytest.mark.chaos
@pytest.mark.timeout(240)
async def test_a_store_that_is_down_for_a_minute_charges_no_attempt_and_holds_up_no_loop(ground: Ground) -> None:
    small, large = await ground.file(), await ground.file(24 * MIB)
    workers = [await ground.fleet.worker("lag") for _ in range(2)]
    gateway, url = await ground.fleet.gateway("lag")
    api = await ground.api(url)
    ready = await ground.job(small)
    await ground.ended([ready])
    ground.store.rate = 4 * MIB
    await ground.jobs(4, large)
    await ground.until("SELECT count(*) >= 4 FROM jobs WHERE status = 'processing'")
    load = Load(ground, small, lambda: [url])
    await ground.store.refuse()
    down = await ground.now()
    await load.run(120, 30)
    link = await api.get(f"/v1/download/job/{ready.id}/download-url")
    health = await api.get("/health")
    assert (link.status_code, health.status_code) == (503, 503)
    assert health.json()["checks"]["storage"] == "error"
    while (left := 60 - (await ground.now() - down).total_seconds()) > 0:
        await asyncio.sleep(left)  # that is the fault
    await ground.store.heal()
    up = await ground.now()
    await ground.ended(patience=120)
    rows = await ground.rows("SELECT finished_at FROM jobs WHERE finished_at > :up", up=up)
    lag = lags(*workers, gateway)
    charged = (await ground.rows(CHARGED))[0]["n"]
    record(10, "store down for 60 s: attempts charged", f"{charged}", "0")
    record(
        10, "the same: jobs done after it was back", spread([(it["finished_at"] - up).total_seconds() for it in rows])
    )
    record(10, "the same: lag of the event loops", f"p99 {1000 * percentile(lag, 0.99):.0f} ms", "< 100 ms")
    assert charged == 0
    assert percentile(lag, 0.99) < LAG
    assert load.answers == {202: 120}
    await checks.assert_consistent(ground)


@pytest.mark.chaos
@pytest.mark.timeout(240)
async def test_no_call_to_a_store_that_hangs_takes_longer_than_its_time_out(ground: Ground) -> None:
    settings = ground.settings
    limit = settings.s3_idle_timeout + 2 * settings.s3_connect_timeout + 1
    small, large = await ground.file(), await ground.file(24 * MIB)
    workers = [await ground.fleet.worker("lag,calls") for _ in range(2)]
    gateway, url = await ground.fleet.gateway("lag,calls")
    ground.store.rate = 4 * MIB
    await ground.jobs(4, large)
    await ground.until("SELECT count(*) >= 4 FROM jobs WHERE status = 'processing'")
    load = Load(ground, small, lambda: [url])
    ground.store.blackhole()
    hung = await ground.now()
    await load.run(60, 30)
    ground.store.cut()
    ground.store.rate = None
    await ground.store.heal()
    healed = await ground.now()
    await ground.ended(patience=150)
    calls = [line for member in (*workers, gateway) for line in member.lines("store_call")]
    hanging = [line for line in calls if hung <= line.at <= healed and "completing" not in line.fields["action"]]
    longest = max(min(it.fields["seconds"], (it.at - hung).total_seconds()) for it in hanging)
    lag = lags(*workers, gateway)
    charged = (await ground.rows(CHARGED))[0]["n"]
    record(10, "store hangs for 30 s: longest call", f"{longest:.1f} s", f"≤ {limit:g} s")
    record(10, "store hangs: attempts charged", f"{charged}", "0")
    record(10, "store hangs: lag of the event loops", f"p99 {1000 * percentile(lag, 0.99):.0f} ms", "< 100 ms")
    assert longest <= limit
    assert charged == 0
    assert percentile(lag, 0.99) < LAG
    await checks.assert_consistent(ground)


@pytest.mark.chaos
@pytest.mark.timeout(400)
async def test_a_large_bundle_whose_worker_is_killed_midway_is_taken_up_where_it_was(ground: Ground) -> None:
    files, size = 16, 128 * MIB
    bundle = files * size
    file_ids = [await ground.file(size, f"{n}.bin") for n in range(files)]
    for _ in range(2):
        await ground.fleet.worker(s3_part_copy="never")  # every byte passes the proxy, which counts them
    job = await ground.job(*file_ids)
    worker = await ground.fleet.holder(job.id)
    await ground.store.until_received(bundle // 2)
    await worker.kill()
    killed = await ground.now()
    await ground.ended(patience=200)
    events = await ground.events(job.id)
    again = ground.store.received - bundle
    recovery = [it["at"] for it in events if it["command"] == "claim"][1] - killed
    record(11, "kill -9 in the middle of a bundle of 2.15 GB: read again", f"{100 * again / bundle:.1f} %", "≤ 10 %")
    record(11, "the same: until it ran again", f"{recovery.total_seconds():.1f} s", "≤ 15 s")
    assert [it["command"] for it in events] == ["create", "claim", "lose", "claim", "succeed"]
    assert again <= AGAIN * bundle
    assert recovery <= timedelta(seconds=15)
    await checks.assert_consistent(ground)


async def test_a_full_store_is_named_in_the_error_and_a_retry_completes_when_there_is_room(
    servers: Servers, environment: dict[str, str], tmp_path: Path
) -> None:
    full, own = store(tmp_path)
    full.start()
    try:
        async with open_ground(servers, environment | own, tmp_path, backoff_base=0.2, backoff_max=0.5) as ground:
            await _fill(ground, full)
    finally:
        full.stop()


async def _fill(ground: Ground, full: Restartable) -> None:
    """No file of the store may grow, which is what a full disk is to it; there is room again when it is restarted."""
    file_id = await ground.file(12 * MIB)
    await ground.fleet.worker()
    _, url = await ground.fleet.gateway()
    api = await ground.api(url)
    psutil.Process(full.pid).rlimit(psutil.RLIMIT_FSIZE, (1, 1))
    job = await ground.job(file_id)
    await ground.until("SELECT count(*) > 0 FROM job_events WHERE command IN ('fail', 'park')")
    row = await ground.row(job.id)
    assert row["error_class"] in {"storage", "network", "timeout"}
    assert "store" in row["error_message"]
    await full.kill()
    await full.restart()
    async with asyncio.timeout(PATIENCE):
        while (status := (await ground.row(job.id))["status"]) != "completed":
            if status == "failed":
                assert (await api.post(f"/v1/download/job/{job.id}/retry")).status_code == 202
            await asyncio.sleep(0.2)
    await checks.assert_consistent(ground)
    record(17, "disk full in the store", f"{row['error_class']}: {row['error_message']}", "clear error, retried")


@pytest.mark.parametrize("way", [signal.SIGUSR1, signal.SIGUSR2], ids=["ahead", "back"])
async def test_a_worker_whose_clock_jumps_an_hour_keeps_its_leases_and_leaves_nothing_stuck(
    ground: Ground, way: signal.Signals
) -> None:
    small, first, large = await ground.file(), await ground.file(24 * MIB), await ground.file(24 * MIB)
    jumper = await ground.fleet.worker("clock", backoff_base=0.2, backoff_max=0.5)
    _, url = await ground.fleet.gateway()
    api = await ground.api(url)
    # The first bundle also finds out whether the store copies parts: after the jump this worker, whose requests the store
    # refuses, could not delete the probe's objects, and the search for orphans spares them for an hour.
    await ground.ended([*await ground.jobs(2, small), await ground.job(first)])
    ground.store.stall()
    running = await ground.job(large)
    await jumper.logged("attempt_started", job_id=str(running.id))
    jumper.signal(way)
    await jumper.logged("clock_jumped")
    await ground.store.heal()
    jobs = [running, *await ground.jobs(5, small)]
    await ground.until("SELECT count(*) = 0 FROM jobs WHERE status = 'processing'")
    losses = await ground.rows("SELECT sum(losses) AS n FROM jobs")
    assert losses == [{"n": 0}]
    await jumper.drain()
    await ground.fleet.worker()
    await ground.ended(jobs)
    failed = await ground.rows("SELECT id, error_class, error_message FROM jobs WHERE status = 'failed'")
    assert {it["error_class"] for it in failed} <= {"storage"}
    assert all("store" in it["error_message"] for it in failed)
    for it in failed:
        assert (await api.post(f"/v1/download/job/{it['id']}/retry")).status_code == 202
    await ground.ended(jobs)
    await checks.assert_consistent(ground)
    outcome = f"{len(failed)} of {len(jobs)} failed"
    record(
        17, f"the worker's clock jumps an hour {'ahead' if way == signal.SIGUSR1 else 'back'}", outcome, "nothing stuck"
    )
