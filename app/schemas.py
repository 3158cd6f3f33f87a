"""What travels over HTTP: the models that requests are checked against, answers are made of, and OpenAPI is built from."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StrictInt, StrictStr, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from jobs.breakers import Circuit
from jobs.bundles.downloads import MAX_FILES, MAX_NAME, Compression, OnMissing, ResultKind
from jobs.engine.events import ErrorView, Event, EventType, Message
from jobs.engine.jobs import FileRequest, Status
from jobs.files.names import safe_archive_name, safe_name
from jobs.files.tables import FILE_ID_MAX, FILE_ID_MIN

FileId = Annotated[StrictInt, Field(ge=FILE_ID_MIN, le=FILE_ID_MAX, examples=[10000])]
Name = Annotated[StrictStr, Field(min_length=1, max_length=MAX_NAME)]


class Body(BaseModel):
    """A request body: camelCase but for `file_id` and `file_ids`, and nothing that is not known."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class FileItem(Body):
    """One file of a request, with the name that it is to have in the archive."""

    file_id: FileId = Field(alias="file_id")
    name: Name | None = None


class FileSelection(Body):
    """Which files: either plain ids, or ids with names. 1 to 1000 different ones."""

    file_ids: list[FileId] | None = Field(default=None, alias="file_ids", min_length=1, max_length=MAX_FILES)
    files: list[FileItem] | None = Field(default=None, min_length=1, max_length=MAX_FILES)
    archive_name: Name | None = Field(default=None, description="Name of the bundle; made safe, `.zip` is added.")
    on_missing: OnMissing = Field(default=OnMissing.FAIL, description="What becomes of the job when files are missing.")
    compression: Compression = Field(
        default=Compression.STORE,
        description="How the bundle packs its files. It makes no difference to a single file without `archiveName`, "
        "which is handed out as it is.",
    )

    @model_validator(mode="after")
    def _either(self) -> Self:
        if (self.file_ids is None) == (self.files is None):
            raise PydanticCustomError("either", "give either file_ids or files")
        return self

    def requests(self) -> list[FileRequest]:
        """The files in the order of the request, their names made safe."""
        if self.files is None:
            return [FileRequest(file_id=file_id) for file_id in self.file_ids or ()]
        return [
            FileRequest(file_id=item.file_id, name=None if item.name is None else safe_name(item.name))
            for item in self.files
        ]

    def safe_archive_name(self) -> str | None:
        return None if self.archive_name is None else safe_archive_name(self.archive_name)

    @staticmethod
    def repeated(raw: Any) -> list[tuple[str, str]]:
        """Every place, in as many files as there may be, at which an id is repeated; else the body may be all wrong."""
        if not isinstance(raw, dict):
            return []
        places: list[tuple[str, object]] = []
        if isinstance(raw.get("file_ids"), list):
            places += [(f"file_ids[{i}]", value) for i, value in enumerate(raw["file_ids"][:MAX_FILES])]
        if isinstance(raw.get("files"), list):
            items = enumerate(raw["files"][:MAX_FILES])
            places += [(f"files[{i}].file_id", item.get("file_id")) for i, item in items if isinstance(item, dict)]
        counts = Counter(value for _, value in places if type(value) is int)
        seen: set[object] = set()
        found = []
        for place, value in places:
            if type(value) is int and counts[value] > 1 and value in seen:
                found.append((place, f"{value} is repeated"))
            seen.add(value if type(value) is int else None)
        return found


class WantedJob(Body):
    """A job to follow, and the `seq` that the client has of it."""

    job_id: UUID
    since: Annotated[StrictInt, Field(ge=0)] = 0


class FollowJobs(Body):
    """Said by a WebSocket client: send me the changes of these."""

    type: Literal["follow"]
    jobs: list[WantedJob] = Field(min_length=1, max_length=1_000)


class UnfollowJobs(Body):
    """Said by a WebSocket client: send me no more of these."""

    type: Literal["unfollow"]
    jobs: list[UUID] = Field(min_length=1, max_length=1_000)


class OneFile(Body):
    """One file."""

    file_id: FileId = Field(alias="file_id")


class Links(Message):
    """Where to go on, as path-relative references."""

    self_: str = Field(alias="self")
    retry: str
    cancel: str
    download_url: str
    file: str
    bundle: str


class Accepted(Message):
    """The job was written and will run."""

    job_id: UUID
    status: Literal["queued"] = "queued"
    total_file_ids: int
    links: Links


class FileCheck(Message):
    """Whether one file is there. Size in bytes."""

    file_id: int = Field(alias="file_id")
    available: bool
    s3_key: str | None
    size: int | None


class PreflightFile(Message):
    file_id: int = Field(alias="file_id")
    name: str
    available: bool
    size: int | None
    reason: str | None = None


