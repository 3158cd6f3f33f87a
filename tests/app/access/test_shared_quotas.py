"""Costly requests to four gateways at once: counted together, with Redis up, killed and flushed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from app import load
from app.access import quotas
from jobs.services import Services
from tests.helpers.access import Headers, key_of
from tests.helpers.eventually import eventually
from tests.helpers.own_valkey import OwnValkey
from tests.helpers.running import serving
from tests.helpers.settings import with_changes

GATEWAYS, QUOTA = 4, 100
MOST = QUOTA * (1 + (GATEWAYS - 1) / (2 * GATEWAYS)) + GATEWAYS
"""What may be admitted at most, if it is used up within the time between two reports (docs/security.md)."""
LEVELS, MEMBERS = "haulage:requests", "haulage:gateways"


@pytest.fixture
def queue() -> str:
    """What carries the reports: a test is parametrized with it."""
    return "redis"


@pytest.fixture
def changes(queue: str) -> dict[str, Any]:
    return {"queue": queue, "auth_mode": "required", "plans": {"user": {"requests_per_hour": QUOTA}}}


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[OwnValkey]:
    own = OwnValkey(tmp_path)
    await own.start()
    yield own
    await own.stop()


class Fleet:
    """Four gateways, and clients of them."""

    def __init__(
        self,
        apis: list[httpx.AsyncClient],
        redis: Redis,
        headers: Headers,
        reported_at: Callable[[], Awaitable[list[float]]],
    ) -> None:
        """`reported_at`: when each gateway has reported last."""
        self.apis = apis
        self.redis = redis
        self._reported_at = reported_at
        self._headers = headers
        self._complete_at = float("inf")

    async def admitted(self, times: int) -> int:
        """How many requests are admitted of so many to each gateway, all at the same time."""
        found = await asyncio.gather(
            *(api.get("/v1/download/jobs", headers=self._headers) for _ in range(times) for api in self.apis)
        )
        assert {one.status_code for one in found} <= {200, 429}
        return sum(one.status_code == 200 for one in found)

    async def remaining(self, number: int) -> int:
        """What is left by what one gateway knows; the request counts."""
        answer = await self.apis[number].get("/v1/download/jobs", headers=self._headers)
        return int(answer.headers["ratelimit"].partition("r=")[2].partition(";")[0])

    async def used(self) -> bool:
        """Whether every gateway knows that nothing is left."""
        return [await self.remaining(number) for number in range(GATEWAYS)] == [0] * GATEWAYS

    async def knows_each_other(self) -> bool:
        """Whether all gateways have reported since all of them had."""
        times = await self._reported_at()
        if len(times) < GATEWAYS:
            return False
        self._complete_at = min(self._complete_at, max(times))
        return bool(min(times) > self._complete_at)

    async def has_settled(self) -> None:
        """Returns when every gateway knows what all of them have counted."""
        for _ in range(2):  # reports that add, and reports that bring back what others have added
            self._complete_at = float("inf")
            await eventually(self.knows_each_other)

    async def flush(self) -> None:
        self._complete_at = float("inf")
        await self.redis.flushall()


@pytest.fixture
async def fleet(services: Services, valkey: OwnValkey, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Fleet]:
    monkeypatch.setattr(quotas, "REPORT_INTERVAL", 0.2)
    monkeypatch.setattr(load, "LAG", 1000)  # the machine that runs the tests may be busy
    settings = with_changes(services.settings, redis_url=valkey.url)
    headers = await key_of(services, "olga")
    redis = Redis.from_url(valkey.url)

    async def reported_to_redis() -> list[float]:
        return [time for _, time in await redis.zrange(MEMBERS, 0, -1, withscores=True)]

    async def reported_to_postgresql() -> list[float]:
        return [row["seen_at"] for row in await services.database.fetch("SELECT seen_at FROM level_gateways")]

    reported_at = reported_to_redis if settings.queue == "redis" else reported_to_postgresql
    async with AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(settings)) for _ in range(GATEWAYS)]
        apis = [await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60)) for url in urls]
        opened = Fleet(apis, redis, headers, reported_at)
        await eventually(opened.knows_each_other)
        await asyncio.gather(*(api.get("/v1/access/session", headers=headers) for api in apis))
        yield opened
    await redis.aclose()


@pytest.mark.parametrize("queue", ["redis", "postgres"])
async def test_four_gateways_admit_one_quota_together(fleet: Fleet) -> None:
    admitted = 0
    for _ in range(10):
        admitted += await fleet.admitted(20)
    assert QUOTA // 2 <= admitted <= MOST
    await eventually(fleet.used)


async def test_a_flush_resets_nothing(fleet: Fleet) -> None:
    """What is counted within the same interval as the flush may be lost with it."""
    admitted = await fleet.admitted(10)
    assert admitted
    await fleet.has_settled()
    await fleet.flush()
    for _ in range(12):
        await fleet.has_settled()
        admitted += await fleet.admitted(2)
    assert QUOTA // 2 <= admitted <= QUOTA + 3 * GATEWAYS


@pytest.mark.parametrize("what", ["killed", "killed and started"])
async def test_a_lost_redis_resets_nothing(fleet: Fleet, valkey: OwnValkey, what: str) -> None:
    admitted = await fleet.admitted(10)
    assert admitted
    await valkey.fall("killed")
    for number in range(10):
        admitted += await fleet.admitted(20)
        if what == "killed and started" and number == 5:
            await valkey.rise("killed")
            await eventually(fleet.knows_each_other)
    assert QUOTA // 2 <= admitted <= MOST
    assert await fleet.admitted(5) <= GATEWAYS


async def test_gateways_restore_what_redis_has_lost_of_users_who_have_gone_elsewhere(fleet: Fleet) -> None:
    async def is_used() -> bool:
        return await fleet.remaining(0) == 0

    await eventually(is_used)
    await fleet.flush()
    await eventually(fleet.knows_each_other)
    await eventually(lambda: restored(fleet))


async def restored(fleet: Fleet) -> bool:
    """Whether Redis has a level again, though no gateway has had a request since."""
    return await fleet.redis.zscore(LEVELS, "olga") is not None
