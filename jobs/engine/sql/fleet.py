"""Figures about all jobs and processes, for operators. Each statement reads an index or two, and no more than it says.

None scans the table of jobs: how many have been completed in all is nobody's question, and costs what all jobs cost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.database import Database
from jobs.engine.jobs import ENDED, Status
from jobs.engine.sql.rows import json_of
from jobs.engine.sql.tables import VISIBLE
from jobs.engine.sql.workers import STALE
from jobs.kinds import Kind
from jobs.schema import quoted

COUNTED = 100_000
"""Waiting jobs of one kind and status that are counted; more count as these."""
RUNNING = 2_000
"""Running jobs that are read at once."""


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """The unended jobs of one kind. `oldest`: seconds for which the waiting job that is due for longest has been due."""

    kind: Kind
    by_status: Mapping[Status, int]
    oldest: float | None


async def count_queues(database: Database) -> list[QueueCounts]:
    """The unended jobs of each kind, in the order of kinds. Raises `DatabaseUnavailable`."""
    rows = await database.fetch(_QUEUES, list(Kind), COUNTED)
    return [
        QueueCounts(
            Kind(row["kind"]),
            {status: row[status] for status in Status if status not in ENDED},
            None if row["oldest"] is None else float(max(0, row["oldest"])),
        )
        for row in rows
    ]


def _count(status: Status) -> str:
    return f"""
        (SELECT count(*) FROM (
            SELECT FROM jobs WHERE jobs.kind = known.kind AND status = '{status}' AND {VISIBLE} LIMIT $2
        ) AS counted) AS {status}
    """  # noqa: S608 - ours


_QUEUES = f"""
    SELECT kind, {", ".join(_count(status) for status in Status if status not in ENDED)},
        (
            SELECT extract(epoch FROM statement_timestamp() - min(due_at)) FROM jobs
            WHERE jobs.kind = known.kind AND status IN ('queued', 'retrying')
        ) AS oldest
    FROM unnest($1::text[]) WITH ORDINALITY AS known (kind, place) ORDER BY place
"""  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class Minute:
    """What happened in the minute that began at `at`."""

    at: datetime
    created: int
    completed: int
    failed: int
    uploads: int


async def count_minutes(database: Database) -> list[Minute]:
    """The last 60 minutes, the oldest first; the last one is still going on. Raises `DatabaseUnavailable`."""
    return [Minute(**row) for row in await database.fetch(_MINUTES, list(Kind), list(Status))]


_MINUTES = f"""
    WITH minutes AS (
        SELECT at FROM generate_series(
            date_trunc('minute', statement_timestamp()) - interval '59 minutes',
            date_trunc('minute', statement_timestamp()), interval '1 minute'
        ) AS at
    ), created AS (
        SELECT date_trunc('minute', created_at) AS at, count(*) AS jobs FROM jobs
        WHERE kind = ANY ($1::text[]) AND status = ANY ($2::text[]) AND {VISIBLE}
            AND created_at >= date_trunc('minute', statement_timestamp()) - interval '59 minutes'
        GROUP BY 1
    ), ended AS (
        SELECT date_trunc('minute', finished_at) AS at,
            count(*) FILTER (WHERE status IN ('completed', 'expired')) AS completed,
            count(*) FILTER (WHERE status = 'failed') AS failed,
            count(*) FILTER (WHERE status IN ('completed', 'expired') AND kind = '{Kind.UPLOAD}') AS uploads
        FROM jobs WHERE finished_at >= date_trunc('minute', statement_timestamp()) - interval '59 minutes'
        GROUP BY 1
    )
    SELECT at, coalesce(created.jobs, 0) AS created, coalesce(completed, 0) AS completed, coalesce(failed, 0) AS failed,
        coalesce(uploads, 0) AS uploads
    FROM minutes LEFT JOIN created USING (at) LEFT JOIN ended USING (at) ORDER BY at
"""  # noqa: S608 - ours


async def count_ended(database: Database) -> dict[Status, int]:
    """The jobs that ended in the last 24 hours and have not been retried, by status. Raises `DatabaseUnavailable`."""
    return {Status(row["status"]): row["jobs"] for row in await database.fetch(_ENDED)}


_ENDED = f"""
    SELECT status, count(*) AS jobs FROM jobs
    WHERE finished_at >= statement_timestamp() - interval '24 hours' AND status IN ({quoted(sorted(ENDED))})
    GROUP BY status
