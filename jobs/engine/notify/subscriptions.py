"""What a gateway receives by LISTEN: the events of all jobs, of which it passes on those of the jobs that it follows."""

from __future__ import annotations

from uuid import UUID

import structlog
from pydantic import ValidationError

from jobs.database import Database
from jobs.engine.events import Event
from jobs.engine.notify.feed import LatestEvents
from jobs.engine.notify.listener import Listener
from jobs.engine.notify.notifications import ANNOUNCEMENTS, EVENTS
from jobs.engine.transport import Announced, Changed, Outdated, Receive

log = structlog.get_logger()


class NotifySubscriptions:
    """See `jobs.engine.transport.Subscriptions`."""

    def __init__(
        self,
        database: Database,
        latest: LatestEvents,
        receive: Receive,
        changed: Changed,
        announced: Announced,
        outdated: Outdated,
    ) -> None:
        self._latest = latest
        self._receive = receive
        self._changed = changed
        self._outdated = outdated
        self._tokens: dict[str, object] = {}
        """The jobs that are followed, with their tokens. There are new ones once messages may have been lost."""
        self._listener = Listener(
            database, {EVENTS: self._received, ANNOUNCEMENTS: lambda _: announced()}, self._connection_changed
        )

    @property
    def connected(self) -> bool:
        return self._listener.is_listening

    def subscribe(self, job_id: UUID) -> None:
        self._tokens[str(job_id)] = object()

    def unsubscribe(self, job_id: UUID) -> None:
        self._tokens.pop(str(job_id), None)

    def token(self, job_id: UUID) -> object | None:
        return self._tokens.get(str(job_id)) if self.connected else None

    async def acknowledged(self, job_id: UUID, patience: float) -> None:
        """Returns at once: what is received is the same whichever jobs are followed."""
        del job_id, patience

    async def run(self) -> None:
        """Receives until it is cancelled."""
        try:
            await self._listener.run()
        finally:
            self._latest.stop()

    def _connection_changed(self) -> None:
        if self.connected:
            self._latest.start()
        else:
            self._latest.stop()
            self._tokens = {job_id: object() for job_id in self._tokens}
        self._changed()

    def _received(self, payload: str) -> None:
        job_id, _, body = payload.partition(" ")
        self._latest.keep(job_id, body)
        if job_id not in self._tokens:
            return
        if not body:
            self._outdated(UUID(job_id))
            return
        try:
            event = Event.model_validate_json(body)
        except ValidationError:
            log.warning("message_unreadable", channel=EVENTS, start=payload[:200])
            return
        self._receive(event, body.encode())
