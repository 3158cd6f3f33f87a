"""Sends wake-ups by NOTIFY: the kind of which a job is due. Workers then poll PostgreSQL, which has the order."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from jobs.database import Database
from jobs.engine.jobs import Overdue
from jobs.engine.notify.notifications import WAKE_UPS, notify
from jobs.engine.wakeups.wake_up_buffer import WakeUp, WakeUpBuffer
from jobs.kinds import Kind


class NotifyQueue:
    """See `jobs.engine.transport.Queue`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._buffer = WakeUpBuffer(self._send, breaker=None)

    async def close(self) -> None:
        """Sends the wake-ups that are due and waiting, for a second at most."""
        await self._buffer.close()

    async def enqueue(self, kind: Kind, job_id: UUID, fence: int, place: int, delay: float = 0) -> None:
        """Sends a wake-up in `delay` seconds, without waiting for that."""
        self._buffer.put(WakeUp(kind, job_id, fence, place), delay)

    async def enqueue_missing(self, kind: Kind, overdue: Sequence[Overdue]) -> bool:
        """Sends nothing: workers poll for jobs that wait, whether or not there was a wake-up."""
        del kind, overdue
        return True

    async def has_consumer(self) -> bool:
        """Returns False: that a worker is running is known by its heartbeat only."""
        return False

    async def flush(self) -> None:
        """Waits until all wake-ups that are due have been sent or lost: a second at most."""
        await self._buffer.flush()

    async def _send(self, wake_ups: Sequence[WakeUp]) -> None:
        await notify(self._database, WAKE_UPS, sorted({it.kind.value for it in wake_ups}))
