"""Renews the leases of a worker, and releases its jobs before their leases expire if it can't."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from jobs.concurrency import run_forever
from jobs.engine.jobs import Turn
from jobs.engine.sql.leases import Leases
from jobs.engine.worker.runner import HeldJob, Runner
from jobs.errors import DatabaseUnavailable
from jobs.settings import Settings

log = structlog.get_logger()

MARGIN = 0.8
"""The share of a lease after which a worker that could not renew it releases the job, before others take it over."""
WATCH_PAUSE = 0.1
"""Seconds between two checks of the age of the leases."""
LOCKED_PAUSE = 0.2
"""Seconds before the next renewal if the row of a job was locked in this one."""


class LeaseRenewal:
    """Renews the leases of all held jobs with one statement, which also tells which jobs are no longer the worker's.

    A separate watchdog compares the clock with the last renewal: it waits for nothing, so it is on time whatever hangs.
    """

    def __init__(self, runners: Sequence[Runner], name: str, settings: Settings) -> None:
        self._runners = runners
        self._interval = settings.heartbeat_interval
        self._limit = MARGIN * settings.lease_ttl
        self._leases = Leases(settings.database_url, name, lease=settings.lease_ttl, timeout=settings.heartbeat_timeout)
        self._expired: set[Turn] = set()
        """Jobs that the watchdog has stopped. It does so again after a failed renewal: a cancellation may be lost."""

    async def run(self) -> None:
        """Renews and watches until it is cancelled."""
        try:
            await run_forever(self._keep_renewing(), self._watch())
        finally:
            self._leases.close()

    def _held(self) -> dict[Turn, HeldJob]:
        return {turn: held for runner in self._runners for turn, held in runner.held.items()}

    async def _keep_renewing(self) -> None:
        """Renews at a fixed pace, however long PostgreSQL takes. A failed renewal is a missed one and nothing worse."""
        clock = asyncio.get_running_loop().time
        while True:
            sent_at, locked = clock(), False
            try:
                locked = await self._renew()
            except Exception as error:
                self._expired.clear()
                if isinstance(error, DatabaseUnavailable):
                    log.warning("lease_renewal_lost", reason=type(error.__cause__).__name__)
                else:
                    log.exception("lease_renewal_failed")
            await asyncio.sleep(max(0.0, sent_at + (LOCKED_PAUSE if locked else self._interval) - clock()))

    async def _renew(self) -> bool:
        """Renews once. Returns True if a row was locked, so that the next renewal should come soon."""
        sent_at = asyncio.get_running_loop().time()
        turns = list(self._held())
        if not turns:
            return False
        renewal = await self._leases.renew(turns)
        held_now = self._held()
        for turn in turns:
            held = held_now.get(turn)
            if held is None:
                continue
            if turn in renewal.renewed:
                held.renewed_at = sent_at
            elif turn not in renewal.locked:
                held.discard()
        return bool(renewal.locked)

    async def _watch(self) -> None:
        while True:
            self._release_expired(asyncio.get_running_loop().time())
            await asyncio.sleep(WATCH_PAUSE)

    def _release_expired(self, now: float) -> None:
        """Stops jobs whose leases could not be renewed before the leases end: no other worker may run them beside it.

        If the database is back before that, such a job is released without charging the attempt.
        """
        held = self._held()
        expired = {turn for turn, job in held.items() if now - job.renewed_at > self._limit}
        for turn in expired - self._expired:
            log.warning("lease_expired_locally", job_id=str(turn[0]), fence=turn[1])
            held[turn].release()
        self._expired = expired
