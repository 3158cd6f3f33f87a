"""What operators do to the fleet: pause and resume queues, drain workers. Each is one transaction with its audit entry."""

from __future__ import annotations

from dataclasses import replace

import structlog

from jobs.access.audit import Action, record_within
from jobs.database import Database
from jobs.engine.sql.paused_queues import Pause, list_paused, pause_queue, resume_queue
from jobs.engine.sql.workers import set_draining
from jobs.errors import WorkerNotFound
from jobs.kinds import Kind
from jobs.notices import NoticeKind, close_condition

log = structlog.get_logger()


def queue_paused_key(kind: Kind) -> str:
    """The key of the notice that jobs wait in a paused queue."""
    return f"{NoticeKind.QUEUE_PAUSED}:{kind}"


class FleetControl:
    """Every method raises `DatabaseUnavailable` if the database is unavailable: then nothing has changed.

    `audit` is the entry that is recorded with what it says; None in `AUTH_MODE=open`.
    """

    def __init__(self, database: Database, lease_ttl: float) -> None:
        self._database = database
        self._lease_ttl = lease_ttl

    async def paused(self) -> dict[Kind, Pause]:
        """The queues that are paused."""
        return await list_paused(self._database)

    async def pause(self, kind: Kind, user: str, reason: str | None, audit: Action | None) -> Pause:
        """Pauses a queue. When it returns, no job of the kind is claimed until it is resumed; those that run go on.

        One that is paused already keeps who has paused it, when and why.
        """
        async with self._database.begin() as connection:
            pause = await pause_queue(connection, kind, user, reason)
            if audit is not None:
                subject = kind if reason is None else f"{kind}: {reason}"
                await record_within(connection, replace(audit, subject=subject))
        log.warning("queue_stopped", kind=kind, user=user, reason=reason)
        return pause

    async def resume(self, kind: Kind, audit: Action | None) -> None:
        """Resumes a queue; one that is not paused stays as it is. Workers claim from it within `HEARTBEAT_INTERVAL`."""
        async with self._database.begin() as connection:
            await resume_queue(connection, kind)
            await close_condition(connection, queue_paused_key(kind))
            if audit is not None:
                await record_within(connection, replace(audit, subject=kind))
        log.info("queue_started", kind=kind)

    async def drain(self, name: str, audit: Action | None, *, draining: bool) -> None:
        """Lets a worker drain, or go on. It learns of it with its next heartbeat. Raises `WorkerNotFound`."""
        async with self._database.begin() as connection:
            if not await set_draining(connection, name, self._lease_ttl, draining=draining):
                raise WorkerNotFound(f"There is no worker {name} that runs.")
            if audit is not None:
                await record_within(connection, replace(audit, subject=name))
