"""Publishes the events of jobs by NOTIFY, and keeps the latest ones that were received."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from jobs.database import Database
from jobs.engine.events import Event
from jobs.engine.live.send_buffer import SendBuffer
from jobs.engine.notify.notifications import ANNOUNCEMENTS, EVENTS, MAX_PAYLOAD, notify
from jobs.errors import DatabaseUnavailable

KEPT_JOBS = 2048
"""Jobs whose latest event is kept, at most 8 kB each."""


class LatestEvents:
    """The latest event of each job, as this process has received them. Only a process that listens has any."""

    def __init__(self) -> None:
        self.is_complete = False
        """Whether events arrive. What was kept before they did not is forgotten."""
        self._kept: dict[str, str] = {}

    def start(self) -> None:
        """Events arrive from now on."""
        self.is_complete = True

    def stop(self) -> None:
        """Events may be lost from now on."""
        self.is_complete = False
        self._kept.clear()

    def keep(self, job_id: str, body: str) -> None:
        """Keeps an event, in JSON; an empty one was too large to be sent."""
        self._kept.pop(job_id, None)
        if not body:
            return
        self._kept[job_id] = body
        if len(self._kept) > KEPT_JOBS:
            del self._kept[next(iter(self._kept))]

    def of(self, job_ids: Sequence[UUID]) -> dict[UUID, bytes]:
        """The latest events of those jobs that have one, in JSON."""
        return {job_id: body.encode() for job_id in job_ids if (body := self._kept.get(str(job_id)))}


class NotifyFeed:
    """See `jobs.engine.transport.Feed`."""

    def __init__(self, database: Database, latest: LatestEvents) -> None:
        self._database = database
        self._latest = latest
        self._send_buffer: SendBuffer[str] = SendBuffer("feed", self._send, breaker=None)

    async def close(self) -> None:
        """Sends the events that are waiting, for a second at most."""
        await self._send_buffer.close()

    async def publish(self, event: Event) -> None:
        """Publishes the event without waiting.

        If it is too large for a notification, only the id of the job is sent, which gateways read. An event that
        PostgreSQL does not have is discarded then: the next batch, within a second, has its changes.
        """
        payload = f"{event.job_id} {event.model_dump_json()}"
        size = len(payload.encode())
        if size <= MAX_PAYLOAD:
            self._send_buffer.put(payload, size)
        elif event.tick == 0:
            self._send_buffer.put(str(event.job_id), len(str(event.job_id)))

    async def announce(self) -> None:
        """Makes all gateways read at once what they read within two seconds anyway."""
        try:
            await notify(self._database, ANNOUNCEMENTS, [""])
        except DatabaseUnavailable:
            return

    async def latest(self, job_ids: Sequence[UUID]) -> dict[UUID, bytes] | None:
        """The latest events that were received; None while none are."""
        return self._latest.of(job_ids) if self._latest.is_complete else None

    async def flush(self) -> None:
        """Waits until all events have been sent or lost: a second at most."""
        await self._send_buffer.flush()

    async def _send(self, payloads: Sequence[str]) -> None:
        await notify(self._database, EVENTS, payloads)
