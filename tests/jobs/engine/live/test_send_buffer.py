"""What is said to Redis: in order, bounded, and never waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

import pytest
import structlog
from pydantic import RedisDsn

from jobs.engine.jobs import Overdue
from jobs.engine.live import send_buffer as outboxes
from jobs.engine.live.feed import RedisFeed, key, redis_breaker
from jobs.engine.live.send_buffer import SendBuffer
from jobs.engine.wakeups.queue import RedisQueue, wakeup_id
from jobs.errors import DatabaseBusy, DatabaseUnavailable
from jobs.kinds import Kind
from jobs.services import Services
from jobs.settings import RedisSettings
from tests.app.following.followers import live
from tests.helpers.eventually import eventually
from tests.helpers.jobs import create
from tests.helpers.proxies import proxied
from tests.helpers.redis_clients import redis_of

NOW = 1_800_000_000_000
"""A place in the queue."""


class Sent:
    """Takes batches; `opened` lets them through, `error` is what a batch raises."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.opened = asyncio.Event()
        self.error: Exception | None = None

    async def __call__(self, batch: Sequence[int]) -> None:
        await self.opened.wait()
        if self.error is not None:
            raise self.error
        self.batches.append(list(batch))

    @property
    def messages(self) -> list[int]:
        return [message for batch in self.batches for message in batch]


async def test_messages_are_sent_in_their_order_and_many_at_once() -> None:
    sent = Sent()
    sent.opened.set()
    outbox = SendBuffer("test", sent, redis_breaker())
    for number in range(1000):
        outbox.put(number, 1)
    await outbox.flush()
    assert sent.messages == list(range(1000))
    assert len(sent.batches) == 1000 / outboxes.BATCH


async def test_the_oldest_of_too_many_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outboxes, "MESSAGES", 10)
    monkeypatch.setattr(outboxes, "BYTES", 100)
    sent = Sent()
    sent.opened.set()
    outbox = SendBuffer("test", sent, redis_breaker())
    for number in range(15):
        outbox.put(number, 1)
    outbox.put(15, 98)
    await outbox.flush()
    assert sent.messages == [13, 14, 15]


@pytest.mark.parametrize("error", [OSError("away"), RuntimeError("the handler is closed")])
async def test_what_can_not_be_sent_is_lost_and_what_comes_later_is_not(error: Exception) -> None:
    sent = Sent()
    sent.opened.set()
    sent.error = error
    outbox = SendBuffer("test", sent, redis_breaker())
    outbox.put(1, 1)
    await outbox.flush()
    sent.error = None
    outbox.put(2, 1)
    await outbox.flush()
    assert sent.messages == [2]


async def test_the_log_says_why_messages_were_lost_that_postgresql_should_have_sent() -> None:
    sent = Sent()
    sent.opened.set()
    outbox = SendBuffer("test", sent, breaker=None)
    with structlog.testing.capture_logs() as logs:
        for error in (DatabaseUnavailable("unavailable", "connection refused"), DatabaseBusy("overloaded")):
            sent.error = error
            outbox.put(1, 1)
            await outbox.flush()
            sent.error = None
            outbox.put(2, 1)
            await outbox.flush()
    assert [line["reason"] for line in logs if line["event"] == "send_lost"] == ["connection refused", "overloaded"]


async def test_a_batch_that_hangs_is_given_up_and_the_next_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outboxes, "PATIENCE", 0.2)
    arrived: asyncio.Queue[Sequence[int]] = asyncio.Queue()
    begun = asyncio.Event()

    async def send(batch: Sequence[int]) -> None:
        if not begun.is_set():
            begun.set()
            await asyncio.sleep(3600)
        arrived.put_nowait(batch)

    outbox = SendBuffer("test", send, redis_breaker())
    outbox.put(1, 1)
    await begun.wait()
    outbox.put(2, 1)
    assert await asyncio.wait_for(arrived.get(), 10) == [2]


async def test_closing_does_not_wait_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outboxes, "PATIENCE", 0.2)
    outbox = SendBuffer("test", Sent(), redis_breaker())
    for number in range(100 * outboxes.BATCH):
        outbox.put(number, 1)
    async with asyncio.timeout(3):
        await outbox.close()


async def test_nobody_waits_for_a_redis_that_hangs(services: Services, environment: dict[str, str]) -> None:
    job = await create(services, 10_000)
    async with proxied(environment["REDIS_URL"]) as redis:
        settings = RedisSettings(redis_url=RedisDsn(redis.url))
        feed, queue = RedisFeed.open(settings), RedisQueue.open(settings)
        await feed.publish(live(job, 1))
        await feed.flush()
        redis.stall()
        began = monotonic()
        for tick in range(100):
            await feed.publish(live(job, tick))
            await queue.enqueue(Kind.DOWNLOAD, uuid4(), 1, NOW)
        assert monotonic() - began < 0.5
        await asyncio.gather(feed.close(), queue.close())
        assert monotonic() - began < 3


async def test_what_is_published_after_a_redis_that_hung_arrives(
    services: Services, environment: dict[str, str]
) -> None:
    job = await create(services, 10_000)
    kept: Any = redis_of(services.feed)
    async with proxied(environment["REDIS_URL"]) as redis:
        feed = RedisFeed.open(RedisSettings(redis_url=RedisDsn(redis.url)))
        redis.stall()
        await feed.publish(live(job, 1))
        await feed.flush()
        await redis.heal()
        await feed.publish(live(job, 2))
        await feed.flush()
        assert b'"tick":2' in await kept.get(key(job.id))
        await feed.close()


async def test_wake_ups_are_in_the_queue_once_and_in_time(services: Services) -> None:
    redis: Any = redis_of(services.queue)
    now, soon, later = uuid4(), uuid4(), uuid4()
    for _ in range(3):
        await services.queue.enqueue(Kind.DOWNLOAD, now, 1, NOW)
        await services.queue.enqueue(Kind.DOWNLOAD, soon, 7, NOW - 5, 0.3)
        await services.queue.enqueue(Kind.DOWNLOAD, later, 7, NOW, 600)
    await services.queue.flush()
    assert await redis.zrange("haulage:queue:download", 0, -1) == [f"{now}:1".encode()]
    await eventually(lambda: redis.zscore("haulage:queue:download", f"{soon}:7"))
    places = await redis.zrange("haulage:queue:download", 0, -1, withscores=True)
    assert places == [(f"{soon}:7".encode(), NOW - 5), (f"{now}:1".encode(), NOW)], "by their places, not by when due"


async def test_a_backlog_that_redis_has_lost_is_rung_for_at_once(services: Services) -> None:
    redis: Any = redis_of(services.queue)
    an_hour_ago = datetime.now(UTC) - timedelta(hours=1)
    overdue = [Overdue(uuid4(), 1, an_hour_ago + timedelta(milliseconds=number)) for number in range(1000)]
    names = [wakeup_id(it.job_id, it.fence) for it in overdue]
    await services.queue.enqueue(Kind.DOWNLOAD, uuid4(), 1, NOW)
    await services.queue.enqueue(Kind.DOWNLOAD, overdue[0].job_id, 1, NOW)
    await services.queue.flush()
    [waiting] = await redis.zmscore("haulage:queue:download", names[:1])
    assert await services.queue.enqueue_missing(Kind.DOWNLOAD, overdue)
    assert await redis.zmscore("haulage:queue:download", names[:1]) == [waiting], "one in the queue keeps its place"
    queued = [name.decode() for name in await redis.zrange("haulage:queue:download", 0, -1)]
    assert queued[:999] == names[1:], "others have the places of their jobs, before newer ones"
    assert len(queued) == 1001
