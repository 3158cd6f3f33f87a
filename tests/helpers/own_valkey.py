"""A Valkey of a test's own, with which anything may happen."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

from app.stack.ports import free_ports
from app.stack.valkey import Valkey, url


class OwnValkey:
    """A Valkey that can be stopped, killed, hung and started again on its port."""

    def __init__(self, folder: Path) -> None:
        [self._port] = free_ports([0])
        self._folder = folder
        self.url = url(self._port, "secret")
        self._server = self._new()

    def _new(self) -> Valkey:
        return Valkey(self._folder, self._folder, port=self._port, password="secret", durable=False)

    async def start(self) -> None:
        self._server = self._new()
        await asyncio.to_thread(self._server.start)

    async def stop(self) -> None:
        await asyncio.to_thread(self._server.stop)

    def signal(self, number: signal.Signals) -> None:
        assert self._server.pid is not None
        os.kill(self._server.pid, number)

    async def fall(self, how: str) -> None:
        if how == "hung":
            self.signal(signal.SIGSTOP)
            return
        if how == "killed":
            self.signal(signal.SIGKILL)
        await self.stop()

    async def rise(self, how: str) -> None:
        if how == "hung":
            self.signal(signal.SIGCONT)
        else:
            await self.start()
