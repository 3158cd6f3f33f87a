"""What PostgreSQL knows of the whole installation, for the metrics of any process: jobs, workers, notices."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

from jobs.database import Database
from jobs.engine.fair_share import FIRST_BATCH_PLACE
from jobs.engine.jobs import Status
from jobs.engine.sql.paused_queues import IS_PAUSED
from jobs.engine.sql.tables import DEAD
from jobs.errors import DatabaseUnavailable
from jobs.kinds import Kind
from jobs.metrics import JOBS, NOTICES, QUEUE_OLDEST, WORKERS
from jobs.notices import NoticeKind

MAX_AGE = 5.0
"""Seconds for which what was read is used again."""
PATIENCE = 2.0
"""Seconds after which a database that does not respond is left out of the metrics."""
_LIVE = (Status.RECEIVING, Status.QUEUED, Status.RETRYING, Status.PROCESSING)
"""The statuses of jobs that have not ended. How many have ended is counted where they end."""


class FleetGauges:
    """Sets the gauges of the whole installation. They have no value while the database does not respond."""

    def __init__(self, database: Database, lease_ttl: float, clock: Callable[[], float] = monotonic) -> None:
        """`lease_ttl`: seconds after its last heartbeat for which a worker counts as running."""
        self._database = database
        self._lease_ttl = lease_ttl
        self._clock = clock
        self._read_at = float("-inf")
        self._reading = asyncio.Lock()

    async def refresh(self) -> None:
        """Reads all of it with one query, unless that was done in the last `MAX_AGE` seconds. Raises nothing."""
        async with self._reading:
            if self._clock() - self._read_at < MAX_AGE:
                return
            for gauges in (JOBS, QUEUE_OLDEST, WORKERS, NOTICES):
                gauges.clear()
            with suppress(DatabaseUnavailable, TimeoutError):
                async with asyncio.timeout(PATIENCE):
                    rows = await self._database.fetch(_FLEET, self._lease_ttl)
                for name, values in _ZEROS.items():
                    for value in values:
                        _GAUGES[name].labels(value).set(0)
                for row in rows:
                    _GAUGES[row["name"]].labels(row["label"]).set(row["value"])
            self._read_at = self._clock()


_GAUGES = {"jobs": JOBS, "oldest": QUEUE_OLDEST, "workers": WORKERS, "notices": NOTICES}
_ZEROS: dict[str, tuple[str, ...]] = {
    "jobs": (*_LIVE, "dead"),
    "oldest": tuple(Kind),
    "workers": tuple(Kind),
    "notices": tuple(NoticeKind),
}
"""The labels of what has no rows."""

_FLEET = f"""
    SELECT 'jobs' AS name, 'receiving' AS label, count(*)::float8 AS value FROM jobs WHERE status = 'receiving'
    UNION ALL
    SELECT 'jobs', 'processing', count(*) FROM jobs WHERE status = 'processing'
    UNION ALL
    SELECT 'jobs', status, count(*) FROM jobs WHERE status IN ('queued', 'retrying') GROUP BY status
    UNION ALL
    SELECT 'jobs', 'dead', count(*) FROM jobs WHERE {DEAD}
    UNION ALL
    SELECT 'oldest', kind, greatest(0, extract(epoch FROM statement_timestamp() - min(due_at)))
    FROM jobs
    WHERE status IN ('queued', 'retrying') AND queued_at < '{FIRST_BATCH_PLACE.isoformat()}' AND NOT {IS_PAUSED}
    GROUP BY kind
    UNION ALL
    SELECT 'workers', kind, count(*) FROM workers, unnest(kinds) AS kind
    WHERE seen_at > statement_timestamp() - make_interval(secs => $1) GROUP BY kind
    UNION ALL
    SELECT 'notices', kind, count(*) FROM notices WHERE closed_at IS NULL AND acknowledged_at IS NULL GROUP BY kind
"""  # noqa: S608 - ours
"""Each part has a partial index, of jobs that have not ended or are dead, or reads a small table."""
