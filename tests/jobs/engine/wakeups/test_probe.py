"""A Redis that answers PING but refuses to work counts as unavailable, and jobs run without it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from jobs.breakers import Circuit
from jobs.errors import RedisUnavailable
from jobs.services import Services, open_services
from jobs.settings import Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create, until_completed
from tests.helpers.refusing_redis import ALLOWED, REFUSALS
from tests.helpers.running import working
from tests.helpers.settings import WAKE_UPS_ONLY, with_changes


@pytest.mark.parametrize("how", REFUSALS)
async def test_a_refusal_opens_the_circuit_at_once_until_redis_works(
    settings: Settings, environment: dict[str, str], how: str
) -> None:
    refusing, words = REFUSALS[how]
    async with refusing(environment["REDIS_URL"]) as url:
        async with open_services(with_changes(settings, redis_url=url)) as services:
            with pytest.raises(RedisUnavailable, match=words) as refused:
                await services.probe_redis()
            assert "limited" not in refused.value.message, "users are only named in the reason"
            assert await _is(services, Circuit.OPEN)
            await eventually(lambda: _is(services, Circuit.HALF_OPEN))
            if how != "no keys":
                await services.feed.latest([uuid4()])
                assert await _is(services, Circuit.HALF_OPEN), "that it can be read proves nothing"
    async with open_services(settings) as services:
        await services.probe_redis()
        assert services.circuits["redis"] is Circuit.CLOSED


async def _is(services: Services, circuit: Circuit) -> bool:
    return services.circuits["redis"] is circuit


async def test_a_circuit_closes_with_the_first_probe_that_succeeds(
    services: Services, environment: dict[str, str]
) -> None:
    refusing, _ = REFUSALS["out of memory"]
    async with refusing(environment["REDIS_URL"]):
        with pytest.raises(RedisUnavailable):
            await services.probe_redis()
    await services.probe_redis()
    assert services.circuits["redis"] is Circuit.CLOSED


async def test_a_probe_changes_nothing(services: Services) -> None:
    redis: Any = services.queue._redis  # noqa: SLF001 - what Redis has is the point
    await services.probe_redis()
    assert await redis.keys("*") == []


@pytest.mark.parametrize("how", REFUSALS)
async def test_jobs_run_at_once_when_redis_begins_to_refuse(
    settings: Settings, services: Services, catalogue: Catalogue, environment: dict[str, str], how: str
) -> None:
    """Without it, only a worker that knows finds them: others look ten minutes later."""
    refusing, _ = REFUSALS[how]
    async with refusing(environment["REDIS_URL"]) as url:
        limited = with_changes(settings, redis_url=url, **WAKE_UPS_ONLY)
        async with working(limited), open_services(limited) as gateway:
            for _ in range(3):
                job = await create(gateway, await catalogue.add(b"x"))
                await until_completed(services, [job])


async def test_the_documented_permissions_are_enough(
    settings: Settings, services: Services, catalogue: Catalogue, environment: dict[str, str]
) -> None:
    async with ALLOWED(environment["REDIS_URL"]) as url:
        limited = with_changes(settings, redis_url=url, **WAKE_UPS_ONLY)
        async with working(limited), open_services(limited) as gateway:
            await gateway.probe_redis()
            job = await create(gateway, await catalogue.add(b"x"))
            await until_completed(services, [job])
