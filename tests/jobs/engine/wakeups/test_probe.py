"""A Redis that answers PING but refuses to work counts as unavailable, and jobs run without it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock
from uuid import uuid4

import httpx
import pytest

from app.following import topic_registry
from jobs.breakers import Circuit
from jobs.engine.live import subscriptions
from jobs.engine.redis_transport import RedisTransport
from jobs.engine.wakeups.probe import CHECKED
from jobs.engine.wakeups.queue import queue_name
from jobs.errors import RedisUnavailable
from jobs.kinds import Kind
from jobs.services import Services, open_services
from jobs.settings import Settings
from tests.helpers.access import key_of
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create, until_completed
from tests.helpers.redis_clients import redis_of
from tests.helpers.refusing_redis import ALLOWED, PATTERNS, REFUSALS, permitted
from tests.helpers.running import serving, working
from tests.helpers.settings import WAKE_UPS_ONLY, with_changes

CONNECTING = {"auth", "client|setinfo", "config|resetstat", "hello", "select"}
"""Commands that open a connection, and that of this test."""


@pytest.mark.parametrize("how", REFUSALS)
async def test_a_refusal_opens_the_circuit_at_once_until_redis_works(
    settings: Settings, environment: dict[str, str], how: str
) -> None:
    refusing, words = REFUSALS[how]
    async with refusing(environment["REDIS_URL"]) as url:
        async with open_services(with_changes(settings, redis_url=url)) as services:
            with pytest.raises(RedisUnavailable, match=words) as refused:
                await services.transport.checks["redis"]()
            assert "limited" not in refused.value.message, "users are only named in the reason"
            assert await _is(services, Circuit.OPEN)
            await eventually(lambda: _is(services, Circuit.HALF_OPEN))
            if how != "no keys":
                assert await services.feed.latest([uuid4()]) is not None
                assert await _is(services, Circuit.HALF_OPEN), "that it can be read proves nothing"
    async with open_services(settings) as services:
        await services.transport.checks["redis"]()
        assert services.circuits["redis"] is Circuit.CLOSED


async def _is(services: Services, circuit: Circuit) -> bool:
    return services.circuits["redis"] is circuit


async def test_a_circuit_closes_with_the_first_probe_that_succeeds(
    services: Services, environment: dict[str, str]
) -> None:
    refusing, _ = REFUSALS["out of memory"]
    async with refusing(environment["REDIS_URL"]):
        with pytest.raises(RedisUnavailable):
            await services.transport.checks["redis"]()
    await services.transport.checks["redis"]()
    assert services.circuits["redis"] is Circuit.CLOSED


async def test_a_probe_changes_nothing(services: Services) -> None:
    redis: Any = redis_of(services.queue)
    await services.transport.checks["redis"]()
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


async def test_what_is_probed_is_what_is_used(
    services: Services, settings: Settings, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the server's own count of commands, for a gateway with a follower and a list, and a worker with a job."""
    monkeypatch.setattr(RedisTransport, "probe", AsyncMock())
    monkeypatch.setattr(subscriptions, "PING", 0.5)
    monkeypatch.setattr(topic_registry, "POLLED_TTL", 0.5)
    redis: Any = redis_of(services.queue)
    probed = CHECKED - {"multi", "discard"}  # those of the probe itself

    async def used() -> set[str]:
        return {name.removeprefix("cmdstat_") for name in await redis.info("commandstats")} - CONNECTING

    async def all_are_used() -> bool:
        return probed <= await used()

    held = await create(services, 10_000)
    await services.lifecycle.claim(held.id, held.fence, "w")
    await redis.config_resetstat()
    key, limited = await key_of(services, "anonymous"), with_changes(settings, auth_mode="required")
    async with serving(limited) as url, httpx.AsyncClient(base_url=url, headers=key) as api:
        await api.get("/health")  # before there is a worker
        await api.get(f"/v1/download/job/{held.id}", headers={"Prefer": "wait=1"})
        await api.get("/v1/download/jobs")
        async with working(settings):
            await until_completed(services, [await create(services, await catalogue.add(b"x"))])
            with suppress(TimeoutError):
                await eventually(all_are_used, patience=10)
    assert await used() == probed


async def test_each_command_key_and_channel_that_is_not_permitted_is_noticed(
    settings: Settings, environment: dict[str, str]
) -> None:
    rules: dict[tuple[str, ...], str] = {
        **{("+@all", f"-{command}", "~*", "&*"): command for command in CHECKED},
        ("+@all", "~haulage:*", "&*"): "set",
        ("+@all", "~download:progress:*", "&*"): "zadd",
        ("+@all", *(f"~{queue_name(kind)}" for kind in Kind), "~download:progress:*", "&*"): "psetex",
        ("+@all", "%W~haulage:*", "%W~download:progress:*", "&*"): "bzpopmin",
        ("+@all", "~*", "&job:*"): "publish",
        ("+@all", "~*", "&haulage:*"): "publish",
    }
    for some, command in rules.items():
        async with permitted(*some)(environment["REDIS_URL"]) as url:
            await _is_refused(with_changes(settings, redis_url=url), command)


async def _is_refused(settings: Settings, command: str) -> None:
    async with open_services(settings) as services:
        with pytest.raises(RedisUnavailable) as refused:
            await services.transport.checks["redis"]()
        assert f"not permitted all that {command.upper()} needs" in refused.value.message
        assert refused.value.reason.startswith(command.upper())
        assert await _is(services, Circuit.OPEN)
        pool: Any = redis_of(services.feed).connection_pool
        assert not any(connection.is_connected for connection in pool._available_connections)  # noqa: SLF001
        assert not pool._in_use_connections  # noqa: SLF001


def test_the_permissions_are_documented(project: Path) -> None:
    documented = (project / "docs/operations.md").read_text()
    assert [command for command in sorted(CHECKED) if f"+{command}" not in documented] == []
    assert [pattern for pattern in PATTERNS if pattern not in documented] == []


@pytest.mark.parametrize("how", ALLOWED)
async def test_the_documented_permissions_are_enough(
    settings: Settings, services: Services, catalogue: Catalogue, environment: dict[str, str], how: str
) -> None:
    async with ALLOWED[how](environment["REDIS_URL"]) as url:
        limited = with_changes(settings, redis_url=url, **WAKE_UPS_ONLY)
        async with working(limited), open_services(limited) as gateway:
            await gateway.transport.checks["redis"]()
            job = await create(gateway, await catalogue.add(b"x"))
            await until_completed(services, [job])
