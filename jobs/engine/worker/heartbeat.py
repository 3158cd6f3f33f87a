"""The heartbeat of a worker: a row in PostgreSQL which shows, without Redis, that it is running."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from jobs.engine.engine import Engine
from jobs.engine.sql.workers import any_worker_since, record_heartbeat, remove_worker
from jobs.errors import DatabaseUnavailable

log = structlog.get_logger()


class Heartbeat:
    """Records a heartbeat of a worker every `HEARTBEAT_INTERVAL` seconds."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine = engine
        self._name = name

    async def run(self) -> None:
        """Records until it is cancelled, and then removes the worker's row."""
        try:
            while True:
                try:
                    await record_heartbeat(self._engine.database, self._name)
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
