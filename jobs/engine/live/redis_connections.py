"""Connections to Redis on which no cancellation is lost."""

from __future__ import annotations

import asyncio
from typing import Any

from redis.asyncio import Connection, ConnectionPool, SSLConnection
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool, SentinelManagedConnection, SentinelManagedSSLConnection
from redis.backoff import NoBackoff

from jobs.engine.live.sentinels import SENTINEL_TIMEOUT, Sentinels
from jobs.settings import RedisSettings

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


class _MasterConnection(_TimedSending, SentinelManagedConnection):
    pass


class _TlsMasterConnection(_TimedSending, SentinelManagedSSLConnection):
    pass


_TIMED: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: _Connection,
    SSLConnection: _TlsConnection,
}
_TO_MASTER: dict[type[AbstractConnection], type[AbstractConnection]] = {
    Connection: _MasterConnection,
    SSLConnection: _TlsMasterConnection,
}


class _MasterPool(SentinelConnectionPool):
    """Connections to whichever server is the master when each of them is opened."""

    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if inuse_connections:  # the pool is closed; else a new master was found
            await self.sentinel_manager.close()


def connection_pool(settings: RedisSettings, timeout: float) -> ConnectionPool:
    """Connections to the server of `REDIS_URL`, or to the master that the sentinels name; none of them is open yet.

    `timeout`: seconds to connect, and for a call. Over TLS, the server's certificate and its name are verified, with the
    CAs of the system and of `REDIS_CA_FILE`, unless the parameters of the URL say otherwise. Connecting raises `NoMaster`
    if no sentinel names a master.
    """
    tls: dict[str, Any] = {}
    if settings.required_redis_url.scheme == "rediss":
        # redis-py 5 does not check the name by default, and cannot without a certificate.
        tls["ssl_check_hostname"] = ("ssl_cert_reqs", "none") not in settings.required_redis_url.query_params()
        if settings.redis_ca_file is not None:
            tls["ssl_ca_certs"] = str(settings.redis_ca_file)
    pool: ConnectionPool = ConnectionPool.from_url(
        str(settings.required_redis_url),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        max_connections=MAX_CONNECTIONS,
        **tls,
    )
    if settings.redis_sentinels:
        return _master_pool(settings, pool)
    pool.connection_class = _TIMED[pool.connection_class]
    return pool


def _master_pool(settings: RedisSettings, pool: ConnectionPool) -> ConnectionPool:
    """The same connections to the master. TLS is for the sentinels what it is for the servers."""
    options = {name: value for name, value in pool.connection_kwargs.items() if name not in {"host", "port"}}
    tls = {name: value for name, value in options.items() if name.startswith("ssl_")}
    password = settings.redis_sentinel_password
    sentinels = Sentinels(  # type: ignore[no-untyped-call] # redis 5 has no type for it
        settings.redis_sentinel_addresses,
        sentinel_kwargs={
            "username": settings.redis_sentinel_username,
            "password": None if password is None else password.get_secret_value(),
            "socket_timeout": SENTINEL_TIMEOUT,
            "socket_connect_timeout": SENTINEL_TIMEOUT,
            "ssl": settings.required_redis_url.scheme == "rediss",
            **tls,
        },
    )
    for sentinel in sentinels.sentinels:
        sentinel.connection_pool.connection_class = _TIMED[sentinel.connection_pool.connection_class]
    return _MasterPool(  # type: ignore[no-untyped-call]
        settings.redis_sentinel_master,
        sentinels,
        connection_class=_TO_MASTER[pool.connection_class],
        max_connections=pool.max_connections,
        **options,
    )
