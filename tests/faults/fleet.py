"""Gateways and workers as processes of their own, any number of each, all of which are ended after the test."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any
from uuid import UUID

from app.stack.ports import free_ports
from jobs.settings import Settings
from tests.faults.members import ROOT, Member, start
from tests.helpers.settings import with_changes

PLAIN = ("app.cli",)
PROBED = ("tests.faults.entry",)
"""The same with what `tests.faults.entry` adds, named in `--with`."""


class Fleet:
    """Starts processes with the settings of the test, which lead them through its proxies."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self._settings = settings
        self._folder = folder
        self.members: list[Member] = []
        self.workers: list[Member] = []

    async def worker(self, *extras: str, root: Path = ROOT, **changes: Any) -> Member:
        """A worker that is ready; `extras` are names of `tests.faults.entry`, `root` is the folder of its code."""
        worker = await self._start("worker", extras, with_changes(self._settings, **changes), root)
        self.workers.append(worker)
        await worker.logged("worker_started")
        return worker

    async def gateway(
        self, *extras: str, port: int | None = None, root: Path = ROOT, **changes: Any
    ) -> tuple[Member, str]:
        """A gateway that listens, on a free port unless it is named, and its URL."""
        port = port or free_ports([0])[0]
        gateway = await self._start("serve", extras, with_changes(self._settings, port=port, **changes), root)
        await gateway.logged("gateway_started")
        return gateway, f"http://127.0.0.1:{port}"

    async def holder(self, job_id: UUID) -> Member:
        """The worker that starts an attempt at the job first."""
        waits = {asyncio.create_task(it.logged("attempt_started", job_id=str(job_id))): it for it in self.running()}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[done.pop()]
        finally:
            for task in waits:
                task.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def running(self) -> list[Member]:
        """The workers that have not ended."""
        return [it for it in self.workers if it.alive]

    async def close(self) -> None:
        """Ends all processes: with SIGTERM, then with SIGKILL."""
        alive = [it for it in self.members if it.alive]
        for member in alive:
            member.resume()
            member.signal(signal.SIGTERM)
        await asyncio.gather(*(_ended(it) for it in alive))

    async def _start(self, part: str, extras: tuple[str, ...], settings: Settings, root: Path) -> Member:
        name = f"{part}-{len(self.members) + 1}"
        entry = (*PROBED, "--with", ",".join(extras)) if extras else PLAIN
        member = await start(settings, self._folder / f"{name}.log", name, *entry, part, root=root)
        self.members.append(member)
        return member


async def _ended(member: Member) -> None:
    try:
        await asyncio.wait_for(member.process.wait(), 35)
    except TimeoutError:
        await member.kill()
    await member.wait_ended()
