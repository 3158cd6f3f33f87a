"""All operations of the API: routes and the OpenAPI document are both built from this list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app import operator_action_schemas, operator_schemas, request_bodies, schemas
from app.access.principals import Scope
from app.access.request_bodies import NewKey, NewShare, SignIn
from app.access.rules import (
    ACKNOWLEDGE_NOTICE,
    CHANGE_JOB,
    CREATE_JOB,
    CREATE_KEY,
    DELETE_FILE,
    DELETE_RESULT,
    EVERYBODY,
    FOLLOW_FLEET,
    FOLLOW_JOB,
    FOLLOW_JOBS,
    GET_CONTENT,
    GET_FILE,
    GET_RESULT,
    GET_TICKET,
    MANAGE_ACCESS,
    MANAGE_WEBHOOKS,
    READ_AUDIT,
    READ_FILE,
    READ_FILES,
    REPROCESS_FILES,
    RETRY_JOB,
    SEE_FLEET,
    SEE_JOB,
    SEE_JOBS,
    SEE_PARTS,
    SEE_TIMELINE,
    SEE_WEBHOOKS,
    SEND_PARTS,
    SHARE_RESULT,
    START_FILE,
    STEER_FLEET,
    TO_INTAKE,
    UPLOAD_FILES,
    JobAccess,
    Rule,
)
from app.diagnosis_limits import MAX_WAIT
from app.endpoints import (
    audit,
    dead,
    diagnoses,
    files,
    health,
    histories,
    jobs,
    keys,
    links,
    notices,
    operator,
    operator_actions,
    pages,
    sessions,
    shares,
    streams,
    uploads,
    webhooks,
)
from jobs.engine.events import Event
from jobs.engine.jobs import Status
from jobs.files.states import Role
from jobs.files.tables import FILE_ID_MAX, FILE_ID_MIN
from jobs.kinds import Kind

Handler = Callable[[Request], Awaitable[Response]]
V1 = "/v1/download"
UPLOAD = "/v1/upload"
FILES = "/v1/files"
NOTICES = "/v1/notices"
OPERATOR = "/v1/operator"
WEBHOOKS = "/v1/webhooks"
ACCESS = "/v1/access"
DIAGNOSE = "/v1/diagnose"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query or a header, with its JSON schema."""

    name: str
    place: str
    description: str
    schema: dict[str, Any]
    required: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path. `answers`: the models of each status (none: no body); `problems`: the usual error statuses.

    `rule`: what is required of the caller. It has no default: an operation without one can't be declared.
    """

    method: str
    path: str
    rule: Rule
    handler: Handler
    name: str
    summary: str
    tag: str
    answers: dict[int, tuple[type[BaseModel], ...]]
    bodies: tuple[type[BaseModel], ...] = ()
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[int, ...] = field(default=())
    media_type: str = "application/json"
    form: type[BaseModel] | None = None
    """The model of a body of type `multipart/form-data`."""
    needs_body: bool = True
    """Whether a request without a body is refused, if it may have one."""

    @property
    def is_audited(self) -> bool:
        """Whether the audit log says who did it: everything that changes something of a user, by the user's rights.

        The requests for the parts of an upload are not, of which there may be hundreds: its creation and its end are. Nor
        are redirects to the intake, which records what it has received.
        """
        writes = {Scope.JOBS_WRITE, Scope.FILES_WRITE, Scope.ACCESS_MANAGE}
        return (
            self.rule.scope in writes and self.method != "GET" and self.name != "sendParts" and self.rule != TO_INTAKE
        )

    @property
    def hands_out_results(self) -> bool:
        """Whether it leads to the result of the job that its path names."""
        return self.rule.scope is Scope.RESULTS_READ and self.rule.job is JobAccess.ACT


_INT = {"type": "integer"}
_STR = {"type": "string"}
_TICKET = Parameter(
    "ticket",
    "query",
    "A ticket of `POST /v1/access/tickets`, for pages of other origins. It is valid once, for 60 s.",
    _STR,
)
_SHARE = Parameter(
    "share", "query", "The secret of a share link. With it, the request needs no other credential.", _STR
)
_CURSOR = Parameter("cursor", "query", "The `nextCursor` of the previous page.", {**_STR, "minLength": 1})
_LIMIT = Parameter("limit", "query", "Maximum number of items.", {**_INT, "minimum": 1, "maximum": 200, "default": 50})
_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "Makes the request safe to repeat: the same key and body return the same job, as it is by then (draft 07).",
    {**_STR, "maxLength": 255},
)
_SINCE = Parameter(
    "since", "query", "Adds the `files` that changed after this `seq`; 0 for all.", {**_INT, "minimum": 0}
)
_AFTER = Parameter("since", "query", "The client's last `seq`: only later changes are sent.", {**_INT, "minimum": 0})
_LAST = Parameter(
    "Last-Event-ID", "header", "The `id` of the last event received; takes precedence over `since`.", _STR
)
_JOBS = Parameter(
    "jobs", "query", "`id:since,id:since,…`: up to 50 jobs, each with the client's last `seq`.", _STR, required=True
)
_PREFER = Parameter(
    "Prefer",
    "header",
    "`wait=N`, N up to 60 seconds: waits for something newer than `since` or `If-None-Match`;"
    " without these, until the job has ended.",
    _STR,
)
_PREFER_ASYNC = Parameter(
    "Prefer",
    "header",
    "`wait=N`: waits N seconds at most, and no longer than `START_WAIT`, before it returns the job with 202."
    " `respond-async` without `wait` returns it at once.",
    _STR,
)
_MATCH = Parameter("If-None-Match", "header", "The `ETag` of the last response: 304 if nothing has changed.", _STR)
_STATUS = Parameter(
    "status",
    "query",
    "Only jobs in one of these statuses, separated by commas: " + ", ".join(f"`{status}`" for status in Status) + ".",
    _STR,
)
_KIND = Parameter(
    "kind",
    "query",
    "Only jobs of one of these kinds, separated by commas: " + ", ".join(f"`{kind}`" for kind in Kind) + ".",
    _STR,
)
_OWNER = Parameter("owner", "query", "Whose jobs, for support, operators and admins. Default: your own.", _STR)
_MANAGED = Parameter("owner", "query", "Whose, for admins. Default: everybody's.", _STR)
_NAME = Parameter(
    "q",
    "query",
    "Only jobs whose name contains this text, case-insensitively. A search takes several pages if there are many jobs:"
    " one with fewer than `limit` items, or with none, is the last one only if it has no `nextCursor`.",
    _STR,
)
_NOTICE_STATE = Parameter(
    "state",
    "query",
    "`open`: those that nobody has acknowledged and that are not over; `all`: also the others of the last 90 days.",
    {**_STR, "enum": list(schemas.NoticeState), "default": "open"},
)
_SECONDS = {"type": "number", "minimum": 0, "maximum": MAX_WAIT, "multipleOf": 0.001, "default": 0}
_WAIT = Parameter("wait", "query", "Seconds to wait before the response begins.", _SECONDS)
_SILENCE = Parameter("silence", "query", "Seconds between the two events, in which nothing is sent.", _SECONDS)
_SEARCH = Parameter("q", "query", "Only files whose name contains this text, case-insensitively.", _STR)
_TEXT = Parameter(
    "text",
    "query",
    'Only PDFs in whose text these words are; `"words in quotes"` side by side, `or` between alternatives, `-` before a'
    " word that must not be there. It needs the scope `results:read`, too.",
    _STR,
)
_ROLE = Parameter(
    "role",
    "query",
    "Only files of this role. Default: `original`, or `any` with `parent`.",
    {**_STR, "enum": [files.ANY_ROLE, *Role]},
)
_DOWNLOAD = Parameter(
    "download",
    "query",
    "With 1, browsers save the file, also where they could show it.",
    {**_INT, "minimum": 0, "maximum": 1},
)
_PARENT = Parameter(
    "parent", "query", "Only files that were made of the file with this id.",
    {**_INT, "minimum": FILE_ID_MIN, "maximum": FILE_ID_MAX},
)  # fmt: skip

_TIME = {**_STR, "format": "date-time"}
_JOB_FILTER = (
    Parameter(
        "q",
        "query",
        "Only jobs with this text, case-insensitively, in their title, their error, or the name of one of their files; "
        "whose id it is or begins with, from 8 digits on; or whose owner it is.",
        {**_STR, "maxLength": operator.MAX_TEXT},
    ),
    Parameter("status", "query", "Only these statuses, separated by commas.", _STR),
    Parameter("kind", "query", "Only these kinds, separated by commas.", _STR),
    Parameter("owner", "query", "Only jobs of this owner.", _STR),
    Parameter("since", "query", "Only jobs created at this time or later.", _TIME),
    Parameter("until", "query", "Only jobs created before this time.", _TIME),
    Parameter("dead", "query", "With `true`, only dead jobs.", {"type": "boolean", "default": False}),
)

OPERATIONS = (
    Operation(
        "POST", f"{V1}/initiate", CREATE_JOB, jobs.initiate, "initiate", "Request files", "jobs",
        {202: (schemas.Accepted,)}, (request_bodies.FileSelection,), (_KEY,), (400, 409, 413, 415, 422, 429, 503),
    ),
    Operation(
        "POST", f"{V1}/check", READ_FILES, files.check, "check", "Check files, and the size of the result",
        "files", {200: (schemas.FileCheck, schemas.Preflight)}, (request_bodies.OneFile, request_bodies.FileSelection), (),
        (400, 413, 415, 422, 502, 503),
    ),
    Operation(
        "POST", f"{V1}/start", START_FILE, jobs.start, "start", "Request one file and wait for it", "jobs",
        {200: (schemas.Started,), 202: (schemas.Accepted,)}, (request_bodies.OneFile,), (_PREFER_ASYNC,),
        (400, 413, 415, 429, 502, 503),
    ),
    Operation(
        "GET", f"{V1}/job/{{jobId}}", SEE_JOB, jobs.status, "status", "Get the current status of a job", "jobs",
        {200: (schemas.JobStatus, schemas.ProcessingStatus), 304: ()}, (), (_SINCE, _PREFER, _MATCH), (400, 404, 429, 503),
    ),
    Operation(
        "DELETE", f"{V1}/job/{{jobId}}", CHANGE_JOB, jobs.cancel, "cancel", "Cancel a job", "jobs",
        {200: (schemas.JobStatus, schemas.UploadStatus, schemas.ProcessingStatus)}, problems=(400, 404, 409, 503),
    ),
    Operation(
        "POST", f"{V1}/job/{{jobId}}/retry", RETRY_JOB, jobs.retry, "retry", "Run an ended job again", "jobs",
        {202: (schemas.Accepted,)}, problems=(400, 404, 409, 429, 503),
    ),
    Operation(
        "GET", f"{V1}/job/{{jobId}}/history", SEE_JOB, histories.history, "history",
        "List the transitions of a job, oldest first", "jobs", {200: (schemas.HistoryPage,)}, (),
        (_CURSOR, _LIMIT), (400, 404, 503),
    ),
    Operation(
        "DELETE", f"{V1}/job/{{jobId}}/bundle", DELETE_RESULT, links.remove, "removeBundle",
        "Delete the result before it expires", "results", {204: ()}, problems=(400, 404, 409, 503),
    ),
    Operation(
        "GET", f"{V1}/job/{{jobId}}/download-url", GET_RESULT, links.download_url, "downloadUrl",
        "Get a new presigned URL", "results", {200: (schemas.Link,)}, problems=(400, 404, 409, 410, 503),
    ),
    Operation(
        "GET", f"{V1}/job/{{jobId}}/file", GET_FILE, links.file, "file",
        "Stable link: redirects to a new presigned URL",
        "results", {303: ()}, (), (_SHARE,), (400, 404, 409, 410, 429, 503),
    ),
    Operation(
        "POST", f"{V1}/job/{{jobId}}/shares", SHARE_RESULT, shares.create, "share", "Create a share link to the result",
        "results", {201: (schemas.ShareCreated,)}, (NewShare,), problems=(400, 404, 413, 415, 503),
    ),
    Operation(
        "GET", f"{V1}/job/{{jobId}}/shares", SEE_JOB, shares.listing, "shares", "List the share links of a job",
        "results", {200: (schemas.ShareList,)}, problems=(400, 404, 503),
    ),
    Operation(
        "DELETE", f"{V1}/job/{{jobId}}/shares/{{id}}", CHANGE_JOB, shares.revoke, "revokeShare", "Revoke a share link",
        "results", {204: ()}, problems=(400, 404, 503),
    ),
    Operation(
        "GET", f"{V1}/stream/{{jobId}}", FOLLOW_JOB, streams.one, "stream",
        "Stream the changes of a job as server-sent events", "jobs",
        {200: (schemas.JobStatus, Event), 204: ()}, (), (_AFTER, _LAST, _TICKET), (400, 404), streams.MEDIA_TYPE,
    ),
    Operation(
        "GET", f"{V1}/stream", FOLLOW_JOBS, streams.many, "streamMany",
        "Stream the changes of several jobs as server-sent events", "jobs",
        {200: (schemas.JobStatus, Event)}, (), (_JOBS, _TICKET), (400, 404), streams.MEDIA_TYPE,
    ),
    Operation(
        "GET", f"{V1}/jobs", SEE_JOBS, jobs.listing, "jobs", "List your jobs, newest first", "jobs",
        {200: (schemas.JobPage,)}, (), (_STATUS, _NAME, _OWNER, _CURSOR, _LIMIT), (400, 503),
    ),
    Operation(
        "GET", f"{V1}/dead", SEE_JOBS, dead.listing, "dead",
        "List your dead jobs: out of attempts on possibly temporary errors, latest first", "dead jobs",
        {200: (schemas.DeadPage,)}, (), (_KIND, _OWNER, _CURSOR, _LIMIT), (400, 503),
    ),
    Operation(
        "DELETE", f"{V1}/dead/{{jobId}}", CHANGE_JOB, dead.delete, "delete", "Permanently delete a dead job",
        "dead jobs", {204: ()}, problems=(400, 404, 409, 503),
    ),
    *(
        Operation(
            "GET", path, READ_FILES, files.catalogue, name, "List the files that can be requested", "files",
            {200: (schemas.FilePage,)}, (), (_SEARCH, _TEXT, _ROLE, _PARENT, _CURSOR, _LIMIT), (400, 503),
        )
        for path, name in ((f"{V1}/files", "files"), (FILES, "filesAlias"))
    ),
    Operation(
        "GET", f"{FILES}/{{id}}", READ_FILE, files.read, "readFile", "Get a file of the catalogue", "files",
        {200: (schemas.FileDetail,)}, problems=(400, 404, 410, 503),
    ),
    Operation(
        "GET", f"{FILES}/{{id}}/content", GET_CONTENT, files.content, "fileContent",
        "Redirect to a presigned URL of a file, for images and players", "files",
        {302: ()}, (), (_DOWNLOAD,), (400, 404, 410, 503),
    ),
    Operation(
        "POST", f"{FILES}/reprocess", REPROCESS_FILES, files.reprocess, "reprocess",
        "Process files again, as an operator", "files", {200: (schemas.Reprocessed,)}, (request_bodies.Reprocess,), (),
        (400, 413, 415, 503),
    ),
    Operation(
        "DELETE", f"{FILES}/{{id}}", DELETE_FILE, files.delete, "deleteFile", "Remove a file from the catalogue", "files",
        {204: ()}, problems=(400, 404, 410, 503),
    ),
    Operation(
        "POST", UPLOAD, UPLOAD_FILES, uploads.create, "upload", "Create uploads, one for each file", "uploads",
        {202: (schemas.UploadsCreated,)}, (request_bodies.NewUploads,), (_KEY,), (400, 409, 413, 415, 422, 429, 503),
    ),
    Operation(
        "GET", f"{UPLOAD}/jobs", SEE_JOBS, uploads.listing, "uploads", "List your uploads, newest first", "uploads",
        {200: (schemas.UploadPage,)}, (), (_STATUS, _OWNER, _CURSOR, _LIMIT), (400, 503),
    ),
    Operation(
        "POST", f"{UPLOAD}/{{jobId}}/parts", SEND_PARTS, uploads.send, "sendParts",
        "Sign URLs for parts of a file, and record which were sent", "uploads",
        {200: (schemas.PartsSigned,)}, (request_bodies.SendParts,), (), (400, 404, 409, 413, 415, 503),
    ),
    Operation(
        "GET", f"{UPLOAD}/{{jobId}}/parts", SEE_PARTS, uploads.parts, "parts",
        "List the parts of a file whose URLs were signed", "uploads",
        {200: (schemas.UploadParts,)}, problems=(400, 404, 503),
    ),
    Operation(
        "POST", f"{UPLOAD}/{{jobId}}/complete", SEND_PARTS, uploads.complete, "completeUpload",
        "Complete an upload all of whose parts were sent", "uploads",
        {202: (schemas.UploadCompleted,)}, (request_bodies.CompleteUpload,), (), (400, 404, 409, 413, 415, 503),
        needs_body=False,
    ),
    *(
        Operation(
            "POST", path, TO_INTAKE, uploads.to_intake, name, "Upload a file by a form, which the intake receives",
            "uploads", {202: (schemas.UploadsCreated,), 307: ()}, problems=(400, 413, 415, 501, 503),
            form=request_bodies.UploadForm,
        )
        for path, name in ((f"{UPLOAD}/form", "uploadForm"), ("/upload", "uploadFormAlias"))
    ),
    *(
        Operation(
            "GET", f"{UPLOAD}/{alias}/{{jobId}}", SEE_JOB, jobs.status, name, "Get the current status of an upload",
            "uploads", {200: (schemas.UploadStatus, schemas.JobStatus), 304: ()}, (),
            (_SINCE, _PREFER, _MATCH), (400, 404, 429, 503),
        )
        for alias, name in (("job", "uploadStatus"), ("status", "uploadStatusAlias"))
    ),
    Operation(
        "GET", f"{ACCESS}/session", EVERYBODY, sessions.current, "session", "See who you are", "access",
        {200: (schemas.Caller,)}, problems=(400, 403, 503),
    ),
    Operation(
        "POST", f"{ACCESS}/session", EVERYBODY, sessions.sign_in, "signIn", "Sign in with a one-time link", "access",
        {200: (schemas.Caller,)}, (SignIn,), (), (400, 401, 403, 413, 415, 429, 503),
    ),
    Operation(
        "DELETE", f"{ACCESS}/session", EVERYBODY, sessions.sign_out, "signOut", "Sign out", "access",
        {204: ()}, problems=(400, 403, 503),
    ),
    Operation(
        "GET", f"{ACCESS}/sessions", MANAGE_ACCESS, sessions.listing, "sessions",
        "List your open sessions; as an admin, all of them", "access", {200: (schemas.SessionList,)}, (), (_MANAGED,),
        (400, 503),
    ),
    Operation(
        "DELETE", f"{ACCESS}/sessions/{{id}}", MANAGE_ACCESS, sessions.revoke, "revokeSession", "End a session", "access",
        {204: ()}, problems=(404, 503),
    ),
    Operation(
        "GET", f"{ACCESS}/keys", MANAGE_ACCESS, keys.listing, "keys", "List your API keys; as an admin, all of them",
        "access", {200: (schemas.KeyList,)}, (), (_MANAGED,), (400, 503),
    ),
    Operation(
        "POST", f"{ACCESS}/keys", CREATE_KEY, keys.create, "createKey", "Create an API key, as somebody who has signed in",
        "access", {201: (schemas.KeyCreated,)}, (NewKey,), (), (400, 413, 415, 503),
    ),
    Operation(
        "DELETE", f"{ACCESS}/keys/{{id}}", MANAGE_ACCESS, keys.revoke, "revokeKey", "Revoke an API key", "access",
        {204: ()}, problems=(404, 503),
    ),
    Operation(
        "POST", f"{ACCESS}/tickets", GET_TICKET, sessions.ticket, "ticket",
        "Get a ticket for one stream of a page of another origin", "access", {201: (schemas.Ticket,)}, problems=(503,),
    ),
    Operation(
        "GET", f"{ACCESS}/audit", READ_AUDIT, audit.listing, "audit", "List who did what, as an admin", "access",
        {200: (schemas.AuditPage,)}, (), (_CURSOR, _LIMIT), (400, 503),
    ),
    Operation(
        "GET", NOTICES, SEE_FLEET, notices.listing, "notices",
        "List what operators should know of, as support, an operator or an admin, latest first", "notices",
        {200: (schemas.NoticePage,)}, (), (_NOTICE_STATE, _CURSOR, _LIMIT), (400, 503),
    ),
    Operation(
        "POST", f"{NOTICES}/{{id}}/acknowledge", ACKNOWLEDGE_NOTICE, notices.acknowledge, "acknowledgeNotice",
        "Acknowledge a notice, as an operator or admin", "notices", {200: (schemas.NoticeItem,)},
        problems=(400, 404, 503),
    ),
    Operation(
        "GET", f"{OPERATOR}/overview", SEE_FLEET, operator.overview, "overview",
        "See dependencies, processes, queues, rates and storage, as support, an operator or an admin", "operation",
        {200: (operator_schemas.Overview,)}, problems=(503,),
    ),
    Operation(
        "GET", f"{OPERATOR}/workers", SEE_FLEET, operator.workers, "workers",
        "List the workers, and what each runs now", "operation", {200: (operator_schemas.WorkerList,)}, problems=(503,),
    ),
    Operation(
        "GET", f"{OPERATOR}/jobs", SEE_FLEET, operator.listing, "operatorJobs",
        "List and search the jobs of all owners, newest first", "operation",
        {200: (operator_schemas.OperatorJobPage,)}, (), (*_JOB_FILTER, _CURSOR, _LIMIT), (400, 503),
    ),
    Operation(
        "GET", f"{OPERATOR}/jobs/count", SEE_FLEET, operator.count, "countJobs",
        "Count the jobs of all owners that meet the same conditions", "operation",
        {200: (operator_schemas.JobCount,)}, (), _JOB_FILTER, (400, 503),
    ),
    Operation(
        "GET", f"{OPERATOR}/jobs/{{jobId}}", SEE_TIMELINE, operator.timeline, "timeline",
        "Get one job with its attempts and transitions, and why it waits", "operation",
        {200: (operator_schemas.JobTimeline,)}, problems=(400, 404, 503),
    ),
    Operation(
        "GET", f"{OPERATOR}/stream", FOLLOW_FLEET, streams.overview, "streamOverview",
        "Stream the overview as server-sent events, whenever it has changed", "operation",
        {200: (operator_schemas.OverviewMessage,)}, (), (_TICKET,), (400,), streams.MEDIA_TYPE,
    ),
    Operation(
        "POST", f"{OPERATOR}/actions", STEER_FLEET, operator_actions.create, "createAction",
        "Retry, cancel or delete all jobs that match a filter", "operation",
        {202: (operator_action_schemas.OperatorAction,)}, (request_bodies.NewAction,), (), (400, 409, 413, 415, 503),
    ),
    Operation(
        "GET", f"{OPERATOR}/actions", SEE_FLEET, operator_actions.listing, "actions",
        "List the latest 50 bulk actions", "operation", {200: (operator_action_schemas.OperatorActionList,)},
        problems=(503,),
    ),
    Operation(
        "GET", f"{OPERATOR}/actions/{{id}}", SEE_FLEET, operator_actions.read, "readAction",
        "See how far a bulk action is", "operation", {200: (operator_action_schemas.OperatorAction,)},
        problems=(400, 404, 503),
    ),
    Operation(
        "DELETE", f"{OPERATOR}/actions/{{id}}", STEER_FLEET, operator_actions.stop, "stopAction",
        "Stop a bulk action; what it has done stays", "operation", {200: (operator_action_schemas.OperatorAction,)},
        problems=(400, 404, 409, 503),
    ),
    Operation(
        "GET", f"{OPERATOR}/queues", SEE_FLEET, operator_actions.queues, "queues", "See which queues are paused",
        "operation", {200: (operator_action_schemas.QueueList,)}, problems=(503,),
    ),
    Operation(
        "POST", f"{OPERATOR}/queues/{{kind}}/pause", STEER_FLEET, operator_actions.pause, "pauseQueue",
        "Pause a queue: no job of the kind is claimed", "operation", {200: (operator_action_schemas.QueueState,)},
        (request_bodies.PauseQueue,), (), (400, 413, 415, 503), needs_body=False,
    ),
    Operation(
        "POST", f"{OPERATOR}/queues/{{kind}}/resume", STEER_FLEET, operator_actions.resume, "resumeQueue",
        "Resume a paused queue", "operation", {200: (operator_action_schemas.QueueState,)}, problems=(400, 503),
    ),
    Operation(
        "POST", f"{OPERATOR}/workers/{{name}}/drain", STEER_FLEET, operator_actions.drain, "drainWorker",
        "Let a worker finish or release its jobs and claim no others", "operation",
        {200: (operator_action_schemas.WorkerOrder,)}, problems=(400, 404, 503),
    ),
    Operation(
        "POST", f"{OPERATOR}/workers/{{name}}/resume", STEER_FLEET, operator_actions.undrain, "resumeWorker",
        "Let a drained worker claim jobs again", "operation", {200: (operator_action_schemas.WorkerOrder,)},
        problems=(400, 404, 503),
    ),
    Operation(
        "POST", WEBHOOKS, MANAGE_WEBHOOKS, webhooks.create, "createWebhook",
        "Be told when jobs end, by requests to a URL", "webhooks", {201: (schemas.WebhookCreated,)},
        (request_bodies.NewWebhook,), problems=(400, 403, 409, 413, 415, 422, 503),
    ),
    Operation(
        "GET", WEBHOOKS, SEE_WEBHOOKS, webhooks.listing, "webhooks", "List webhooks", "webhooks",
        {200: (schemas.WebhookList,)}, problems=(503,),
    ),
    Operation(
        "GET", f"{WEBHOOKS}/{{id}}", SEE_WEBHOOKS, webhooks.read, "webhook", "Get a webhook", "webhooks",
        {200: (schemas.WebhookItem,)}, problems=(404, 503),
    ),
    Operation(
        "DELETE", f"{WEBHOOKS}/{{id}}", MANAGE_WEBHOOKS, webhooks.delete, "deleteWebhook", "Delete a webhook", "webhooks",
        {204: ()}, problems=(404, 503),
    ),
    Operation(
        "POST", f"{WEBHOOKS}/{{id}}/rotate", MANAGE_WEBHOOKS, webhooks.rotate, "rotateWebhook",
        "Give a webhook a new secret and key pair", "webhooks", {200: (schemas.WebhookCreated,)}, problems=(404, 503),
    ),
    Operation(
        "POST", f"{WEBHOOKS}/{{id}}/enable", MANAGE_WEBHOOKS, webhooks.enable, "enableWebhook",
        "Send messages again to a webhook that was switched off", "webhooks", {200: (schemas.WebhookItem,)},
        problems=(404, 503),
    ),
    Operation(
        "POST", f"{WEBHOOKS}/{{id}}/test", MANAGE_WEBHOOKS, webhooks.test, "testWebhook", "Send a test message", "webhooks",
        {204: ()}, problems=(404, 503),
    ),
    Operation(
        "GET", f"{WEBHOOKS}/{{id}}/deliveries", SEE_WEBHOOKS, webhooks.deliveries, "deliveries",
        "List what was sent to a webhook, newest first", "webhooks", {200: (schemas.DeliveryPage,)}, (),
        (_CURSOR, _LIMIT), (400, 404, 503),
    ),
    Operation(
        "POST", f"{WEBHOOKS}/{{id}}/replay", MANAGE_WEBHOOKS, webhooks.send_again, "replayWebhook",
        "Send messages of a time again", "webhooks", {200: (schemas.Replayed,)}, (request_bodies.Replay,),
        problems=(400, 404, 413, 415, 503),
    ),
    *(
        Operation(
            method, f"{DIAGNOSE}/request", EVERYBODY, diagnoses.request, f"diagnoseRequest{suffix}",
            f"See what the gateway has received of this request{what}", "diagnosis",
            {200: (schemas.SeenRequest,)}, (), (_WAIT,), (400, 429),
        )
        for method, suffix, what in (("GET", "", ""), ("POST", "WithBody", ", which may have any body"))
    ),
    Operation(
        "GET", f"{DIAGNOSE}/stream", EVERYBODY, diagnoses.stream, "diagnoseStream",
        "Stream two events with a silence between them", "diagnosis", {200: (schemas.DiagnosticEvent,)}, (),
        (_SILENCE,), (400, 429), streams.MEDIA_TYPE,
    ),
    Operation(
        "GET", "/health", EVERYBODY, health.health, "health", "Check all dependencies", "health",
        {200: (schemas.Health,), 503: (schemas.Health,)},
    ),
    Operation(
        "GET", "/health/live", EVERYBODY, health.live, "live", "Check that the process is alive", "health",
        {200: (schemas.Live,)},
    ),
    Operation(
        "GET", "/health/ready", EVERYBODY, health.ready, "ready", "Check that the process can serve requests", "health",
        {200: (schemas.Ready,), 503: (schemas.Ready,)},
    ),
    Operation(
        "GET", "/", EVERYBODY, pages.root, "root", "The page for browsers, links for others", "pages",
        {200: (schemas.Root,)},
    ),
)  # fmt: skip
