"""Connections to Redis on which no cancellation is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
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


def connection_pool(url: RedisDsn, timeout: float, ca_file: Path | None = None) -> ConnectionPool:
    """Connections to this address, none of them open yet. `timeout`: seconds to connect, and for a call.

    Over TLS, the server's certificate and its name are verified, with the CAs of the system and of `ca_file`, unless the
    parameters of the URL say otherwise.
    """
    tls: dict[str, Any] = {}
    if url.scheme == "rediss":
        # redis-py 5 does not check the name by default, and cannot without a certificate.
        tls["ssl_check_hostname"] = ("ssl_cert_reqs", "none") not in url.query_params()
        if ca_file is not None:
            tls["ssl_ca_certs"] = str(ca_file)
    pool: ConnectionPool = ConnectionPool.from_url(
        str(url),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        max_connections=MAX_CONNECTIONS,
        **tls,
    )
    pool.connection_class = _TIMED[pool.connection_class]
    return pool
