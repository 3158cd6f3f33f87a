"""The models of what the gateway sends: responses are made of them, and the OpenAPI document is built from them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Literal, Self
from uuid import UUID

from pydantic import Field

from jobs.breakers import Circuit
from jobs.bundles.downloads import Compression, OnMissing, ResultKind
from jobs.engine.events import ErrorView, Event, EventType, Message
from jobs.engine.jobs import Status
from jobs.files.states import Role, ScanState
from jobs.files.texts import Searchable
from jobs.files.visibility import Visibility
from jobs.kinds import Kind
from jobs.notices import NoticeKind
from jobs.processing.recipes import OnError
from jobs.webhooks.deliveries import DeliveryState
from jobs.webhooks.messages import EventName

_TITLE = Field(
    description="What to call the job: its `archiveName`, or else its first file, as in `Read me first.txt and 2 more`."
)


class Links(Message):
    """Related resources, as path-relative references."""

    self_: str = Field(alias="self")
    retry: str
    cancel: str
    download_url: str
    file: str
    bundle: str


class Accepted(Message):
    """The job, as it is now: `queued` when it is new, any status when an earlier request had the same idempotency key."""

    job_id: UUID
    status: Status
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


class BaseStatus(Event):
    """The current status of a job of any kind: the summary that followers get, and what does not change with each event."""

    type: EventType = EventType.SNAPSHOT
    kind: Kind
    title: str = _TITLE
    max_attempts: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    next_attempt_at: datetime | None

    @cached_property
    def body(self) -> bytes:
        """The status as JSON, serialized once however often it is sent."""
        return self.model_dump_json().encode()

    def changed(self, **news: object) -> Self:
        """A copy with other values, which are not validated."""
        copy = self.model_copy(update=news)
        copy.__dict__.pop("body", None)  # pydantic copies what was cached, too
        return copy


class JobStatus(BaseStatus):
    """The current status of a download."""

    kind: Literal[Kind.DOWNLOAD] = Kind.DOWNLOAD
    archive_name: str | None
    on_missing: OnMissing
    compression: Compression
    result: ResultView | None
    links: Links


class UploadLinks(Message):
    """Related resources, as path-relative references. `file` is null until the upload is completed."""

    self_: str = Field(alias="self")
    parts: str
    complete: str
    retry: str
    cancel: str
    file: str | None


class UploadView(Message):
    """What an upload is. Sizes in bytes, checksums in lower-case hex."""

    name: str
    size: int
    content_type: str | None = Field(description="As the client declared it.")
    detected_type: str | None = Field(description="By the first bytes of the file, once it is completed.")
    last_modified: datetime | None = Field(description="When its content was last changed, as the client said.")
    part_size: int = Field(description="Size of all parts but the last.")
    parts: int = Field(description="How many parts the file has, numbered from 1.")
    streamed: bool = Field(
        description="Whether the file is sent to the intake, by tus or a form. Then no URLs are signed for its parts."
    )
    visibility: Visibility
    crc32: str | None
    sha256: str | None = Field(description="Null unless a worker had to read the file.")
    file_id: int | None = Field(description="Its id in the catalogue, once it is completed.")
    expires_at: datetime | None = Field(
        description="While it is receiving: when it is cancelled, unless more parts are sent."
    )


class ProcessingJob(Message):
    """A job that makes other files of one: its own status tells how far it is."""

    job_id: UUID
    kind: Kind


class ProcessingSummary(ProcessingJob):
    """The latest processing of a file. `error`: why it failed, or else why the first of its outputs did."""

    status: Status
    error: ErrorView | None


class UploadStatus(BaseStatus):
    """The current status of an upload."""

    kind: Literal[Kind.UPLOAD] = Kind.UPLOAD
    upload: UploadView
    processing: ProcessingJob | None = Field(
        description="The job that was created with the file, to make others of it; null if there is none."
    )
    links: UploadLinks


class ProcessingLinks(Message):
    """Related resources, as path-relative references. `file` is the file that is processed."""

    self_: str = Field(alias="self")
    retry: str
    cancel: str
    file: str


class ProcessingView(Message):
    """What is made of a file, and what was found in it: null until then, and where there is no such thing."""

    parent_id: int = Field(description="The file that is processed.")
    name: str
    content_type: str
    avif: bool
    pages: int = Field(description="Most pages of which pictures are made.")
    on_processing_error: OnError
    width: int | None = Field(description="Pixels.")
    height: int | None
    pages_total: int | None = Field(description="Pages of a PDF, frames of an animation.")
    duration: float | None = Field(description="Seconds of a video.")


class ProcessingStatus(BaseStatus):
    """The current status of a job that makes other files of one. Each of `files` is one that is made.

    Until a file is made, its `size` is that of the source, of which `bytesDone` counts a share.
    """

    kind: Literal[Kind.IMAGE, Kind.PDF, Kind.VIDEO]
    processing: ProcessingView
    links: ProcessingLinks


class NewUploadItem(Message):
    """An upload that was created."""

    job_id: UUID
    status: Status
    upload: UploadView
    links: UploadLinks


class UploadsCreated(Message):
    """The uploads in the order of the request, as they are now."""

    jobs: list[NewUploadItem]


class UploadItem(NewUploadItem):
    """An upload in a list. `percent`: of what its status says, so of the bytes that were sent while it is receiving."""

    percent: float | None
    processing: ProcessingSummary | None = Field(description="The latest job that makes others of the file.")
    thumbnail_id: int | None = Field(description="The file that shows it in small, if one was made.")
    created_at: datetime
    finished_at: datetime | None
    finding: str | None = Field(
        description="What the virus scanner has found in an infected upload. For operators and admins; null for others."
    )


class UploadPage(Message):
    jobs: list[UploadItem]
    next_cursor: str | None


class SignedPartItem(Message):
    """How to send a part: by a PUT of exactly `size` bytes to `url`, with these headers."""

    number: int
    url: str
    headers: dict[str, str]
    size: int


class PartsSigned(Message):
    """URLs that are valid until `expiresAt`, in the order of the request, and what has been sent so far."""

    parts: list[SignedPartItem]
    expires_at: datetime
    bytes_done: int
    bytes_total: int


class PartItem(Message):
    """A part whose URL was signed. Size in bytes, `crc32` in lower-case hex, as it was given."""

    number: int
    size: int
    crc32: str
    sent: bool


class UploadParts(Message):
    """What is known of the parts of an upload, by number; the others were never signed."""

    status: Status
    part_size: int
    parts_total: int
    parts: list[PartItem]


class UploadCompleted(Message):
    """The upload as it is now: `queued` when it was just completed."""

    job_id: UUID
    status: Status
    links: UploadLinks


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
    """A job that ran out of attempts or time on possibly temporary errors. `archiveName`: of a download, if it has one."""

    job_id: UUID
    kind: Kind
    title: str = _TITLE
    archive_name: str | None
    files_total: int
    attempt: int
    max_attempts: int
    error: ErrorView
    created_at: datetime
    finished_at: datetime
    links: Links | UploadLinks | ProcessingLinks


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
    role: Role = Field(description="What it is to the file that it was made of; `original` for others.")
    parent_id: int | None = Field(description="The file that it was made of.")
    thumbnail_id: int | None = Field(description="The file that shows it in small: its thumbnail, or its poster.")
    snippet: str | None = Field(
        default=None,
        description="In a list with `text`: a part of the file's text with some of the words, as plain text; null if they"
        " are not at its start.",
    )


class DerivativeItem(Message):
    """A file that was made of another one. Size in bytes; `width` and `height` in pixels, of those that have any."""

    file_id: int
    role: Role
    name: str
    content_type: str
    size: int
    page: int | None = Field(description="The page of a PDF that it shows, from 1.")
    width: int | None
    height: int | None


class FileDetail(CatalogueFile):
    """A file of the catalogue, where it comes from, and what was made of it."""

    visibility: Visibility
    job_id: UUID | None = Field(description="The upload or processing that it comes from.")
    scan: ScanState = Field(description="The verdict of the virus scan; `none` if it was not scanned.")
    modified_at: datetime | None
    derivatives: list[DerivativeItem]
    searchable: Searchable | None = Field(
        description="How much of its text `GET /v1/files?text=` searches; null if it has none."
    )
    processing: ProcessingSummary | None = Field(
        description="Its latest processing. Null for callers who may not see the jobs of its owner."
    )


class Reprocessed(Message):
    """What was created. `next`: where to continue, as `after`; null when no files are left."""

    jobs: int
    next: int | None


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
    redis: Literal["ok", "error", "off"]
    """`off`: PostgreSQL is used in its place (`QUEUE=postgres`)."""
    queue: CheckState
    scanner: Literal["ok", "error", "off"]
    """`off`: uploads are not scanned for viruses."""


class Circuits(Message):
    """State of the circuit breakers: open (calls are suspended), half_open (trying again) or closed."""

    database: Circuit
    storage: Circuit
    redis: Circuit | None
    """Null if Redis is not used."""


HealthStatus = Literal["healthy", "degraded", "unhealthy"]


class LoadState(Message):
    """The load of this process: the highest of its parts, each as a share of what counts as full."""

    value: float
    high: bool
    """Whether the limits on costly requests are halved: from 0.8 on, until it is below 0.6."""
    event_loop: float
    queue: float
    database_pool: float


class Health(Message):
    """`degraded`: jobs are accepted and stored, but may have to wait."""

    status: HealthStatus
    checks: HealthChecks
    reasons: dict[str, str]
    """Of each check with an error, why it failed: what to do about it, without names of hosts, users or keys."""
    circuits: Circuits
    load: LoadState | None
    """Null with `AUTH_MODE=open`, where no requests are limited."""


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
    client: str = Field(
        description="The address that limits and logs see; empty if `TRUSTED_PROXIES` has the peer, which forwards none."
    )
    forwarded_for: Literal["used", "ignored", "missing"] = Field(
        description="Whether `client` comes from `X-Forwarded-For`; `ignored` unless `TRUSTED_PROXIES` has the peer."
    )
    public_url: str | None = Field(description="`PUBLIC_URL` of the gateway.")
    head_bytes: int = Field(description="Size of all headers.")
    body_bytes: int
    headers: list[str] = Field(description="Which of the headers that the API reads have arrived.")
    request_id: str
    limits: GatewayLimits


class SignInOptions(Message):
    """How users of the page sign in. One-time links (`haulage users signin`) always do."""

    provider: str | None = Field(
        description="Name of the OpenID provider at which `/sign-in/oidc` signs in; null without one."
    )
    proxy: bool = Field(description="Whether a reverse proxy signs users in, before a request arrives here.")


class Caller(Message):
    """Who sent the request. Without `user`, nobody: it proves nothing."""

    mode: Literal["open", "required"]
    user: str | None
    sign_in: SignInOptions
    role: str | None = None
    scopes: list[str] = Field(default_factory=list)
    groups: list[str] = Field(default_factory=list)
    proof: str | None = Field(default=None, description="What proved it: `session`, `key`, `token`, …")
    expires_at: datetime | None = None


class SessionItem(Message):
    """An open session."""

    id: str
    owner: str
    how: str
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    user_agent: str | None
    address: str | None
    current: bool = Field(description="Whether this request belongs to it.")


class SessionList(Message):
    sessions: list[SessionItem]


class KeyItem(Message):
    """An API key, without the key itself."""

    id: str
    owner: str
    name: str
    scopes: list[str]
    plan: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None


class KeyCreated(KeyItem):
    """A new API key. `key` is shown once: only its SHA-256 is kept."""

    key: str


class KeyList(Message):
    keys: list[KeyItem]


class ShareItem(Message):
    """A share link, without its secret."""

    id: str
    created_by: str
    created_at: datetime
    expires_at: datetime
    max_uses: int | None
    uses: int
    has_password: bool


class ShareCreated(ShareItem):
    """A new share link. `url` is shown once: only its SHA-256 is kept."""

    url: str


class ShareList(Message):
    shares: list[ShareItem]


class Ticket(Message):
    """A ticket for one stream: the `ticket` of its query."""

    ticket: str
    expires_at: datetime


class AuditItem(Message):
    """Who did what, to which job, key, session or user, from where."""

    at: datetime
    actor: str
    proof: str
    action: str
    subject: str | None
    address: str | None
    request_id: str | None


class AuditPage(Message):
    entries: list[AuditItem]
    next_cursor: str | None


class NoticeState(StrEnum):
    """Which notices are listed."""

    OPEN = "open"
    ALL = "all"


class NoticeItem(Message):
    """Something that operators should know of. What repeats is one notice until it is closed."""

    id: int
    kind: NoticeKind
    message: str = Field(description="What has happened, of the last time.")
    job_id: UUID | None = Field(description="The last job that it was about, which may be deleted by now.")
    count: int = Field(description="How often it has happened. 1 for what lasts: `no_worker`, `scanner_away`, …")
    first_at: datetime
    last_at: datetime
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    closed_at: datetime | None = Field(description="When it was acknowledged or, for what lasts, when it was over.")


class NoticePage(Message):
    notices: list[NoticeItem]
    next_cursor: str | None


class WebhookItem(Message):
    """A webhook: where messages are sent to."""

    id: str
    url: str
    events: list[EventName] = Field(description="The types of messages that it gets.")
    description: str
    operators: bool = Field(description="Whether it is told of notices, and belongs to all operators.")
    created_by: str
    created_at: datetime
    disabled_at: datetime | None = Field(description="When it was switched off; null: it is on.")
    disabled_reason: str | None
    failures: int = Field(description="How many attempts in a row got no proper response. 0: it works.")


class WebhookCreated(WebhookItem):
    """A webhook with what its requests are signed with, in the forms of Standard Webhooks 1.0."""

    secret: str = Field(description="`whsec_…`, for signatures `v1` (HMAC-SHA256). It is not shown again.")
    public_key: str = Field(description="`whpk_…`, for signatures `v1a` (Ed25519).")


class WebhookList(Message):
    webhooks: list[WebhookItem]


class DeliveryItem(Message):
    """A message to one webhook."""

    id: int
    message_id: str = Field(description="The `webhook-id` of its requests: the same at each attempt.")
    event: EventName
    job_id: UUID | None
    state: DeliveryState
    created_at: datetime
    attempts: int
    next_at: datetime | None = Field(description="When it is tried next, at the earliest.")
    tried_at: datetime | None
    delivered_at: datetime | None
    response_status: int | None = Field(description="Of the last response; null: there was none.")
    detail: str | None = Field(
        description="Why there was no response; or the start of its body, for operators and admins only."
    )


class DeliveryPage(Message):
    deliveries: list[DeliveryItem]
    next_cursor: str | None


class Replayed(Message):
    messages: int = Field(description="How many are sent again.")


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
    missing_parts: tuple[int, ...] | None = Field(
        default=None, description="With `parts_missing`: the numbers of the first 100 parts that were not sent."
    )
    count: int | None = Field(default=None, description="With `count_changed`: how many jobs match now.")


class Root(Message):
    name: str
    version: str
    links: dict[str, str]
