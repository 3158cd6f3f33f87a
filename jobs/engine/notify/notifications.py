"""The channels of PostgreSQL that processes notify each other on, each within its database."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.database import Database

EVENTS = "haulage_events"
"""The live events of all jobs: the job's id, a space, and the event in JSON; the id alone if that is too large."""
ANNOUNCEMENTS = "haulage_announcements"
"""Something was written to PostgreSQL that every gateway is to read at once. The payload has no meaning."""
WAKE_UPS = "haulage_wake_ups"
"""Jobs of a kind are due. The payload is the kind."""

MAX_PAYLOAD = 7999
"""Most bytes of a payload: PostgreSQL refuses 8,000 (NOTIFY in its manual)."""


async def notify(database: Database, channel: str, payloads: Sequence[str]) -> None:
    """Sends notifications in this order, in a transaction of their own. Raises `DatabaseUnavailable`.

    Its commit takes a lock of the whole server. So no transaction of a job notifies, and many messages are sent at once.
    """
    await database.fetch(_NOTIFY, channel, payloads)


_NOTIFY = "SELECT count(pg_notify($1, payload)) FROM unnest($2::text[]) AS payload"
