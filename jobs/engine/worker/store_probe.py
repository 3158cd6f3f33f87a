"""Probes the store and other dependencies while they are unavailable, so that jobs are claimed as soon as they are back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from jobs.breakers import Circuit
from jobs.concurrency import run_forever
from jobs.engine.worker.runner import Runner
from jobs.engine.worker.work import Dependency
from jobs.errors import HaulageError
from jobs.storage import Storage

INTERVAL = 1.0
"""Seconds between two checks of a circuit. Its dependency is probed while that is half open."""


async def keep_probing(storage: Storage, runners: Sequence[Runner]) -> None:
    """Probes until it is cancelled, each dependency by itself: one that hangs does not delay the others."""
    store = Dependency(storage.bucket.breaker, storage.probe_write)
    others = [needed for runner in runners for needed in runner.dependencies]
    await run_forever(*(_keep_probing(needed, runners) for needed in [store, *others]))


async def _keep_probing(needed: Dependency, runners: Sequence[Runner]) -> None:
    while True:
        await asyncio.sleep(INTERVAL)
        if needed.breaker.state is Circuit.HALF_OPEN:
            with suppress(HaulageError):
                await needed.probe()
        for runner in runners:
            runner.room_changed()
