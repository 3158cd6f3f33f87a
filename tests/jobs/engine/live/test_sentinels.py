"""Redis through sentinels: the master is found again after a failover, and why there is none is explained."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from jobs.engine.live.feed import RedisFeed
from jobs.engine.live.send_buffer import PATIENCE
from jobs.engine.wakeups.probe import probe_redis
from jobs.engine.worker.redis_probe import PROBE_TIMEOUT
from jobs.errors import RedisUnavailable
from jobs.settings import RedisSettings, Settings
from tests.helpers.catalogue import Catalogue
from tests.helpers.eventually import eventually
from tests.helpers.running import serving, working
from tests.helpers.sentinels import MASTER, SentinelGroup, running_sentinels
from tests.helpers.settings import CLOSED, WAKE_UPS_ONLY, with_changes

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelGroup]:
    """A group of servers whose master is never killed."""
    running = SentinelGroup(tmp_path_factory.mktemp("sentinels"))
    try:
        asyncio.run(running.start())
        yield running
    finally:
        asyncio.run(running.stop())


async def failure(**changes: object) -> RedisUnavailable:
    """The error of a probe with these settings."""
    feed = RedisFeed.open(RedisSettings.model_validate(changes))
    try:
        with pytest.raises(RedisUnavailable) as raised:
            await probe_redis(feed)
    finally:
        await feed.close()
    return raised.value


def sentinels_of(group: SentinelGroup) -> dict[str, object]:
    """The settings of the group, as values of `RedisSettings`."""
    return group.changes | {"redis_sentinels": tuple(group.changes["redis_sentinels"].split(","))}


async def test_a_worker_receives_wake_ups_from_the_master(
    settings: Settings, catalogue: Catalogue, group: SentinelGroup
) -> None:
    """Sweeper and poller would find the job ten minutes later."""
    changed = with_changes(settings, **WAKE_UPS_ONLY, **group.changes)
    async with serving(changed) as url, working(changed), httpx.AsyncClient(base_url=url) as api:
        body = {"file_ids": [await catalogue.add(b"x")], "archiveName": "a"}
        job = (await api.post("/v1/download/initiate", json=body)).json()["jobId"]
        ended = await api.get(f"/v1/download/job/{job}", headers={"Prefer": "wait=30"}, timeout=60)
        assert ended.json()["status"] == "completed"
        assert (await api.get("/health")).json()["checks"]["redis"] == "ok"


async def test_a_sentinel_that_does_not_respond_is_passed_over(group: SentinelGroup) -> None:
    sentinels = (CLOSED, *str(group.changes["redis_sentinels"]).split(","))
    feed = RedisFeed.open(RedisSettings.model_validate(sentinels_of(group) | {"redis_sentinels": sentinels}))
    await probe_redis(feed)
    await feed.close()


async def test_sentinels_that_accept_connections_and_never_respond_are_passed_over_within_a_probe(
    group: SentinelGroup,
) -> None:
    """One that was passed over is queried first again unless the probe succeeds."""
    async with silent_server() as one, silent_server() as two:
        sentinels = (one, two, *str(group.changes["redis_sentinels"]).split(","))
        feed = RedisFeed.open(RedisSettings.model_validate(sentinels_of(group) | {"redis_sentinels": sentinels}))

        async def responds_in_time() -> bool:
            try:
                async with asyncio.timeout(min(PROBE_TIMEOUT, PATIENCE)):
                    await probe_redis(feed)
            except (TimeoutError, RedisUnavailable):
                return False
            return True

        await eventually(responds_in_time)
        await feed.close()


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """The address of a server that accepts connections and sends nothing."""
    server = await asyncio.start_server(_discard_until_closed, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def _discard_until_closed(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_no_sentinel_responds() -> None:
    error = await failure(
        redis_url=f"redis://{MASTER}/0", redis_sentinels=(CLOSED, "127.0.0.1:10"), redis_sentinel_master=MASTER
    )
    assert error.message == "Redis can't be reached. No sentinel of REDIS_SENTINELS can be used."
    assert f"{CLOSED}: Error" in error.reason
    assert "127.0.0.1:10: Error" in error.reason


async def test_sentinels_refuse_the_password(group: SentinelGroup) -> None:
    error = await failure(**sentinels_of(group) | {"redis_sentinel_password": "wrong"})
    assert error.message == "Redis can't be reached. No sentinel of REDIS_SENTINELS can be used."
    assert "invalid username-password pair" in error.reason


async def test_health_says_that_the_sentinels_know_no_such_master(settings: Settings, group: SentinelGroup) -> None:
    """Anyone may read it: the names that the sentinels know are in the log only."""
    other = group.changes | {"redis_url": "redis://:secret@other/0", "redis_sentinel_master": "other"}
    async with serving(with_changes(settings, **other)) as url, httpx.AsyncClient(base_url=url) as api:
        health = (await api.get("/health")).json()
    expected = "Redis can't be reached. The sentinels monitor no master of the name in REDIS_SENTINEL_MASTER."
    assert health["reasons"]["redis"] == expected
    error = await failure(**sentinels_of(group) | other | {"redis_sentinels": sentinels_of(group)["redis_sentinels"]})
    assert f"It is 'other'; they monitor: {MASTER}." in error.reason


async def test_the_same_clients_follow_two_failures(settings: Settings, tmp_path: Path) -> None:
    """The first one promotes the replica. After the second one there is none left."""
    async with running_sentinels(tmp_path) as group:
        feed = RedisFeed.open(with_changes(settings, **group.changes))
        await probe_redis(feed)
        former = await group.kill_master()
        await group.until_promoted(former)
        await eventually(lambda: responds(feed))
        await group.kill_master()
        await group.until_down()
        with pytest.raises(RedisUnavailable, match="consider the master down, and have not promoted") as raised:
            await probe_redis(feed)
        assert re.search(rf"The master '{MASTER}' is [a-z_,]*\bs_down\b", raised.value.reason)
        await feed.close()


async def responds(feed: RedisFeed) -> bool:
    try:
        await probe_redis(feed)
    except RedisUnavailable:
        return False
    return True
