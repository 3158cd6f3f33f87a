"""The events that followers receive: one form for polling, long-poll, SSE and WebSocket.

Their order is the pair `(seq, tick)`: `seq` is durable and comes only from PostgreSQL, `tick` counts the live-only events
since that `seq`. A follower ignores an event that is not newer than what it has. An event whose `since` is above its
`seq` means that it missed something, so it requests a snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from jobs.engine.jobs import Failure, FileRecord, FileState, Job, Progress, Status, percent
from jobs.errors import ErrorClass
from jobs.kinds import Phase


class Message(BaseModel):
    """The base of everything that is sent: frozen, camelCase in JSON."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True, serialize_by_alias=True)


class EventType(StrEnum):
    SNAPSHOT = "snapshot"
    PROGRESS = "progress"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    GONE = "gone"


_TYPES = {
    Status.RETRYING: EventType.RETRYING,
    Status.COMPLETED: EventType.COMPLETED,
    Status.FAILED: EventType.FAILED,
    Status.CANCELLED: EventType.CANCELLED,
    Status.EXPIRED: EventType.EXPIRED,
}


def type_of(status: Status) -> EventType:
    """The type of an event of a job in this status."""
    return _TYPES.get(status, EventType.PROGRESS)


class ErrorView(Message):
    """Why a job or a file failed."""

    error_class: ErrorClass = Field(alias="class")
    message: str

    @classmethod
    def of(cls, failure: Failure | None) -> Self | None:
        return None if failure is None else cls(error_class=failure.error_class, message=failure.message)


class ProgressView(Message):
    """How far a job is. Bytes count what was read and verified; `percent` is null while the total is unknown."""

    phase: Phase
    percent: float | None
    bytes_done: int
    bytes_total: int | None
    files_done: int
    files_total: int
    files_omitted: int
    bytes_per_second: int | None = None
    eta_seconds: float | None = None
    queue_position: int | None = None
    starts_in_seconds: float | None = None

    @classmethod
    def of(cls, job: Job) -> Self:
        return cls.at(job.phase, job.progress, job.percent)

    @classmethod
    def at(cls, phase: Phase, progress: Progress, done: float | None = None) -> Self:
        return cls(
            phase=phase,
            percent=percent(progress) if done is None else done,
            bytes_done=progress.bytes_done,
            bytes_total=progress.bytes_total,
            files_done=progress.files_done,
            files_total=progress.files_total,
            files_omitted=progress.files_omitted,
        )


class FileView(Message):
    """One file of a job, as followers see it."""

    index: int
    file_id: int
    name: str | None
    status: FileState
    bytes_done: int
    size: int | None
    error: ErrorView | None

    @classmethod
    def of(cls, record: FileRecord) -> Self:
        return cls(
            index=record.index,
            file_id=record.file_id,
            name=record.entry_name or record.name,
            status=record.state,
            bytes_done=record.bytes_done,
            size=record.size,
            error=ErrorView.of(record.failure),
        )


class Event(Message):
    """A change of a job: its whole summary, and every file change in `(since, seq]` and since `seq`."""

    type: EventType
    job_id: UUID
    since: int
    seq: int
    tick: int = 0
    ts: datetime
    status: Status
    attempt: int
    progress: ProgressView
    files: list[FileView] = []
    error: ErrorView | None = None
    degraded: bool = False

    @property
    def order(self) -> tuple[int, int]:
        return (self.seq, self.tick)


def event_of(job: Job, at: datetime, *, since: int, files: Iterable[FileRecord] = ()) -> Event:
    """The event for the job as it is now."""
    return Event(
        type=type_of(job.status),
        job_id=job.id,
        since=since,
        seq=job.seq,
        ts=at,
        status=job.status,
        attempt=job.attempt,
        progress=ProgressView.of(job),
        files=[FileView.of(record) for record in files],
        error=ErrorView.of(job.failure),
    )
