"""What a job is: its states, its counters, its result. All values are frozen; `transitions.apply` makes new ones."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Self
from uuid import UUID

from jobs.bundles.format.checkpoints import Upload
from jobs.errors import ErrorClass

ANONYMOUS = "anonymous"
"""The owner of every job and file until users exist."""

FILE_ID_MIN = 10_000
FILE_ID_MAX = 100_000_000
MAX_FILES = 1_000
MAX_NAME = 1_024
"""Longest file or archive name that a request may carry, in characters."""


class Status(StrEnum):
    """Where a job is in its life (docs/state-machine.md)."""

    QUEUED = "queued"
    """Waits for a worker."""
    PROCESSING = "processing"
    """A worker holds its lease."""
    RETRYING = "retrying"
    """Waits until it is due again, after a failed attempt."""
    COMPLETED = "completed"
    """Its result can be fetched."""
    FAILED = "failed"
    """Ended without a result; a person may retry it."""
    CANCELLED = "cancelled"
    """Ended because somebody asked for that; a person may retry it."""
    EXPIRED = "expired"
    """Its result was there and is no more; a person may retry it."""

    @property
    def ended(self) -> bool:
        """Nothing moves the job on by itself from here, but for a completed one, which expires."""
        return self in ENDED


ENDED = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED, Status.EXPIRED})
WAITING = frozenset({Status.QUEUED, Status.RETRYING})


class Phase(StrEnum):
    """What a person is shown of a job's way."""

    QUEUED = "queued"
    RESOLVING = "resolving"
    PACKING = "packing"
    READY = "ready"


class FileState(StrEnum):
    """Where one file of a job is."""

    PENDING = "pending"
    ACTIVE = "active"
    DONE = "done"
    OMITTED = "omitted"
    FAILED = "failed"


class OnMissing(StrEnum):
    """What becomes of a job some of whose files are not there."""

    FAIL = "fail"
    SKIP = "skip"

    def fails(self, *, missing: int, available: int) -> bool:
        """Whether the job fails with so many of its files missing. With none available it does in any case."""
        return missing > 0 and (self is OnMissing.FAIL or available == 0)


class Compression(StrEnum):
    """How a bundle packs its files. A result that is no bundle is handed out as it is."""

    STORE = "store"
    DEFLATE = "deflate"


class ResultKind(StrEnum):
    BUNDLE = "bundle"
    """An archive under `bundles/`, made by us and removed by us."""
    OBJECT = "object"
    """The source object itself: one file was asked for, without an archive name."""

    @classmethod
    def of(cls, files: int, archive_name: str | None) -> Self:
        """What a job of so many files hands out."""
        return cls("object" if files == 1 and archive_name is None else "bundle")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRequest:
    """One file as it was asked for."""

    file_id: int
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a job or a file failed, for people."""

    error_class: ErrorClass
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """A file that a completed job left out."""

    file_id: int
    name: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a completed job hands out. Sizes in bytes."""

    kind: ResultKind
    key: str
    size: int
    etag: str
    crc32: int | None
    sha256: str | None
    filename: str
    content_type: str
    omitted: tuple[Omission, ...] = ()
    fingerprint: str | None = None
    """Of a bundle: what is in it (`jobs.bundles.planning.content`). A job that wants the same gets the same object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the current attempt is. `bytes_total` is None until the files are resolved."""

    files_total: int
    files_done: int = 0
    files_omitted: int = 0
    bytes_total: int | None = None
    bytes_done: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as PostgreSQL has it. Times are UTC and come from the database's clock."""

    id: UUID
    owner: str
    status: Status
    fence: int
    """+1 on every transition, never reset: the compare-and-set token of every write about the job."""
    attempt: int
    """+1 at claim, -1 on release and park, 0 on a person's retry: what counts against `max_attempts`."""
    seq: int
    """The order of events: +1 with every transition and every durable batch of file changes."""
    losses: int
    """How often its worker was lost since the last retry by a person."""
    max_attempts: int
    archive_name: str | None
    on_missing: OnMissing
    compression: Compression
    created_at: datetime
    queued_at: datetime
    """When it last came to stand in the queue: its place in it."""
    due_at: datetime
    """When it may be claimed."""
    progress: Progress
    started_at: datetime | None = None
    finished_at: datetime | None = None
    worker: str | None = None
    lease_until: datetime | None = None
    failure: Failure | None = None
    result: Result | None = None
    expires_at: datetime | None = None
    """When the result expires."""
    grace_until: datetime | None = None
    """Until when the object of an expired result stays, for downloads under way."""
    cleanup_at: datetime | None = None
    """When objects and uploads of the job that nothing points to are to be removed."""
    upload: Upload | None = None
    """The multipart upload that the running or the next attempt goes on with."""
    deleted_at: datetime | None = None
    """When a person dropped it: from then on nobody sees it, and it is removed once its litter is."""

    @property
    def dead(self) -> bool:
        """It was tried as often, or as long, as it may be: somebody has to look at it."""
        return self.status is Status.FAILED and self.failure is not None and self.failure.error_class.retryable

    @property
    def phase(self) -> Phase:
        if self.status in (Status.COMPLETED, Status.EXPIRED):
            return Phase.READY
        if self.status in WAITING:
            return Phase.QUEUED
        return Phase.RESOLVING if self.progress.bytes_total is None else Phase.PACKING

    @property
    def result_kind(self) -> ResultKind:
        return ResultKind.of(self.progress.files_total, self.archive_name)

    @property
    def percent(self) -> float | None:
        """0 to 100; 100 only when the result can be fetched; None while the total is not known."""
        if self.phase is Phase.READY:
            return 100.0
        return percent(self.progress)


def percent(progress: Progress) -> float | None:
    """The share of the bytes that are done, at most 99.9: the rest is the bundle's completion."""
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
    """As asked for; in the archive it may differ (`jobs.files.names`)."""
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
