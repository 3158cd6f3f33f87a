"""Keeps a worker's leases alive, on a connection of its own, so that a busy pool can't delay it."""

from __future__ import annotations

import asyncio

import structlog

from jobs.domain.errors import DatabaseUnavailable
from jobs.settings import Settings
from jobs.store.database import Database
from jobs.store.jobs import renew_leases
from jobs.worker.runner import Runner

log = structlog.get_logger()

MARGIN = 0.8
"""The share of a lease after which a worker that heard nothing gives its jobs up, before others take them."""


class Heartbeat:
    """Renews the leases of all held jobs with one statement, and learns from it which are no longer the worker's."""

    def __init__(self, runner: Runner, name: str, settings: Settings) -> None:
        self._runner = runner
        self._name = name
        self._settings = settings

    async def run(self) -> None:
        """Beats until it is cancelled."""
        settings = self._settings
        database = Database.open(settings.database_url, pool_size=1, timeout=settings.heartbeat_timeout)
        try:
            while True:
                await self._beat(database)
                await asyncio.sleep(settings.heartbeat_interval)
        finally:
            await database.close()

    async def _beat(self, database: Database) -> None:
        clock = asyncio.get_running_loop().time
        sent = clock()
        turns = list(self._runner.held)
        if not turns:
            return
        try:
            async with asyncio.timeout(self._settings.heartbeat_timeout), database.begin() as connection:
                kept = await renew_leases(connection, self._name, turns, self._settings.lease_ttl)
        except (DatabaseUnavailable, TimeoutError) as error:
            log.warning("heartbeat_failed", reason=type(error).__name__)
            self._give_up_late(clock())
            return
        for turn in turns:
            held = self._runner.held.get(turn)
            if held is None:
                continue
            if turn in kept:
                held.renewed = sent
            else:
                self._runner.drop(held)

    def _give_up_late(self, now: float) -> None:
        """A worker that can't renew a lease stops before the lease ends: nobody else may run the job beside it."""
        for held in list(self._runner.held.values()):
            if now - held.renewed > MARGIN * self._settings.lease_ttl:
                self._runner.drop(held)
