"""Every operation of the API, once: routes and OpenAPI are both made of this list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from app import schemas
from app.endpoints import dead, files, health, histories, jobs, links, pages, streams
from jobs.engine.events import Event
from jobs.engine.jobs import Status

Handler = Callable[[Request], Awaitable[Response]]
V1 = "/v1/download"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query or a header, with its JSON schema."""

    name: str
    place: str
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a path. `answers`: status to the models it may be (none: no body); `problems`: those it is known for."""

    method: str
    path: str
    handler: Handler
    name: str
    summary: str
    tag: str
    answers: dict[int, tuple[type[BaseModel], ...]]
    bodies: tuple[type[BaseModel], ...] = ()
    parameters: tuple[Parameter, ...] = ()
    problems: tuple[int, ...] = field(default=())
    media_type: str = "application/json"


_INT = {"type": "integer"}
_STR = {"type": "string"}
_CURSOR = Parameter("cursor", "query", "The `nextCursor` of the page before.", _STR)
_LIMIT = Parameter("limit", "query", "How many at most.", {**_INT, "minimum": 1, "maximum": 200, "default": 50})
_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "Makes the request safe to send again: the same key and body give the same job (draft 07).",
    {**_STR, "maxLength": 255},
)
_SINCE = Parameter(
    "since", "query", "Adds `files`: those that changed after this `seq`; 0 for all.", {**_INT, "minimum": 0}
)
_AFTER = Parameter(
    "since", "query", "The `seq` that the client has: only what changed after it is sent.", {**_INT, "minimum": 0}
)
_LAST = Parameter("Last-Event-ID", "header", "The `id` of the last event that the client had; before `since`.", _STR)
_JOBS = Parameter(
    "jobs", "query", "`id:since,id:since,…`: up to 50 jobs, each with the `seq` that the client has of it.", _STR
)
_PREFER = Parameter(
    "Prefer",
    "header",
    "`wait=N`, N up to 60 seconds: answers as soon as there is something newer than `since` or `If-None-Match`;"
    " without these as soon as the job has ended.",
    _STR,
)
_MATCH = Parameter("If-None-Match", "header", "The `ETag` of the last answer: 304 when nothing has changed.", _STR)
_STATUS = Parameter("status", "query", "Only jobs of this status.", {**_STR, "enum": [str(s) for s in Status]})
_SEARCH = Parameter("q", "query", "Only files whose name contains this, whatever its case.", _STR)

OPERATIONS = (
    Operation(
        "POST", f"{V1}/initiate", jobs.initiate, "initiate", "Ask for files", "jobs",
        {202: (schemas.Accepted,)}, (schemas.FileSelection,), (_KEY,), (400, 409, 413, 415, 422, 503),
    ),
    Operation(
        "POST", f"{V1}/check", files.check, "check", "Look whether files are there, and how large the result would be",
        "files", {200: (schemas.FileCheck, schemas.Preflight)}, (schemas.OneFile, schemas.FileSelection), (),
        (400, 413, 415, 422, 502, 503),
    ),
    Operation(
        "POST", f"{V1}/start", jobs.start, "start", "Ask for one file and wait for it", "jobs",
        {200: (schemas.Started,), 202: (schemas.Accepted,)}, (schemas.OneFile,), (), (400, 413, 415, 502, 503),
    ),
    Operation(
        "GET", f"{V1}/job/{{jobId}}", jobs.status, "status", "The job now", "jobs",
        {200: (schemas.JobStatus,), 304: ()}, (), (_SINCE, _PREFER, _MATCH), (400, 404, 429, 503),
    ),
    Operation(
        "DELETE", f"{V1}/job/{{jobId}}", jobs.cancel, "cancel", "Cancel the job", "jobs",
        {200: (schemas.JobStatus,)}, problems=(400, 404, 409, 503),
    ),
    Operation(
        "POST", f"{V1}/job/{{jobId}}/retry", jobs.retry, "retry", "Run an ended job again", "jobs",
        {202: (schemas.Accepted,)}, problems=(400, 404, 409, 503),
    ),
    Operation(
        "GET", f"{V1}/job/{{jobId}}/history", histories.history, "history", "The job's transitions, oldest first",
        "jobs", {200: (schemas.HistoryPage,)}, (), (_CURSOR, _LIMIT), (400, 404, 503),
    ),
    Operation(
        "DELETE", f"{V1}/job/{{jobId}}/bundle", links.remove, "removeBundle", "Remove the result before its time",
        "results", {204: ()}, problems=(400, 404, 409, 503),
    ),
    Operation(
        "GET", f"{V1}/job/{{jobId}}/download-url", links.download_url, "downloadUrl", "A fresh presigned URL",
        "results", {200: (schemas.Link,)}, problems=(400, 404, 409, 410, 503),
    ),
    Operation(
        "GET", f"{V1}/job/{{jobId}}/file", links.file, "file", "The stable link: redirects to a fresh presigned URL",
        "results", {303: ()}, problems=(400, 404, 409, 410, 503),
    ),
    Operation(
        "GET", f"{V1}/stream/{{jobId}}", streams.one, "stream", "The job's changes as server-sent events", "jobs",
        {200: (schemas.JobStatus, Event), 204: ()}, (), (_AFTER, _LAST), (400, 404), streams.MEDIA_TYPE,
    ),
    Operation(
        "GET", f"{V1}/stream", streams.many, "streamMany", "The changes of several jobs as server-sent events", "jobs",
        {200: (schemas.JobStatus, Event)}, (), (_JOBS,), (400, 404), streams.MEDIA_TYPE,
    ),
    Operation(
        "GET", f"{V1}/jobs", jobs.listing, "jobs", "Own jobs, newest first", "jobs",
        {200: (schemas.JobPage,)}, (), (_STATUS, _CURSOR, _LIMIT), (400, 503),
    ),
    Operation(
        "GET", f"{V1}/dead", dead.listing, "dead", "Own dead jobs: failed of what might pass, the last first", "dead jobs",
        {200: (schemas.DeadPage,)}, (), (_CURSOR, _LIMIT), (400, 503),
    ),
    Operation(
        "DELETE", f"{V1}/dead/{{jobId}}", dead.delete, "delete", "Delete a dead job, for good", "dead jobs",
        {204: ()}, problems=(400, 404, 409, 503),
    ),
    Operation(
        "GET", f"{V1}/files", files.catalogue, "files", "The files that can be asked for", "files",
        {200: (schemas.FilePage,)}, (), (_SEARCH, _CURSOR, _LIMIT), (400, 503),
    ),
    Operation(
        "GET", "/health", health.health, "health", "Every dependency", "health",
        {200: (schemas.Health,), 503: (schemas.Health,)},
    ),
    Operation("GET", "/health/live", health.live, "live", "The process answers", "health", {200: (schemas.Live,)}),
    Operation(
        "GET", "/health/ready", health.ready, "ready", "The process can serve", "health",
        {200: (schemas.Ready,), 503: (schemas.Ready,)},
    ),
    Operation(
        "GET", "/", pages.root, "root", "The page for a browser, facts for the rest", "pages", {200: (schemas.Root,)},
    ),
)  # fmt: skip
