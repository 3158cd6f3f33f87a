"""An installation of a test's own: its settings, and the clients of its servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

from redis.asyncio import Redis

from jobs.services import Services, open_services
from jobs.settings import Settings


async def fresh_settings(database_url: str, environment: dict[str, str], **changes: Any) -> Settings:
    """Settings of this database and of a fresh bucket, with short waits. Valkey is emptied."""
    redis = Redis.from_url(environment["REDIS_URL"])
    await redis.flushall()
    await redis.aclose()
    values: dict[str, Any] = {name.lower(): value for name, value in environment.items()}
    values |= {
        "database_url": database_url,
        "s3_bucket_name": f"test-{uuid4().hex}",
        "port": 0,
        "backoff_base": 0.05,
        "backoff_max": 0.2,
        "sweep_interval": 0.2,
        "wake_grace": 0.5,
        "drain_timeout": 0,
        "stream_drain": 0.1,
        "log_level": "warning",
    }
    return Settings(**values | changes)


@asynccontextmanager
async def with_services(settings: Settings) -> AsyncIterator[Services]:
    """Open clients, and a bucket that is emptied at the end."""
    async with open_services(settings) as opened:
        await opened.storage.bucket.ensure()
        yield opened
        keys = [info.key async for info in opened.storage.objects.list("")]
        await opened.storage.objects.delete(keys)
