"""Polls and long-polls: never old after a command, limited like connections, and gone with their client."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import text

from app.following.hub import Hub
from app.status_reader import StatusReader
from jobs.engine.jobs import Job
from jobs.engine.live.feed import RedisFeed, key
from jobs.engine.live.subscriptions import RedisSubscriptions
from tests.app.following.followers import PATIENCE, base, stream, until_subscribers
from tests.app.shared import Shared, link
from tests.helpers.jobs import create
from tests.helpers.redis_clients import redis_of
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Reads:
    """Counts the answers that PostgreSQL is asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        real = StatusReader.read

        async def counted(*args: Any, **kwargs: Any) -> Any:
            self.count += 1
            return await real(*args, **kwargs)

        monkeypatch.setattr(StatusReader, "read", counted)


async def until_known(shared: Shared, job: Job, reads: Reads) -> None:
    """Polls until an answer comes from what the gateway knows by itself."""
    async with asyncio.timeout(PATIENCE):
        while True:
            before = reads.count
            assert (await shared.api.get(link(job))).status_code == 200
            if reads.count == before:
                return


def unheard(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on no message is published."""

    async def lost(*_: object) -> bool:
        return False

    monkeypatch.setattr(RedisFeed, "publish", lost)


async def test_a_poll_after_a_retry_is_not_outdated(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    job, reads = await shared.processing(), Reads(monkeypatch)
    await until_known(shared, job, reads)
    await shared.api.delete(link(job))
    await until_known(shared, job, reads)
    unheard(monkeypatch)
    monkeypatch.setattr("app.following.reconciler.RECONCILE_INTERVAL", PATIENCE)
    assert (await shared.api.post(link(job, "/retry"))).status_code == 202
    assert (await shared.api.get(link(job))).json()["status"] == "queued"


async def test_a_poll_after_deleting_a_bundle_is_not_outdated(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads(monkeypatch)
    processing = await shared.processing()
    await until_known(shared, processing, reads)
    job = await shared.completed(of=processing)
    await until_known(shared, job, reads)
    unheard(monkeypatch)
    assert (await shared.api.delete(link(job, "/bundle"))).status_code == 204
    assert (await shared.api.get(link(job))).json()["status"] == "expired"


async def test_a_status_read_during_a_command_is_not_cached(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    job, reads = await shared.processing(), Reads(monkeypatch)
    await until_known(shared, job, reads)
    await shared.api.delete(link(job))
    await until_known(shared, job, reads)
    monkeypatch.setattr("app.following.reconciler.RECONCILE_INTERVAL", PATIENCE)
    read, go_on, real = asyncio.Event(), asyncio.Event(), StatusReader.read

    async def held(*args: Any, **kwargs: Any) -> Any:
        status = await real(*args, **kwargs)
        read.set()
        await go_on.wait()
        return status

    monkeypatch.setattr(StatusReader, "read", held)
    early = asyncio.create_task(shared.api.get(link(job), headers={"Cache-Control": "no-cache"}))
    await asyncio.wait_for(read.wait(), PATIENCE)
    monkeypatch.setattr(StatusReader, "read", real)
    unheard(monkeypatch)
    assert (await shared.api.post(link(job, "/retry"))).status_code == 202
    go_on.set()
    assert (await early).json()["status"] == "cancelled"
    assert (await shared.api.get(link(job))).json()["status"] == "queued"


async def test_a_deleted_job_is_not_served_from_memory(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    job = await shared.processing()
    await until_known(shared, job, Reads(monkeypatch))
    async with shared.services.database.begin() as connection:
        await connection.execute(text("DELETE FROM jobs WHERE id = :id"), {"id": job.id})
    async with asyncio.timeout(PATIENCE):
        while (await shared.api.get(link(job))).status_code != 404:
            pass


async def test_a_live_message_of_another_release_is_ignored(shared: Shared) -> None:
    job = await shared.processing()
    redis: Any = redis_of(shared.services.feed)
    await redis.set(key(job.id), b'{"type": "progress", "shape": "new"}')
    answer = await shared.api.get(link(job))
    assert (answer.status_code, answer.json()["status"]) == (200, "processing")
    async with stream(shared.api, f"/{job.id}") as follower:
        assert (await follower.heard(job, (1, -1)))["tick"] == 0


@pytest.mark.parametrize("limits", [{"max_followers": 2}, {"max_followers_per_client": 2}], ids=["process", "client"])
async def test_too_many_long_polls_get_429(shared: Shared, limits: dict[str, int]) -> None:
    jobs = [await create(shared.services, 10_000) for _ in range(3)]
    async with (
        serving(with_changes(shared.settings, **limits)) as gateway,
        httpx.AsyncClient(base_url=gateway, timeout=PATIENCE) as api,
    ):
        waiting = [asyncio.create_task(api.get(link(job), headers={"Prefer": "wait=60"})) for job in jobs[:2]]
        for job in jobs[:2]:
            await until_subscribers(shared.services.feed, job, 1)
        refusal = await api.get(link(jobs[2]), headers={"Prefer": "wait=60"})
        assert (refusal.status_code, refusal.json()["error"]) == (429, "too_many_followers")
        assert int(refusal.headers["retry-after"]) > 0
        assert (await api.get(link(jobs[2]))).status_code == 200
        file_id = await shared.catalogue.add(b"hello")
        assert (await api.post("/v1/download/start", json={"file_id": file_id})).status_code == 202
        await shared.services.lifecycle.cancel(jobs[0].id)
        assert (await waiting[0]).json()["status"] == "cancelled"
        again = asyncio.create_task(api.get(link(jobs[2]), headers={"Prefer": "wait=60"}))
        await until_subscribers(shared.services.feed, jobs[2], 1)
        for job in jobs[1:]:
            await shared.services.lifecycle.cancel(job.id)
        assert [(await it).status_code for it in (waiting[1], again)] == [200, 200]


async def test_a_long_poll_ends_when_its_client_disconnects(shared: Shared) -> None:
    job = await create(shared.services, 10_000)
    async with httpx.AsyncClient(base_url=base(shared), timeout=PATIENCE) as api:
        polling = asyncio.create_task(api.get(link(job, f"?since={job.seq}"), headers={"Prefer": "wait=60"}))
        await until_subscribers(shared.services.feed, job, 1)
        polling.cancel()
        await until_subscribers(shared.services.feed, job, 0)


async def test_unknown_jobs_leave_nothing_behind(shared: Shared, hubs: list[Hub]) -> None:
    async with serving(shared.settings) as gateway, httpx.AsyncClient(base_url=gateway, timeout=PATIENCE) as api:
        unknown = [SimpleNamespace(id=uuid4()) for _ in range(20)]
        answers = await asyncio.gather(
            *(api.get(link(cast("Job", job)), headers={"Prefer": "wait=60"}) for job in unknown),
            *(api.get(f"/v1/download/stream/{job.id}") for job in unknown),
        )
        assert {answer.status_code for answer in answers} == {404}
        [hub] = hubs
        assert len(hub._topics) == 0  # noqa: SLF001 - nobody outside can count them
        for job in unknown:
            await until_subscribers(shared.services.feed, cast("Job", job), 0)


async def test_a_channel_unsubscribed_before_it_was_subscribed_leaves_nothing_behind(
    shared: Shared, hubs: list[Hub]
) -> None:
    async with serving(shared.settings) as gateway, httpx.AsyncClient(base_url=gateway, timeout=PATIENCE) as api:
        assert (await api.get("/health/live")).status_code == 200
        [hub] = hubs
        subscriptions, job_id = cast("RedisSubscriptions", hub._subscriptions), uuid4()  # noqa: SLF001 - the hub's own
        async with asyncio.timeout(PATIENCE):
            while not subscriptions.connected:  # noqa: ASYNC110 - it tells the hub, and nobody else
                await asyncio.sleep(0)
            subscriptions.subscribe(job_id)
            waiting = asyncio.create_task(subscriptions.acknowledged(job_id, PATIENCE))
            await asyncio.sleep(0)
            subscriptions.unsubscribe(job_id)
            await waiting
            assert not subscriptions._acknowledged  # noqa: SLF001
