"""What a worker does while something that its jobs need is unavailable."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.concurrency import cancel_and_wait
from jobs.engine.worker import store_probe
from jobs.engine.worker.runner import Runner
from jobs.engine.worker.store_probe import keep_probing
from jobs.engine.worker.work import Dependency
from jobs.errors import ScannerUnavailable
from jobs.kinds import Kind
from jobs.services import Services
from jobs.settings import ScanSettings
from jobs.uploads.scanning import Scanner
from jobs.work import works_of
from tests.helpers.clamd import running_clamd
from tests.helpers.eventually import PATIENCE


async def test_no_job_is_claimed_while_what_it_needs_is_unavailable(
    services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_probe, "INTERVAL", 0.1)
    scanner = Scanner(f"unix://{tmp_path}/clamd.sock", ScanSettings())
    work = works_of(services)[Kind.DOWNLOAD]
    needing = replace(work, dependencies=(Dependency(scanner.breaker, scanner.test),))
    runner, other = Runner(services, needing, "w"), Runner(services, work, "w")
    assert runner.room == work.concurrency
    for _ in range(5):
        with pytest.raises(ScannerUnavailable):
            await scanner.test()
    assert (runner.room, other.room) == (0, work.concurrency)
    has_room = asyncio.Event()
    runner.room_changed = lambda: has_room.set() if runner.room else None
    probing = asyncio.create_task(keep_probing(services.storage, [runner, other]))
    try:
        with running_clamd(tmp_path):
            async with asyncio.timeout(PATIENCE):
                await has_room.wait()
    finally:
        await cancel_and_wait(probing)
    assert runner.room == work.concurrency
