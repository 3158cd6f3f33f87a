"""Leases: kept alive by beats at a fixed pace, given up in time when the database does not hear them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from sqlalchemy import text

from jobs.concurrency import cancel_and_wait
from jobs.engine.jobs import Turn
from jobs.engine.sql.jobs import lock_job
from jobs.engine.sql.leases import Leases, Renewal
from jobs.engine.worker.lease_renewal import MARGIN, LeaseRenewal
from jobs.engine.worker.runner import HeldJob, Runner
from jobs.errors import DatabaseUnavailable
from jobs.kinds import Kind
from jobs.services import Services
from jobs.settings import Settings
from jobs.work import works_of
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create
from tests.helpers.proxies import Proxy, proxied
from tests.helpers.settings import with_changes

NAME = "worker-1"
LEASE, INTERVAL = 4.0, 0.5
PATIENCE = 20


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"lease_ttl": LEASE, "heartbeat_interval": INTERVAL, "heartbeat_timeout": INTERVAL}


@pytest.fixture
async def database(settings: Settings) -> AsyncIterator[Proxy]:
    """What stands between the heartbeat and PostgreSQL."""
    async with proxied(str(settings.database_url)) as it:
        yield it


@pytest.fixture
def runner(services: Services) -> Runner:
    return Runner(services, works_of(services)[Kind.DOWNLOAD], NAME)


async def held(services: Services, runner: Runner) -> HeldJob:
    """A job that the runner holds, whose work never ends by itself."""
    job = await create(services, 10_000)
    claimed = await services.lifecycle.claim(job.id, job.fence, NAME)
    assert claimed is not None
    now = asyncio.get_running_loop().time()
    it = HeldJob(claimed.job, asyncio.create_task(asyncio.sleep(3600)), now)
    runner.held[it.turn] = it
    return it


@asynccontextmanager
async def beating(runner: Runner, settings: Settings, database: Proxy) -> AsyncIterator[None]:
    heartbeat = LeaseRenewal([runner], NAME, with_changes(settings, database_url=database.url))
    task = asyncio.create_task(heartbeat.run())
    try:
        yield
    finally:
        await cancel_and_wait(task, *(it.task for it in runner.held.values()))


async def renewed(it: HeldJob) -> None:
    """Returns after the next good beat."""
    before = it.renewed_at
    await eventually(lambda: it.renewed_at != before)


async def lease_left(services: Services, it: HeldJob) -> float:
    async with services.database.reading() as connection:
        query = text("SELECT extract(epoch FROM lease_until - clock_timestamp()) FROM jobs WHERE id = :id")
        return float((await connection.execute(query, {"id": it.job.id})).scalar_one())


async def stopped(it: HeldJob) -> None:
    done, _ = await asyncio.wait([it.task], timeout=PATIENCE)
    assert done
    assert it.task.cancelled()


async def test_a_worker_that_the_database_does_not_hear_stops_before_its_leases_end(
    services: Services, settings: Settings, runner: Runner, database: Proxy
) -> None:
    first, second = await held(services, runner), await held(services, runner)
    async with beating(runner, settings, database):
        await renewed(first)
        database.stall()
        await stopped(first)
        late = asyncio.get_running_loop().time() - first.renewed_at
        assert MARGIN * LEASE < late < MARGIN * LEASE + 0.5
        assert await lease_left(services, first) > 0
        await stopped(second)


async def test_a_job_that_has_just_ended_is_not_reported_as_lost(
    services: Services, settings: Settings, runner: Runner, database: Proxy
) -> None:
    ended, cancelled, running = [await held(services, runner) for _ in range(3)]
    ended.ended = True
    for it in (ended, cancelled):
        await services.lifecycle.cancel(it.job.id)
    with structlog.testing.capture_logs() as logs:
        async with beating(runner, settings, database):
            await stopped(cancelled)
            await renewed(running)
            assert not ended.task.done()
    assert {log["job_id"] for log in logs if log["event"] == "lease_lost"} == {str(cancelled.job.id)}


async def test_beats_that_were_lost_are_made_up_for_on_a_new_connection(
    services: Services, settings: Settings, runner: Runner, database: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = asyncio.Event()
    renew = Leases.renew

    async def noticed(*args: Any) -> Renewal:
        try:
            return await renew(*args)
        except DatabaseUnavailable:
            lost.set()
            raise

    monkeypatch.setattr(Leases, "renew", noticed)
    it = await held(services, runner)
    async with beating(runner, settings, database):
        await renewed(it)
        database.stall()
        await asyncio.wait_for(lost.wait(), PATIENCE)
        await database.heal()
        await renewed(it)
        database.cut()
        await renewed(it)
        assert not it.task.done()


async def test_beats_keep_their_pace_however_long_the_answers_take(
    services: Services, settings: Settings, runner: Runner, database: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: asyncio.Queue[float] = asyncio.Queue()

    async def slow(_: Leases, turns: list[Turn]) -> Renewal:
        sent.put_nowait(asyncio.get_running_loop().time())
        await asyncio.sleep(0.8 * INTERVAL)
        return Renewal(frozenset(turns), frozenset())

    monkeypatch.setattr(Leases, "renew", slow)
    await held(services, runner)
    async with beating(runner, settings, database):
        first, *_, last = [await asyncio.wait_for(sent.get(), PATIENCE) for _ in range(5)]
    assert last - first < 4 * 1.4 * INTERVAL


async def test_a_beat_that_breaks_is_a_missed_beat_and_nothing_worse(
    services: Services, settings: Settings, runner: Runner, database: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    renew, beats = Leases.renew, 0

    async def breaking(*args: Any) -> Renewal:
        nonlocal beats
        beats += 1
        if beats < 3:
            raise RuntimeError("the handler is closed")
        return await renew(*args)

    monkeypatch.setattr(Leases, "renew", breaking)
    it = await held(services, runner)
    async with beating(runner, settings, database):
        await renewed(it)
        assert not it.task.done()


async def test_a_job_that_is_no_longer_the_workers_is_stopped_and_the_others_go_on(
    services: Services, settings: Settings, runner: Runner, database: Proxy
) -> None:
    gone, kept = await held(services, runner), await held(services, runner)
    async with beating(runner, settings, database):
        await services.lifecycle.cancel(gone.job.id)
        await stopped(gone)
        await renewed(kept)
        assert not kept.task.done()


async def test_a_locked_row_keeps_no_other_lease_from_being_renewed(
    services: Services, settings: Settings, runner: Runner, database: Proxy
) -> None:
    locked, free = await held(services, runner), await held(services, runner)
    async with beating(runner, settings, database):
        async with services.database.begin() as connection:
            await lock_job(connection, locked.job.id)
            for _ in range(3):
                before = locked.renewed_at
                await renewed(free)
            assert locked.renewed_at == before
            assert not locked.task.done()
        await renewed(locked)


async def test_a_lease_that_is_renewed_lasts_anew_and_only_at_its_fence(services: Services, runner: Runner) -> None:
    it = await held(services, runner)
    keeper = Leases(services.settings.database_url, NAME, lease=60, timeout=2)
    stranger = Leases(services.settings.database_url, "worker-2", lease=60, timeout=2)
    try:
        assert await keeper.renew([it.turn]) == Renewal(frozenset([it.turn]), frozenset())
        assert await lease_left(services, it) > 50
        job_id, fence = it.turn
        assert await keeper.renew([(job_id, fence + 1)]) == Renewal(frozenset(), frozenset())
        assert await stranger.renew([it.turn]) == Renewal(frozenset(), frozenset())
    finally:
        keeper.close()
        stranger.close()
        await cancel_and_wait(it.task)


async def test_a_renewal_that_is_no_longer_waited_for_does_not_come_later(services: Services, runner: Runner) -> None:
    """A migration, say, has the table: what the server has kept in store is not done after the worker gave up."""
    it = await held(services, runner)
    keeper = Leases(services.settings.database_url, NAME, lease=60, timeout=0.5)
    async with services.database.begin() as connection:
        await connection.execute(text("LOCK TABLE jobs IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(DatabaseUnavailable):
            await keeper.renew([it.turn])
        waiting = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'haulage leases'")
        async with asyncio.timeout(PATIENCE):
            while (await connection.execute(waiting)).scalar_one():
                await connection.execute(text("SELECT pg_stat_clear_snapshot()"))
    assert await lease_left(services, it) < LEASE
    await cancel_and_wait(it.task)
