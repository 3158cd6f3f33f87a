"""PostgreSQL and Valkey of the faults' own: they are killed and started again, on the same ports with the same data."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import asyncpg
from redis import Redis

from app.stack import postgres, seaweedfs, valkey
from app.stack.ports import free_ports
from app.stack.postgres import Postgres
from app.stack.processes import Server
from app.stack.seaweedfs import SeaweedFS
from app.stack.valkey import Valkey
from jobs.database import Database
from jobs.migrate import migrate

PASSWORD = "secret"
TEMPLATE = "template_faults"


class Restartable:
    """A server that can be killed and restarted. `make` returns a new one with the same data and port."""

    def __init__(self, make: Callable[[], Server]) -> None:
        self._make = make
        self._server = make()

    def start(self) -> None:
        self._server = self._make()
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    @property
    def pid(self) -> int:
        assert self._server.pid is not None
        return self._server.pid

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Sends the signal, and waits until the server has ended."""
        os.kill(self.pid, number)
        await asyncio.to_thread(self._server.stop)

    async def restart(self) -> None:
        await asyncio.to_thread(self.start)


def store(folder: Path) -> tuple[Restartable, dict[str, str]]:
    """A SeaweedFS that can be killed as well, and the environment to reach it."""
    numbers = free_ports(seaweedfs.PORTS.values())
    ports = dict(zip(seaweedfs.PORTS, numbers, strict=True))
    data, logs = folder / "store", folder / "logs"
    for each in (data, logs):
        each.mkdir()
    server = Restartable(lambda: SeaweedFS(data, logs, ports=ports, keys=(PASSWORD, PASSWORD), bucket="faults"))
    environment = {"S3_ENDPOINT": seaweedfs.endpoint(ports["s3.port"])}
    return server, environment | {"S3_ACCESS_KEY_ID": PASSWORD, "S3_SECRET_ACCESS_KEY": PASSWORD}


class Servers:
    """Durable: whatever PostgreSQL has committed outlives its crash. Valkey keeps nothing, as after a loss of its disk."""

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[Self]:
        """Servers of their own in this folder, which run as long as the block."""
        servers = cls(folder)
        try:
            servers.start()
            yield servers
        finally:
            servers.stop()

    def __init__(self, folder: Path) -> None:
        ports = free_ports([0, 0])
        logs = folder / "logs"
        for name in ("postgres", "valkey", "logs"):
            (folder / name).mkdir(mode=0o700)
        folder.chmod(0o711)  # PostgreSQL may run as another user
        self.redis_url = valkey.url(ports[1], PASSWORD)
        self._url = postgres.url(ports[0], PASSWORD)
        self.postgres = Restartable(
            lambda: Postgres(folder / "postgres", logs, port=ports[0], password=PASSWORD, durable=True)
        )
        self.valkey = Restartable(
            lambda: Valkey(folder / "valkey", logs, port=ports[1], password=PASSWORD, durable=False)
        )

    def start(self) -> None:
        """Starts both, and makes a migrated database to clone."""
        self.postgres.start()
        self.valkey.start()
        asyncio.run(self._make_template())

    def stop(self) -> None:
        self.valkey.stop()
        self.postgres.stop()

    async def execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def database_url(self, name: str) -> str:
        return self._url.rpartition("/")[0] + "/" + name

    def flush(self) -> None:
        """Deletes everything in Redis."""
        with Redis.from_url(self.redis_url) as client:
            client.flushall()

    async def _make_template(self) -> None:
        await self.execute(f"CREATE DATABASE {TEMPLATE}")
        database = Database.open(self.database_url(TEMPLATE), pool_size=2, timeout=10)
        await migrate(database)
        await database.close()
