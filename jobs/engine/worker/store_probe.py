"""Probes the store while it is unavailable, so that a worker claims jobs again as soon as it is back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from jobs.breakers import Circuit
from jobs.engine.worker.runner import Runner
from jobs.errors import HaulageError
from jobs.storage import Storage

INTERVAL = 1.0
"""Seconds between two checks of the store's circuit. The store is probed while that is half open."""


async def keep_probing(storage: Storage, runners: Sequence[Runner]) -> None:
    """Probes until it is cancelled."""
    while True:
        await asyncio.sleep(INTERVAL)
        if storage.bucket.breaker.state is Circuit.HALF_OPEN:
            with suppress(HaulageError):
                await storage.probe_write()
        for runner in runners:
            runner.room_changed()
