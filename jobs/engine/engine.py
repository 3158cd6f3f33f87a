"""What the engine works with in one process."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.breakers import Circuit
from jobs.database import Database
from jobs.engine.bulk_runs import BulkRuns
from jobs.engine.fleet_control import FleetControl
from jobs.engine.jobs import Job
from jobs.engine.lifecycle import Lifecycle
from jobs.engine.live.feed import Feed
from jobs.engine.sql.snapshots import Snapshots
from jobs.engine.wakeups.probe import probe_redis
from jobs.engine.wakeups.queue import Queue
from jobs.settings import Settings
from jobs.storage import Storage
from jobs.tracing.spans import Tracer


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Open clients of PostgreSQL, Redis and the store, and what is built on them for jobs of any kind."""

    settings: Settings
    database: Database
    feed: Feed
    queue: Queue
    storage: Storage
    lifecycle: Lifecycle
    bulk: BulkRuns
    fleet: FleetControl
    snapshots: Snapshots[Job]
    tracer: Tracer

    async def probe_redis(self) -> None:
        """Raises `RedisUnavailable` unless Redis does what wake-ups and live events need."""
        await probe_redis(self.feed)

    @property
    def circuits(self) -> dict[str, Circuit]:
        """The circuit of each dependency, as this process sees it."""
        return {
            "database": self.database.breaker.state,
            "storage": self.storage.bucket.breaker.state,
            "redis": self.feed.breaker.state,
        }
