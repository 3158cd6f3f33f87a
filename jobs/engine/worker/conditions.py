"""Conditions: what keeps jobs waiting though none of them changes its state. They become notices for operators.

A worker checks those of its kinds of work (`Work.conditions`). Every process that checks also sees whether the kinds of the
jobs that wait have a worker, and whether a queue was paused and forgotten: gateways do, too, since without any worker
nobody else would.
"""

from __future__ import annotations

import asyncio
import shutil
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

import structlog

from jobs.breakers import Breaker, Circuit
from jobs.concurrency import cancel_and_wait
from jobs.engine.engine import Engine
from jobs.engine.fleet_control import queue_paused_key
from jobs.engine.sql.paused_queues import Pause, paused_for_long
from jobs.engine.worker.heartbeat import kinds_without_worker
from jobs.errors import HaulageError
from jobs.kinds import Kind
from jobs.notices import Notice, NoticeKind, close_silent, gather_reports, raise_notice

log = structlog.get_logger()

Condition = Callable[[], Awaitable[Notice | None]]
"""Returns the notice while the condition lasts, None otherwise."""

INTERVAL = 15.0
"""Seconds between two checks."""
PATIENCE = 60.0
"""Seconds that a condition has to last before it is raised."""
SILENCE = 60.0
"""Seconds after which a condition that nobody raises any more is closed: several intervals, since a check may fail."""
PAUSED_FOR_LONG = 600.0
"""Seconds after which jobs that wait in a paused queue are worth a notice: a pause on purpose is mostly shorter."""
MOST_FREE = 10_000_000_000
"""A file system with as many bytes free is not nearly full, whatever its size."""
LEAST_FREE = 0.1
"""Nor is one with this share free."""


class Conditions:
    """Checks the conditions of one process, and gathers what this and others have raised."""

    def __init__(
        self, engine: Engine, conditions: Collection[Condition] = (), clock: Callable[[], float] = monotonic
    ) -> None:
        self._engine = engine
        self._conditions = conditions
        self._clock = clock
        self._seen_since: dict[str, float] = {}
        """Since when each condition has been seen at every check, by the key of its notice."""
        self._checking_since: float | None = None
        """Since when every check has succeeded; None if the last one failed."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Checks while the block runs."""
        task = asyncio.create_task(self.run())
        try:
            yield
        finally:
            await cancel_and_wait(task)

    async def run(self) -> None:
        """Checks until it is cancelled."""
        while True:
            await asyncio.sleep(INTERVAL)
            try:
                await self.check()
            except HaulageError as error:
                log.warning("conditions_failed", reason=error.message)
            except Exception:
                log.exception("conditions_failed")

    async def check(self) -> None:
        """Raises the conditions that have lasted for `PATIENCE`, and closes those that nobody has raised for `SILENCE`.

        Raises `DatabaseUnavailable`. After that none is closed before all processes had the time to raise them again.
        """
        database, now = self._engine.database, self._clock()
        since, self._checking_since = self._checking_since, None
        found = {notice.key: notice for notice in await self._find()}
        self._seen_since = {key: self._seen_since.get(key, now) for key in found}
        lasting = [notice for key, notice in found.items() if now - self._seen_since[key] >= PATIENCE]
        if lasting:
            async with database.begin() as connection:
                await raise_notice(connection, *lasting)
        await gather_reports(database)
        self._checking_since = now if since is None else since
        if now - self._checking_since >= SILENCE:
            for key in await close_silent(database, SILENCE):
                log.info("notice_closed", key=key)

    async def _find(self) -> list[Notice]:
        found = [no_worker(kind) for kind in await kinds_without_worker(self._engine)]
        found += [queue_paused(pause) for pause in await paused_for_long(self._engine.database, PAUSED_FOR_LONG)]
        for condition in self._conditions:
            try:
                notice = await condition()
            except Exception:
                log.exception("condition_failed")
            else:
                found += [] if notice is None else [notice]
        return found


def no_worker(kind: Kind) -> Notice:
    """Jobs of this kind wait, and no worker that runs does them."""
    return Notice(
        kind=NoticeKind.NO_WORKER,
        key=f"{NoticeKind.NO_WORKER}:{kind}",
        message=f"Jobs of kind {kind} wait, and no running worker does this kind. Start one whose WORKER_KINDS has it.",
    )


def queue_paused(pause: Pause) -> Notice:
    """Jobs of this kind wait, since somebody has paused their queue a while ago."""
    why = "" if pause.reason is None else f" ({pause.reason})"
    return Notice(
        kind=NoticeKind.QUEUE_PAUSED,
        key=queue_paused_key(pause.kind),
        message=f"Jobs of kind {pause.kind} wait: {pause.paused_by} has paused their queue at"
        f" {pause.paused_at:%Y-%m-%d %H:%M} UTC{why}. Resume it with `haulage queues resume {pause.kind}`.",
    )


def out_of_order(breaker: Breaker, notice: Notice) -> Condition:
    """The condition that a dependency does not work: its circuit is not closed."""

    async def condition() -> Notice | None:
        return None if breaker.state is Circuit.CLOSED else notice

    return condition


def nearly_full(folder: Path) -> Condition:
    """The condition that the file system of a worker's folder for temporary files is nearly full."""

    async def condition() -> Notice | None:
        usage = await asyncio.to_thread(shutil.disk_usage, folder)
        if usage.free >= min(MOST_FREE, usage.total * LEAST_FREE):
            return None
        host = socket.gethostname()
        return Notice(
            kind=NoticeKind.DISK,
            key=f"{NoticeKind.DISK}:{host}:{folder}",
            message=f"The disk of {folder} on {host} is nearly full: {usage.free:,} of {usage.total:,} bytes are free.",
        )

    return condition
