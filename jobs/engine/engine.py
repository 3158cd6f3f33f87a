"""What the engine works with in one process."""

from __future__ import annotations

from dataclasses import dataclass

from jobs.breakers import Circuit
from jobs.database import Database
from jobs.engine.bulk_runs import BulkRuns
from jobs.engine.fleet_control import FleetControl
from jobs.engine.jobs import Job
from jobs.engine.lifecycle import Lifecycle
from jobs.engine.sql.snapshots import Snapshots
from jobs.engine.transport import Feed, Queue, Transport
from jobs.settings import Settings
from jobs.storage import Storage
from jobs.tracing.spans import Tracer


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Open clients of PostgreSQL, the store and what `QUEUE` names, and what is built on them for jobs of any kind."""

    settings: Settings
    database: Database
    transport: Transport
    storage: Storage
    lifecycle: Lifecycle
    bulk: BulkRuns
    fleet: FleetControl
    snapshots: Snapshots[Job]
    tracer: Tracer

    @property
    def feed(self) -> Feed:
        """Sends live events to gateways."""
        return self.transport.feed

    @property
    def queue(self) -> Queue:
        """Sends wake-ups to workers."""
        return self.transport.queue

    @property
    def circuits(self) -> dict[str, Circuit]:
        """The circuit of each dependency, as this process sees it."""
        return {
            "database": self.database.breaker.state,
            "storage": self.storage.bucket.breaker.state,
            **self.transport.circuits,
        }