class Preflight(Message):
    """What a job of these files would come to. `total_bytes` of the files, `result_bytes` of what would be fetched."""

    kind: ResultKind
    files_total: int
    files_available: int
    missing: list[int]
    total_bytes: int
    result_bytes: int | None = Field(
        description="Exact; null when the job would fail, and for a bundle with `compression: deflate`, "
        "whose size shows only when it is made."
    )
    result_bytes_at_most: int | None = Field(
        description="No result is larger: `resultBytes` where that is known. Null when the job would fail."
    )
    would_fail: bool
    files: list[PreflightFile]


class Started(Message):
    """The answer to a file that was waited for. Size in bytes."""

    file_id: int = Field(alias="file_id")
    status: Status
    download_url: str | None
    size: int | None
    processing_time_ms: int
    message: str


class Checksum(Message):
    """Of the whole result; `value` in lower-case hex."""

    algorithm: Literal["crc32"] = "crc32"
    value: str = Field(pattern="^[0-9a-f]{8}$")

    @classmethod
    def of(cls, crc32: int | None) -> Self | None:
        return None if crc32 is None else cls(value=f"{crc32:08x}")


class OmittedFile(Message):
    file_id: int
    name: str
    reason: str


class ResultView(Message):
    """What a completed job hands out. Size in bytes."""

    kind: ResultKind
    size: int
    checksum: Checksum | None
    sha256: str | None
    filename: str
    bundle_expires_at: datetime | None
    omitted: list[OmittedFile]


class JobStatus(Event):
    """A job as it is now: the same summary that followers get, and what does not change from event to event."""

    type: EventType = EventType.SNAPSHOT
    archive_name: str | None
    on_missing: OnMissing
    compression: Compression
    max_attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    next_attempt_at: datetime | None
    result: ResultView | None
    links: Links

    @cached_property
    def body(self) -> bytes:
        """It as JSON, written once however often it is sent."""
        return self.model_dump_json().encode()

    def changed(self, **news: object) -> Self:
        """It with other values, which are not checked."""
        copy = self.model_copy(update=news)
        copy.__dict__.pop("body", None)  # pydantic copies what was cached, too
        return copy


class JobItem(Message):
    """A job in a list."""

    job_id: UUID
    status: Status
    archive_name: str | None
    percent: float | None
    files_total: int
    files_omitted: int
    size: int | None
    created_at: datetime
    finished_at: datetime | None
    bundle_expires_at: datetime | None
    links: Links


class JobPage(Message):
    jobs: list[JobItem]
    next_cursor: str | None


class DeadJob(Message):
    """A job that failed of what might pass, after all its attempts or all its time."""

    job_id: UUID
    archive_name: str | None
    files_total: int
    attempt: int
    max_attempts: int
    error: ErrorView
    created_at: datetime
    finished_at: datetime
    links: Links


class DeadPage(Message):
    jobs: list[DeadJob]
    next_cursor: str | None


class Transition(Message):
    """One step in the life of a job. `source` is null for the first; `error` is what the job failed of, or waits after."""

    seq: int
    at: datetime
    command: str
    source: Status | None = Field(alias="from")
    target: Status = Field(alias="to")
    attempt: int
    error: ErrorView | None


class HistoryPage(Message):
    transitions: list[Transition]
    next_cursor: str | None


class CatalogueFile(Message):
    """A file of the catalogue. Size in bytes, checksums in lower-case hex."""

    id: int
    name: str
    size: int
    crc32: str | None
    sha256: str | None
    content_type: str
    created_at: datetime


class FilePage(Message):
    files: list[CatalogueFile]
    next_cursor: str | None


class Link(Message):
    """A presigned URL, good for GET until `expires_at`. Size in bytes."""

    url: str
    expires_at: datetime
    bundle_expires_at: datetime
    size: int
    checksum: Checksum | None
    sha256: str | None
    filename: str
    omitted: list[OmittedFile]


CheckState = Literal["ok", "error"]


class HealthChecks(Message):
    database: CheckState
    storage: CheckState
    redis: CheckState
    queue: CheckState


class Circuits(Message):
    """Which dependencies this process gives time to recover (open) or tries again (half_open)."""

    database: Circuit
    storage: Circuit
    redis: Circuit


HealthStatus = Literal["healthy", "degraded", "unhealthy"]


class Health(Message):
    """`degraded`: jobs are taken and kept, but may have to wait."""

    status: HealthStatus
    checks: HealthChecks
    circuits: Circuits


class Ready(Message):
    """`draining`: the process is about to stop."""

    database: CheckState
    draining: bool


class Live(Message):
    status: Literal["ok"] = "ok"


class FieldProblem(Message):
    field: str
    message: str


class ProblemBody(Message):
    """RFC 9457. `error` and `message` repeat the code and the detail for clients that read only those."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    error: str
    message: str
    request_id: str
    errors: list[FieldProblem] | None = None
    queue_position: int | None = Field(default=None, description="With `queue_full`: where the job would have stood.")


class Root(Message):
    name: str
    version: str
    links: dict[str, str]
