"""The models of what operators see: the fleet as it is now, and the jobs of all owners."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from app.schemas import JobStatus, ProcessingStatus, Transition, UploadStatus
from jobs.breakers import Circuit
from jobs.engine.events import ErrorView, Message
from jobs.engine.jobs import Status
from jobs.engine.queued_because import Reason
from jobs.kinds import Kind, Phase


class DependencyName(StrEnum):
    """What Haulage depends on."""

    DATABASE = "database"
    STORAGE = "storage"
    REDIS = "redis"
    SCANNER = "scanner"


class DependencyHealth(Message):
    """One dependency, as the gateway that responds has found it."""

    name: DependencyName
    status: Literal["up", "down"]
    circuit: Circuit | None = Field(description="Of its circuit breaker; null if it has none.")
    latency_ms: float | None = Field(description="Milliseconds that it took to respond; null while it is down.")
    detail: str | None = Field(description="Why it is down.")


class ProcessCount(Message):
    """Processes of one sort. One that ended cleanly is forgotten; one that vanished is known for an hour."""

    running: int
    known: int


class QueueView(Message):
    """The jobs of one kind that wait or run. `queued` and `retrying` count no further than 100,000."""

    kind: Kind
    queued: int
    retrying: int
    oldest_seconds: float | None = Field(description="For how long the job that is due for longest has been due.")
    slots: int = Field(description="Jobs of this kind that the running workers can run at once.")
    busy: int = Field(description="Jobs of this kind that run.")
    paused: bool
    paused_at: datetime | None
    paused_by: str | None


class MinuteView(Message):
    """What happened in a minute. `failed` has all that ended without a result but were not cancelled; `uploads` counts
    completed uploads, which `completed` has, too."""

    minute: datetime = Field(description="Its beginning.")
    created: int
    completed: int
    failed: int
    uploads: int


class SuccessRate(Message):
    """The share, from 0 to 1, of completed jobs among those that completed or failed; null if none did."""

    hour: float | None
    day: float | None


class RatesView(Message):
    minutes: list[MinuteView] = Field(
        description="The last 60 minutes, the oldest first; the last one is still going on."
    )
    success_rate: SuccessRate


class Spread(Message):
    """The average; half, and 95 of 100, took no longer. Null if there are none."""

    average: float | None
    p50: float | None
    p95: float | None


class DurationView(Message):
    """How long the jobs of one kind took that were completed in the last hour, in seconds."""

    kind: Kind
    wait_seconds: Spread = Field(description="From when a job was due until a worker started it.")
    run_seconds: Spread = Field(description="From then until it was completed, with all its attempts.")
    jobs: int


class StorageView(Message):
    """What the store holds for Haulage. Sizes in bytes. Counted at most once a minute."""

    files: int
    file_bytes: int
    bundles: int = Field(description="Those that can be downloaded. One that several jobs share counts once.")
    bundle_bytes: int
    at: datetime


class ThrottledView(Message):
    """An owner whose requests were refused because of a limit of its own, in the last hour."""

    owner: str
    limit: str = Field(description="The `error` that it got, such as `too_many_requests` or `too_many_jobs`.")
    count: int = Field(description="Refused requests since an hour passed without any.")
    last_at: datetime


class StatusCounts(Message):
    """Jobs by status."""

    receiving: int
    queued: int
    processing: int
    retrying: int
    completed: int
    failed: int
    cancelled: int
    expired: int

    @classmethod
    def of(cls, counts: Mapping[Status, int]) -> Self:
        """Of the counts by status, those that are missing being 0."""
        return cls(**{status: counts.get(status, 0) for status in Status})


class Overview(Message):
    """The fleet as it is now."""

    at: datetime
    dependencies: list[DependencyHealth]
    gateways: ProcessCount
    workers: ProcessCount
    jobs: StatusCounts = Field(
        description="The jobs that have not ended, by status, and those that ended in the last 24 hours."
    )
    queues: list[QueueView]
    rates: RatesView
    durations: list[DurationView]
    storage: StorageView
    throttled: list[ThrottledView] = Field(description="At most 20, the latest first.")


class OverviewMessage(Message):
    """What followers of the overview get, when it has changed: all of it."""

    type: Literal["operator"] = "operator"
    overview: Overview


class SlotsView(Message):
    kind: Kind
    slots: int | None = Field(description="Null for a worker of an earlier release.")
    busy: int


class RunningJob(Message):
    """A job that a worker runs, as it is now."""

    job_id: UUID
    kind: Kind
    owner: str
    title: str
    phase: Phase
    percent: float | None
    bytes_per_second: int | None
    started_at: datetime = Field(description="Start of its first attempt since a person last retried it.")
    attempt: int


class WorkerView(Message):
    """A worker. One that has no heartbeat for `LEASE_TTL` does not count as running; an hour later it is forgotten."""

    name: str
    started_at: datetime | None = Field(description="Null for a worker of an earlier release.")
    heartbeat_at: datetime
    running: bool
    draining: bool
    kinds: list[SlotsView]
    jobs: list[RunningJob] = Field(description="At most 50.")


class WorkerList(Message):
    workers: list[WorkerView]


class OperatorJob(Message):
    """A job in the list of all owners' jobs."""

    job_id: UUID
    kind: Kind
    owner: str
    title: str
    status: Status
    phase: Phase
    percent: float | None
    attempt: int
    max_attempts: int
    dead: bool = Field(description="Whether it failed permanently after retryable errors.")
    error: ErrorView | None
    worker: str | None = Field(description="The worker that runs it.")
    files_total: int
    bytes_total: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class OperatorJobPage(Message):
    """A page with fewer than `limit` jobs, or none, is the last one only if it has no `nextCursor`."""

    jobs: list[OperatorJob]
    next_cursor: str | None


class JobCount(Message):
    """How many jobs meet all conditions."""

    count: int
    by_status: StatusCounts


class QueuedBecause(Message):
    """Why a job waits."""

    reason: Reason
    position: int | None = Field(description="Its place in the queue, from 1; null for a batch job and a retry.")
    detail: str


class OperatorTransition(Transition):
    """A transition, with the worker that it concerns."""

    worker: str | None


class AttemptView(Message):
    """An attempt, from its claim to what ended it."""

    attempt: int
    worker: str | None
    started_at: datetime
    ended_at: datetime | None
    outcome: str | None = Field(
        description="The command that ended it, such as `succeed`, `fail` or `lose`; null while it runs."
    )
    error: ErrorView | None
    phase: Phase | None = Field(description="The phase that it is in; null once it has ended.")
    bytes: int | None = Field(description="Bytes that were read; null for earlier attempts.")
    bytes_per_second: int | None = Field(description="Now; of the last attempt if that has ended: on average.")


class JobTimeline(Message):
    """One job, and all that has happened to it."""

    job: JobStatus | UploadStatus | ProcessingStatus
    owner: str
    queued_because: QueuedBecause | None
    attempts: list[AttemptView] = Field(description="The latest 100, the oldest first.")
    events: list[OperatorTransition] = Field(description="The latest 500, the oldest first.")
    trace_id: str | None
    trace_url: str | None
