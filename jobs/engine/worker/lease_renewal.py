"""Keeps a worker's leases alive, and gives its jobs up before their leases end when it can't."""

from __future__ import annotations

import asyncio

import structlog

from jobs.concurrency import keep_running
from jobs.engine.sql.leases import Leases
from jobs.engine.worker.runner import Runner, Turn
from jobs.errors import DatabaseUnavailable
from jobs.settings import Settings

log = structlog.get_logger()

MARGIN = 0.8
"""The share of a lease after which a worker that heard nothing gives its jobs up, before others take them."""
WATCH_PAUSE = 0.1
"""Seconds between two looks at how old the leases are."""
LOCKED_PAUSE = 0.2
"""Seconds before another beat when a job's row was locked in this one."""


class LeaseRenewal:
    """Renews the leases of all held jobs with one statement, and learns from it which are no longer the worker's.

    A watch of its own compares the clock with the last good beat: it waits for nothing, so it is on time whatever hangs.
    """

    def __init__(self, runner: Runner, name: str, settings: Settings) -> None:
        self._runner = runner
        self._interval = settings.heartbeat_interval
        self._limit = MARGIN * settings.lease_ttl
        self._leases = Leases(settings.database_url, name, lease=settings.lease_ttl, timeout=settings.heartbeat_timeout)
        self._late: set[Turn] = set()
        """Jobs that the watch has stopped: again after the next failed beat, since a cancellation may get lost."""

    async def run(self) -> None:
        """Beats and watches until it is cancelled."""
        try:
            await keep_running(self._keep_beating(), self._watch())
        finally:
            self._leases.close()

    async def _keep_beating(self) -> None:
        """The beats are sent at a fixed pace, however long the answers take."""
        clock = asyncio.get_running_loop().time
        while True:
            sent = clock()
            pause = LOCKED_PAUSE if await self._try() else self._interval
            await asyncio.sleep(max(0.0, sent + pause - clock()))

    async def _try(self) -> bool:
        """Beats once; True when it is to be done again soon. Whatever goes wrong is a missed beat and nothing worse."""
        try:
            return await self._beat()
        except DatabaseUnavailable as error:
            log.warning("heartbeat_failed", reason=type(error.__cause__).__name__)
        except Exception:
            log.exception("heartbeat_broke")
        self._late.clear()
        return False

    async def _beat(self) -> bool:
        sent = asyncio.get_running_loop().time()
        turns = list(self._runner.held)
        if not turns:
            return False
        renewal = await self._leases.renew(turns)
        for turn in turns:
            held = self._runner.held.get(turn)
            if held is None:
                continue
            if turn in renewal.renewed:
                held.renewed = sent
            elif turn not in renewal.locked:
                self._runner.drop(held)
        return bool(renewal.locked)

    async def _watch(self) -> None:
        while True:
            self._give_up_late(asyncio.get_running_loop().time())
            await asyncio.sleep(WATCH_PAUSE)

    def _give_up_late(self, now: float) -> None:
        """A worker that can't renew a lease stops before the lease ends: nobody else may run the job beside it.

        If the database is back before that, the job is given back, and nobody is charged.
        """
        late = {turn for turn, held in self._runner.held.items() if now - held.renewed > self._limit}
        for turn in late - self._late:
            log.warning("lease_late", job_id=str(turn[0]), fence=turn[1])
            self._runner.give_back(self._runner.held[turn])
        self._late = late
