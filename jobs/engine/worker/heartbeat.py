"""The heartbeat of a worker: a row in PostgreSQL which shows, without Redis, that it is running, and what.

With each one it learns what operators want of it: to drain, or to leave the kinds alone whose queues are paused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime

import structlog

from jobs.engine.engine import Engine
from jobs.engine.sql import workers
from jobs.engine.sql.workers import Orders, any_worker_since, record_heartbeat, remove_worker
from jobs.errors import DatabaseUnavailable
from jobs.kinds import Kind

log = structlog.get_logger()


class Heartbeat:
    """Records a heartbeat of a worker every `HEARTBEAT_INTERVAL` seconds."""

    def __init__(self, engine: Engine, name: str, slots: Mapping[Kind, int], obey: Callable[[Orders], None]) -> None:
        """`slots`: how many jobs of each of its kinds the worker can run at once.

        `obey` is called with what operators want, after each heartbeat.
        """
        self._engine = engine
        self._name = name
        self._slots = slots
        self._obey = obey
        self._started_at = datetime.now(UTC)

    async def run(self) -> None:
        """Records until it is cancelled, and then removes the worker's row."""
        try:
            while True:
                try:
                    self._obey(await record_heartbeat(self._engine.database, self._name, self._slots, self._started_at))
                except DatabaseUnavailable as error:
                    log.warning("heartbeat_lost", reason=error.message)
                except Exception:
                    log.exception("heartbeat_failed")
                await asyncio.sleep(self._engine.settings.heartbeat_interval)
        finally:
            with suppress(DatabaseUnavailable):
                async with self._engine.database.begin() as connection:
                    await remove_worker(connection, self._name)


async def any_worker(engine: Engine) -> bool:
    """Returns True if a worker runs, by its heartbeat in PostgreSQL, else by arq's health check in Redis."""
    with suppress(DatabaseUnavailable):
        async with engine.database.reading() as connection:
            if await any_worker_since(connection, engine.settings.lease_ttl):
                return True
    return await engine.queue.has_consumer()


async def kinds_without_worker(engine: Engine) -> list[Kind]:
    """The kinds of which jobs wait while no worker runs them. Raises `DatabaseUnavailable`.

    Workers say what they run with each heartbeat; one counts for `LEASE_TTL` seconds.
    """
    return await workers.kinds_without_worker(engine.database, engine.settings.lease_ttl)
