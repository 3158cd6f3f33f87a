"""When a worker polls with `QUEUE=postgres`: as soon as a wake-up arrives, or there is room again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from jobs.breakers import Circuit
from jobs.engine.engine import Engine
from jobs.engine.notify.listener import Listener
from jobs.engine.notify.notifications import WAKE_UPS
from jobs.engine.worker.poller import POLL_PAUSE
from jobs.engine.worker.runner import Runner

log = structlog.get_logger()


class NotifiedPolls:
    """Listens for the wake-ups of all kinds that a worker runs, on one connection."""

    def __init__(self, engine: Engine, runners: Sequence[Runner]) -> None:
        self._listener = Listener(engine.database, {WAKE_UPS: self._woken}, self._connection_changed)
        self._schedules = {one.kind.value: NotifiedSchedule(engine, one, self._listener) for one in runners}

    def schedule_of(self, runner: Runner) -> NotifiedSchedule:
        """When to poll for the jobs of the runner's kind."""
        return self._schedules[runner.kind.value]

    async def run(self) -> None:
        """Listens until it is cancelled."""
        await self._listener.run()

    def _woken(self, kind: str) -> None:
        schedule = self._schedules.get(kind)
        if schedule is not None:
            schedule.hurry()

    def _connection_changed(self) -> None:
        if self._listener.is_listening:
            log.info("wake_ups_started")
        else:
            log.warning("wake_ups_lost")
        for schedule in self._schedules.values():
            schedule.hurry()  # wake-ups may have been missed


class NotifiedSchedule:
    """The `Schedule` of one kind."""

    grace = 0.0

    def __init__(self, engine: Engine, runner: Runner, listener: Listener) -> None:
        self._engine = engine
        self._runner = runner
        self._listener = listener
        self._due = asyncio.Event()
        self._had_room = True
        runner.room_changed = self._room_changed

    def hurry(self) -> None:
        """Makes the next poll start at once."""
        self._due.set()

    async def wait(self) -> None:
        """Waits until there is a reason to poll, at most for `SWEEP_INTERVAL`; for `POLL_PAUSE` if no wake-up can arrive,
        although PostgreSQL is available."""
        is_deaf = not self._listener.is_listening and self._engine.database.breaker.state is Circuit.CLOSED
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL_PAUSE if is_deaf else self._engine.settings.sweep_interval):
                await self._due.wait()
        self._due.clear()

    def _room_changed(self) -> None:
        """A poll without room finds nothing, so one is due once there is some again."""
        had_room, self._had_room = self._had_room, bool(self._runner.room)
        if self._had_room and not had_room:
            self.hurry()
