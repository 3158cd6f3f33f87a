"""Connections to Redis on which no cancellation is lost."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic import RedisDsn
from redis.asyncio import Connection, ConnectionPool, SSLConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

MAX_CONNECTIONS = 50
"""Connections of each client of a process, so that calls to a Redis that hangs do not use up its sockets."""


class _TimedSending(AbstractConnection):
    """Sends with a time-out that keeps cancellations.

    redis-py 5 sends under `asyncio.wait_for`, which loses one on Python 3.11, and starts a task for every command.
    """

    async def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        timeout, self.socket_timeout = self.socket_timeout, None
        try:
            async with asyncio.timeout(timeout):
                await super().send_packed_command(command, check_health)
        finally:
            self.socket_timeout = timeout


class _Connection(_TimedSending, Connection):
    pass


class _TlsConnection(_TimedSending, SSLConnection):
    pass


_TIMED: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: _Connection,
    SSLConnection: _TlsConnection,
}


def connection_pool(url: RedisDsn, timeout: float) -> ConnectionPool:
    """Connections to this address, none of them open yet. `timeout`: seconds to connect, and for a call."""
    pool: ConnectionPool = ConnectionPool.from_url(
        str(url),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        max_connections=MAX_CONNECTIONS,
    )
    pool.connection_class = _TIMED[pool.connection_class]
    return pool
