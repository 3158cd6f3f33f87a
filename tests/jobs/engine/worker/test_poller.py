"""The fallback on its own: quick while Redis is away, however it is away, and never beyond the worker's room."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any
from uuid import UUID

import pytest

from jobs.concurrency import cancel_and_wait, run_forever
from jobs.engine.engine import Engine
from jobs.engine.redis_transport import RedisTransport
from jobs.engine.worker.poller import SPREAD, Poller
from jobs.engine.worker.redis_probe import RedisProbe
from jobs.engine.worker.runner import Runner
from jobs.errors import RedisUnavailable
from jobs.kinds import Kind
from jobs.services import Services, open_services
from jobs.settings import Settings
from jobs.work import works_of
from tests.helpers.jobs import create
from tests.helpers.proxies import proxied
from tests.helpers.settings import with_changes

PATIENCE = 10


@pytest.fixture
def changes() -> dict[str, Any]:
    return {"wake_grace": 600, "sweep_interval": 600, "worker_concurrency": 2}


class Taking(Runner):
    """Claims what it is given, `claims` jobs at most, and never runs them."""

    def __init__(self, services: Services, claims: int) -> None:
        super().__init__(services, works_of(services)[Kind.DOWNLOAD], "worker-1")
        self.taken: asyncio.Queue[UUID] = asyncio.Queue()
        self.left = claims

    @property
    def room(self) -> int:
        return self.left

    async def claim(self, job_id: UUID, fence: int) -> None:
        claimed = await self._engine.lifecycle.claim(job_id, fence, self._name)
        if claimed is not None:
            self.left -= 1
            self.taken.put_nowait(job_id)


async def polling(engine: Engine, runner: Runner) -> None:
    """Polls as a worker does, until it is cancelled."""
    redis = RedisProbe(engine)
    await run_forever(redis.run(), Poller(engine, runner, redis).run())


async def test_jobs_are_found_quickly_when_redis_begins_to_hang(
    services: Services, settings: Settings, environment: dict[str, str]
) -> None:
    async with (
        proxied(environment["REDIS_URL"]) as redis,
        open_services(with_changes(settings, redis_url=redis.url, redis_timeout=30)) as cut_off,
    ):
        runner = Taking(cut_off, 100)
        looking = asyncio.create_task(polling(cut_off, runner))
        try:
            first = await create(services, 10_000)
            redis.stall()
            began = monotonic()
            assert await asyncio.wait_for(runner.taken.get(), PATIENCE) == first.id
            assert monotonic() - began < 3
            began = monotonic()
            for _ in range(4):  # one after the other: each waits for a look of its own
                job = await create(services, 10_000)
                assert await asyncio.wait_for(runner.taken.get(), PATIENCE) == job.id
            assert monotonic() - began < 2.5
        finally:
            await cancel_and_wait(looking)


async def test_with_room_left_after_a_full_look_it_looks_again_at_once(services: Services, settings: Settings) -> None:
    """All it saw went to others; what it did not see is still to be had. The next look would be in ten minutes."""

    class Late(Taking):
        async def claim(self, job_id: UUID, fence: int) -> None:
            if job_id != jobs[-1].id:
                await services.lifecycle.claim(job_id, fence, "worker-2")
            await super().claim(job_id, fence)

    jobs = [await create(services, 10_000) for _ in range(SPREAD + 1)]
    async with open_services(with_changes(settings, wake_grace=0.001)) as impatient:
        runner = Late(impatient, 1)
        looking = asyncio.create_task(polling(impatient, runner))
        try:
            assert await asyncio.wait_for(runner.taken.get(), PATIENCE) == jobs[-1].id
        finally:
            await cancel_and_wait(looking)


async def test_what_breaks_a_look_does_not_end_the_looking(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = 0

    async def breaking(_: RedisTransport) -> None:
        nonlocal broken
        broken += 1
        if broken == 1:
            raise RuntimeError("the handler is closed")
        raise RedisUnavailable("Redis is unavailable.")

    monkeypatch.setattr(RedisTransport, "probe", breaking)
    runner = Taking(services, 1)
    take, tries = runner.claim, 0

    async def failing(job_id: UUID, fence: int) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("the handler is closed")
        await take(job_id, fence)

    monkeypatch.setattr(runner, "claim", failing)
    job = await create(services, 10_000)
    looking = asyncio.create_task(polling(services, runner))
    try:
        assert await asyncio.wait_for(runner.taken.get(), PATIENCE) == job.id
    finally:
        await cancel_and_wait(looking)
