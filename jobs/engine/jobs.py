"""What a job is: its states, counters and progress. All values are frozen; `transitions.apply` returns new ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from jobs.errors import ErrorClass
from jobs.kinds import Kind, Phase
from jobs.tracing.traceparent import trace_id_of

Turn = tuple[UUID, int]
"""A job at a fence: what one wake-up, one claim and one lease are about."""


class Overdue(NamedTuple):
    """A job at a fence that is due and that no worker has claimed, with its place in the queue."""

    job_id: UUID
    fence: int
    queued_at: datetime


class Status(StrEnum):
    """The state of a job (docs/state-machine.md)."""

    RECEIVING = "receiving"
    """Its bytes are still arriving; no worker may claim it yet."""
    QUEUED = "queued"
    """It waits for a worker."""
    PROCESSING = "processing"
    """A worker holds its lease."""
    RETRYING = "retrying"
    """An attempt failed; it waits until the next one is due."""
    COMPLETED = "completed"
    """Its result can be fetched."""
    FAILED = "failed"
    """It ended without a result; a person may retry it."""
    CANCELLED = "cancelled"
    """A person or a time limit cancelled it; a person may retry it."""
    EXPIRED = "expired"
    """Its result has been removed; a person may retry it."""

    @property
    def ended(self) -> bool:
        """No worker runs the job again unless a person retries it. A completed job still expires."""
        return self in ENDED


ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.EXPIRED})
WAITING = frozenset({Status.QUEUED, Status.RETRYING})


class FileState(StrEnum):
    """The state of one file of a job."""

    PENDING = "pending"
    ACTIVE = "active"
    DONE = "done"
    OMITTED = "omitted"
    FAILED = "failed"


UNKNOWN_FILE = 0
"""The `file_id` of a file that is not in the catalogue yet: the job adds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRequest:
    """One file as it was requested."""

    file_id: int
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a job or a file failed, for people."""

    error_class: ErrorClass
    message: str
    retry_after: float | None = None
    """Seconds for which somebody outside wants nothing to be tried again. It is not stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the current attempt is. `bytes_total` is None until it is known."""

    files_total: int
    files_done: int = 0
    files_omitted: int = 0
    bytes_total: int | None = None
    bytes_done: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as PostgreSQL has it. A kind of work extends it. Times are UTC, from the database's clock."""

    id: UUID
    kind: Kind
    owner: str
    status: Status
    phase: Phase
    """Of a job that failed or was cancelled: the phase in which it ended."""
    fence: int
    """+1 on every transition, never reset: the compare-and-set token of every write about the job."""
    attempt: int
    """+1 at claim, -1 on release and park, 0 on a person's retry: what counts against `max_attempts`."""
    seq: int
    """The order of events: +1 with every transition and every durable batch of file changes."""
    losses: int
    """How often its worker was lost since the last retry by a person."""
    max_attempts: int
    created_at: datetime
    queued_at: datetime
    """Its place in the queue: when it last entered it, or an earlier or later time (`jobs.engine.fair_share`)."""
    due_at: datetime
    """When it may be claimed; while it is receiving, when it lapses."""
    progress: Progress
    started_at: datetime | None = None
    finished_at: datetime | None = None
    worker: str | None = None
    lease_until: datetime | None = None
    failure: Failure | None = None
    expires_at: datetime | None = None
    """When the result expires."""
    grace_until: datetime | None = None
    """Until when the object of an expired result is kept, for downloads in progress."""
    cleanup_at: datetime | None = None
    """When leftover objects and multipart uploads of the job are to be removed."""
    deleted_at: datetime | None = None
    """When a person deleted it. It is invisible from then on; its rows are deleted after its leftover objects."""
    traceparent: str | None = None
    """The span that created it, of which its attempts are children; if that was not recorded, what its request brought."""

    @property
    def dead(self) -> bool:
        """It failed permanently after retryable errors: its attempts, or its time, are used up."""
        return self.status is Status.FAILED and self.failure is not None and self.failure.error_class.retryable

    @property
    def trace_id(self) -> str | None:
        """The trace that it is part of: 32 hexadecimal digits. Not every trace is recorded."""
        return None if self.traceparent is None else trace_id_of(self.traceparent)

    @property
    def percent(self) -> float | None:
        """0 to 100; 100 only when the result can be fetched; None while the total is unknown."""
        return 100.0 if self.phase is Phase.READY else percent(self.progress)


def percent(progress: Progress) -> float | None:
    """The share of bytes done, at most 99.9: the rest is the completion of the result."""
    if progress.bytes_total is None:
        return None
    if progress.bytes_total == 0:
        return 0.0
    return min(99.9, round(100 * progress.bytes_done / progress.bytes_total, 1))


def new_progress(files_total: int) -> Progress:
    """The progress of an attempt that has not resolved its files yet."""
    return Progress(files_total=files_total)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """One file of a job. `index` is its place in the request; sizes are bytes."""

    index: int
    file_id: int
    name: str | None = None
    """As requested; in an archive it may differ (`jobs.files.names`)."""
    entry_name: str | None = None
    """Its name in the archive, known once it is resolved."""
    state: FileState = FileState.PENDING
    key: str | None = None
    size: int | None = None
    etag: str | None = None
    crc32: int | None = None
    sha256: str | None = None
    bytes_done: int = 0
    failure: Failure | None = None
    seq: int = field(default=0)
    """The job's `seq` at which this record last changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadPart:
    """A finished part of a job's multipart upload. It outlives the attempt that uploaded it."""

    number: int
    """From 1 to 10,000."""
    etag: str
    detail: Mapping[str, Any]
    """JSON: what the job's kind has to know of the part to continue the upload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What an attempt has done and not recorded yet."""

    phase: Phase
    progress: Progress
    records: Sequence[FileRecord]
    """The files that have changed."""
    parts: Sequence[UploadPart] = ()
    """The parts of the multipart upload that are finished."""
