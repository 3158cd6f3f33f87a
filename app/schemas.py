"""The models of HTTP: requests are validated by them, responses made of them, and the OpenAPI document built from them."""

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
_TITLE = Field(
    description="What to call the job: its `archiveName`, or else its first file, as in `Read me first.txt and 2 more`."
)


class Body(BaseModel):
    """A request body: camelCase except `file_id` and `file_ids`; unknown fields are rejected."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True)


class FileItem(Body):
    """A requested file, with an optional name in the archive."""

    file_id: FileId = Field(alias="file_id")
    name: Name | None = None


class FileSelection(Body):
    """The requested files: either ids, or ids with names. 1 to 1000, each once."""

    file_ids: list[FileId] | None = Field(default=None, alias="file_ids", min_length=1, max_length=MAX_FILES)
    files: list[FileItem] | None = Field(default=None, min_length=1, max_length=MAX_FILES)
    archive_name: Name | None = Field(
        default=None, description="Name of the bundle. Unsafe characters are replaced, and `.zip` is added."
    )
    on_missing: OnMissing = Field(default=OnMissing.FAIL, description="What happens when files are missing.")
    compression: Compression = Field(
        default=Compression.STORE,
        description="Compression of the bundle. A single file without `archiveName` is downloaded as is, not zipped.",
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
        """Every place at which an id is repeated, with the problem. `raw` is the body, which may be invalid otherwise."""
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
    """A job to follow, and the client's last `seq`."""

    job_id: UUID
    since: Annotated[StrictInt, Field(ge=0)] = 0


class FollowJobs(Body):
    """Message of a WebSocket client: follow these jobs."""

    type: Literal["follow"]
    jobs: list[WantedJob] = Field(min_length=1, max_length=1_000)


class UnfollowJobs(Body):
    """Message of a WebSocket client: stop following these jobs."""

    type: Literal["unfollow"]
    jobs: list[UUID] = Field(min_length=1, max_length=1_000)


class OneFile(Body):
    """One file."""

    file_id: FileId = Field(alias="file_id")


class Links(Message):
    """Related resources, as path-relative references."""

    self_: str = Field(alias="self")
    retry: str
    cancel: str
    download_url: str
    file: str
    bundle: str


class Accepted(Message):
    """The job was accepted and will run."""

    job_id: UUID
    status: Literal["queued"] = "queued"
    total_file_ids: int
    links: Links


class FileCheck(Message):
    """Whether a file exists. Size in bytes."""

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
    """What a job of these files would result in. `totalBytes`: size of the files, `resultBytes`: size of the download."""

    kind: ResultKind
    files_total: int
    files_available: int
    missing: list[int]
    total_bytes: int
    result_bytes: int | None = Field(
        description="Exact size. Null if the job would fail, and for a bundle with `compression: deflate`, "
        "whose size is not known before it is built."
    )
    result_bytes_at_most: int | None = Field(
        description="Upper bound of the size: `resultBytes` if that is known. Null if the job would fail."
    )
    would_fail: bool
    files: list[PreflightFile]


class Started(Message):
    """The result of a request that waited for one file. Size in bytes."""

    file_id: int = Field(alias="file_id")
    status: Status
    download_url: str | None
    size: int | None
    processing_time_ms: int
    message: str


class Checksum(Message):
    """Checksum of the whole result; `value` in lower-case hex."""

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
    """The result of a completed job. Size in bytes."""

    kind: ResultKind
    size: int
    checksum: Checksum | None
    sha256: str | None
    filename: str
    bundle_expires_at: datetime | None
    omitted: list[OmittedFile]


class JobStatus(Event):
    """The current status of a job: the summary that followers get, and what does not change with each event."""

    type: EventType = EventType.SNAPSHOT
    title: str = _TITLE
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
        """The status as JSON, serialized once however often it is sent."""
        return self.model_dump_json().encode()

    def changed(self, **news: object) -> Self:
        """A copy with other values, which are not validated."""
        copy = self.model_copy(update=news)
        copy.__dict__.pop("body", None)  # pydantic copies what was cached, too
        return copy


class JobItem(Message):
    """A job in a list."""

    job_id: UUID
    status: Status
    title: str = _TITLE
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
    """A job that ran out of attempts or time on possibly temporary errors."""

    job_id: UUID
    title: str = _TITLE
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
    """A change of a job's status. `from` is null for the first; `error` is why the job failed or is retried."""

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
    """A presigned URL, valid for GET until `expiresAt`. Size in bytes."""

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
    """State of the circuit breakers: open (calls are suspended), half_open (trying again) or closed."""

    database: Circuit
    storage: Circuit
    redis: Circuit


HealthStatus = Literal["healthy", "degraded", "unhealthy"]


class Health(Message):
    """`degraded`: jobs are accepted and stored, but may have to wait."""

    status: HealthStatus
    checks: HealthChecks
    reasons: dict[str, str]
    """Of each check with an error, why it failed: what to do about it, without names of hosts, users or keys."""
    circuits: Circuits


class Ready(Message):
    """`draining`: the process is shutting down."""

    database: CheckState
    draining: bool


class Live(Message):
    status: Literal["ok"] = "ok"


API_HEADERS = ("Accept", "Idempotency-Key", "If-None-Match", "Last-Event-ID", "Origin", "Prefer", "X-Request-ID")
"""The request headers that the API reads. `SeenRequest` names no others: proxies add secrets for those behind them."""


class DiagnosticEvent(Message):
    time: datetime


class GatewayLimits(Message):
    """Limits of the gateway itself. Sizes in bytes; `keepAlive` in seconds."""

    head_bytes: int
    body_bytes: int
    keep_alive: float


class SeenRequest(Message):
    """A request as it has reached the gateway: without its body, and without what only proxies should know."""

    time: datetime = Field(description="The gateway's clock.")
    method: str
    scheme: str
    host: str
    http_version: str
    client: str = Field(description="The address that limits and logs see.")
    forwarded_for: Literal["used", "ignored", "missing"] = Field(
        description="Whether `client` comes from `X-Forwarded-For`; `ignored` unless `TRUSTED_PROXIES` has the peer."
    )
    public_url: str | None = Field(description="`PUBLIC_URL` of the gateway.")
    head_bytes: int = Field(description="Size of all headers.")
    body_bytes: int
    headers: list[str] = Field(description="Which of the headers that the API reads have arrived.")
    request_id: str
    limits: GatewayLimits


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
    queue_position: int | None = Field(
        default=None, description="With `queue_full`: the position that the job would have had."
    )


class Root(Message):
    name: str
    version: str
    links: dict[str, str]
