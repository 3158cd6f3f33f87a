"""The heartbeat of a gateway: a row in PostgreSQL, by which operators see how many are running, and which have vanished."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import structlog

from jobs.concurrency import cancel_and_wait
from jobs.engine.engine import Engine
from jobs.engine.sql.gateways import record_gateway, remove_gateway
from jobs.errors import DatabaseUnavailable

log = structlog.get_logger()


class GatewayHeartbeat:
    """Records a heartbeat of a gateway every `HEARTBEAT_INTERVAL` seconds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.name = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(3)}"
        """Host and process id may be the same in many containers."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Records while the block runs, and then removes the row: the gateway has not vanished."""
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            await cancel_and_wait(task)
            with suppress(DatabaseUnavailable):
                await remove_gateway(self._engine.database, self.name)

    async def _run(self) -> None:
        started_at = datetime.now(UTC)
        while True:
            try:
                await record_gateway(self._engine.database, self.name, started_at)
            except DatabaseUnavailable as error:
                log.warning("heartbeat_lost", reason=error.message)
            except Exception:
                log.exception("heartbeat_failed")
            await asyncio.sleep(self._engine.settings.heartbeat_interval)
