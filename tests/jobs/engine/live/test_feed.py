"""Subscriptions to live events are closed, however they end."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from redis.asyncio.client import PubSub

from jobs.concurrency import CANCEL_INTERVAL, cancel_and_wait
from jobs.engine.live.feed import RedisFeed
from jobs.services import Services
from tests.helpers.redis_clients import redis_of


async def test_a_connection_that_listens_is_returned_although_its_task_is_cancelled_again_and_again(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    close: Any = PubSub.aclose
    subscribed = asyncio.Event()

    async def close_slowly(pubsub: PubSub) -> None:
        await asyncio.sleep(3 * CANCEL_INTERVAL)
        await close(pubsub)

    feed = cast("RedisFeed", services.feed)

    async def listen() -> None:
        async with feed.listening() as pubsub:
            await pubsub.subscribe("a channel")
            subscribed.set()
            await asyncio.Event().wait()

    monkeypatch.setattr(PubSub, "aclose", close_slowly)
    listening = asyncio.create_task(listen())
    await subscribed.wait()
    await cancel_and_wait(listening)
    pool: Any = redis_of(services.feed).connection_pool
    assert not pool._in_use_connections  # noqa: SLF001
