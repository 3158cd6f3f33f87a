"""Claims due jobs straight from PostgreSQL, as often as a schedule says, which knows how wake-ups arrive."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Protocol

import structlog

from jobs.engine.engine import Engine
from jobs.engine.fair_share import is_batch
from jobs.engine.jobs import Overdue
from jobs.engine.sql.sweeps import find_overdue
from jobs.engine.worker.runner import Runner
from jobs.errors import DatabaseUnavailable

log = structlog.get_logger()

POLL_PAUSE = 0.25
"""Seconds between two polls while no wake-up can arrive."""
SPREAD = 4
"""Jobs that are read for each one that is claimed, so that idle workers do not all try the same one."""


class Schedule(Protocol):
    """When to poll."""

    @property
    def grace(self) -> float:
        """Seconds for which a job must have been due: until then, its wake-up may still be on its way."""

    async def wait(self) -> None:
        """Returns when it is time for the next poll."""


class Poller:
    """Polls for due jobs of one kind."""

    def __init__(self, engine: Engine, runner: Runner, schedule: Schedule) -> None:
        self._engine = engine
        self._runner = runner
        self._random = Random()  # noqa: S311 - it spreads work
        self._schedule = schedule

    async def run(self) -> None:
        """Polls until it is cancelled."""
        while True:
            more = False
            try:
                more = await self._poll(self._schedule.grace)
            except DatabaseUnavailable as error:
                log.warning("poll_lost", reason=error.message)
            except Exception:
                log.exception("poll_failed")
            if not more:
                await self._schedule.wait()

    async def _poll(self, grace: float) -> bool:
        """Claims as many jobs as there is room for. Returns True if there may be more that others have not claimed."""
        room = self._runner.room
        if not room:
            return False
        found = await self._find_due(grace, SPREAD * room)
        due = [it for it in found if not is_batch(it.queued_at)] or list(found)
        self._random.shuffle(due)
        for job_id, fence, _ in due:
            if not self._runner.room:
                return False
            await self._runner.claim(job_id, fence)
        return len(found) == SPREAD * room or len(due) < len(found)

    async def _find_due(self, grace: float, limit: int) -> Sequence[Overdue]:
        """Jobs that were due more than `grace` seconds ago; no batch jobs alone while another one has just become due."""
        database, kind = self._engine.database, self._runner.kind
        found = await find_overdue(database, kind, grace, limit)
        if not found or not is_batch(found[0].queued_at):
            return found
        first = await find_overdue(database, kind, 0, 1)
        return found if first and is_batch(first[0].queued_at) else []
