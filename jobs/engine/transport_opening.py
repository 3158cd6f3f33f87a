"""Opens the transport that `QUEUE` names."""

from __future__ import annotations

from jobs.database import Database
from jobs.engine.notify.transport import NotifyTransport
from jobs.engine.redis_transport import RedisTransport
from jobs.engine.transport import Transport
from jobs.settings import Settings


def open_transport(settings: Settings, database: Database) -> Transport:
    """Connects to nothing yet."""
    match settings.queue:
        case "redis":
            return RedisTransport.open(settings)
        case "postgres":
            return NotifyTransport(database)
