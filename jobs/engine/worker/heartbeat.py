"""Whether anybody works: every worker signs in PostgreSQL, so that health can tell without Redis."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog

from jobs.engine.sql import workers
from jobs.errors import DatabaseUnavailable
from jobs.services import Services

log = structlog.get_logger()


class Heartbeat:
    """Signs for a worker every `HEARTBEAT_INTERVAL` seconds."""

    def __init__(self, services: Services, name: str) -> None:
        self._services = services
        self._name = name

    async def run(self) -> None:
        """Signs until it is cancelled, and then takes leave."""
        try:
            while True:
                await self._sign()
                await asyncio.sleep(self._services.settings.heartbeat_interval)
        finally:
            with suppress(DatabaseUnavailable):
                async with self._services.database.begin() as connection:
                    await workers.leave(connection, self._name)

    async def _sign(self) -> None:
        try:
            await workers.sign(self._services.database, self._name)
        except DatabaseUnavailable as error:
            log.warning("sign_failed", reason=error.message)
        except Exception:
            log.exception("sign_broke")


async def anyone_works(services: Services) -> bool:
    """Whether a worker takes jobs, by its sign in PostgreSQL, else by the one that arq leaves in Redis."""
    with suppress(DatabaseUnavailable):
        async with services.database.reading() as connection:
            if await workers.anyone(connection, services.settings.lease_ttl):
                return True
    return await services.queue.heard()