"""  # noqa: S608 - ours


@dataclass(frozen=True, slots=True)
class Durations:
    """How long the jobs of one kind took that were completed in the last hour: the average, p50 and p95, in seconds."""

    kind: Kind
    jobs: int
    waited: tuple[float | None, ...]
    """From when a job was due until a worker started it; None if all of them needed several attempts."""
    ran: tuple[float | None, ...]


async def measure_durations(database: Database) -> list[Durations]:
    """Those of the kinds of which jobs were completed in the last hour. Raises `DatabaseUnavailable`."""
    rows = await database.fetch(_DURATIONS)
    return [
        Durations(
            Kind(row["kind"]),
            row["jobs"],
            (row["waited_average"], *(row["waited"] or (None, None))),
            (row["ran_average"], *(row["ran"] or (None, None))),
        )
        for row in rows
    ]


_DURATIONS = """
    SELECT kind, count(*) AS jobs, avg(waited) AS waited_average, avg(ran) AS ran_average,
        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY waited) AS waited,
        percentile_cont(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY ran) AS ran
    FROM (
        SELECT kind, extract(epoch FROM finished_at - started_at)::float8 AS ran,
            CASE WHEN due_at <= started_at THEN extract(epoch FROM started_at - due_at)::float8 END AS waited
        FROM jobs
        WHERE finished_at >= statement_timestamp() - interval '1 hour' AND status IN ('completed', 'expired')
            AND started_at IS NOT NULL
    ) AS ended
    GROUP BY kind ORDER BY kind
"""
"""`due_at` is that of a job's last attempt, `started_at` that of its first: the wait is known of those that needed one."""


@dataclass(frozen=True, slots=True)
class Process:
    """A worker or a gateway, by its heartbeat. A worker of an earlier release has no `started_at` and no `slots`."""

    name: str
    started_at: datetime | None
    seen_at: datetime
    running: bool
    """Whether its last heartbeat is recent enough."""
    slots: Mapping[Kind, int | None]
    """Of a worker, the jobs of each of its kinds that it can run at once."""
    draining: bool
    """Of a worker, whether an operator wants it to claim nothing."""


async def list_workers(database: Database, within: float) -> list[Process]:
    """The workers that are known; `within`: seconds for which a heartbeat counts. Raises `DatabaseUnavailable`."""
    return [_process_of(row) for row in await database.fetch(_WORKERS, within, STALE)]


async def count_gateways(database: Database, within: float) -> tuple[int, int]:
    """How many gateways run, and how many are known. Raises `DatabaseUnavailable`."""
    [row] = await database.fetch(_GATEWAYS, within, STALE)
    return row["running"], row["known"]


_WORKERS = """
    SELECT *, seen_at > statement_timestamp() - make_interval(secs => $1) AS running FROM workers
    WHERE seen_at > statement_timestamp() - make_interval(secs => $2) ORDER BY name LIMIT 1000
"""
_GATEWAYS = """
    SELECT count(*) FILTER (WHERE seen_at > statement_timestamp() - make_interval(secs => $1)) AS running, count(*) AS known
    FROM gateways WHERE seen_at > statement_timestamp() - make_interval(secs => $2)
"""


def _process_of(row: Mapping[str, Any]) -> Process:
    slots: Mapping[str, int] = json_of(row["slots"]) or {}
    return Process(
        row["name"],
        row["started_at"],
        row["seen_at"],
        row["running"],
        {Kind(kind): slots.get(kind) for kind in row["kinds"]},
        row["draining"],
    )


@dataclass(frozen=True, slots=True)
class Running:
    """A job that a worker holds."""

    job_id: UUID
    kind: Kind
    owner: str
    worker: str


async def list_running(database: Database) -> Sequence[Running]:
    """The running jobs, those that were taken or renewed last first, at most `RUNNING`. Raises `DatabaseUnavailable`."""
    rows = await database.fetch(_RUNNING, RUNNING)
    return [Running(row["id"], Kind(row["kind"]), row["owner"], row["worker"]) for row in rows]


_RUNNING = """
    SELECT id, kind, owner, worker FROM jobs WHERE status = 'processing' AND worker IS NOT NULL
    ORDER BY lease_until DESC LIMIT $1
"""
