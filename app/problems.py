"""The one table in which an error of the domain becomes an answer: an HTTP problem (RFC 9457) and an exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from app.schemas import FieldProblem, ProblemBody
from jobs.errors import HaulageError


class UnsupportedMediaType(HaulageError):
    code = "unsupported_media_type"


class BodyTooLarge(HaulageError):
    code = "body_too_large"


class WrongHost(HaulageError):
    code = "wrong_host"


class TooManyFollowers(HaulageError):
    code = "too_many_followers"


class ServerStops(HaulageError):
    code = "server_stops"


class RequestTimeout(HaulageError):
    code = "request_timeout"


@dataclass(frozen=True, slots=True)
class Answer:
    """How an error is answered. `retry_after`: seconds after which trying again may help."""

    status: int
    title: str
    exit_code: int = 1
    retry_after: int | None = None


ANSWERS: dict[str, Answer] = {
    # what a caller asked for
    "invalid_request": Answer(400, "The request is not valid", 2),
    "unsupported_media_type": Answer(415, "The body is not JSON", 2),
    "body_too_large": Answer(413, "The body is too large", 2),
    "wrong_host": Answer(400, "The host name is not served here", 2),
    "job_not_found": Answer(404, "No such job", 4),
    "illegal_transition": Answer(409, "The job's state does not allow that", 5),
    "not_ready": Answer(409, "The job is not completed", 5),
    "source_changed": Answer(409, "The file has changed since the job was completed", 5),
    "result_expired": Answer(410, "The result has expired", 6),
    "result_gone": Answer(404, "The result is gone", 4),
    "idempotency_key_reused": Answer(422, "The Idempotency-Key was used for another request", 2),
    "idempotency_key_in_flight": Answer(409, "A request with this Idempotency-Key is under way", 5, retry_after=1),
    # what ends an attempt
    "files_missing": Answer(404, "Files are missing", 4),
    "bundle_too_large": Answer(422, "The bundle would be too large", 2),
    "checksum_mismatch": Answer(502, "A file is not what the catalogue says", 7),
    "object_missing": Answer(404, "No such object", 4),
    "storage_fault": Answer(503, "The store answers with an error", 7, retry_after=5),
    "storage_down": Answer(503, "The store can't answer now", 7, retry_after=5),
    "storage_busy": Answer(503, "The store has too much to do", 7, retry_after=5),
    "storage_refused": Answer(503, "The store refuses access", 7, retry_after=5),
    "storage_out": Answer(503, "The store is out", 7, retry_after=5),
    "storage_unreachable": Answer(503, "The store can't be reached", 7, retry_after=5),
    "storage_timeout": Answer(503, "The store does not answer in time", 7, retry_after=5),
    "attempt_timeout": Answer(504, "The attempt took too long", 7),
    "stale_fence": Answer(409, "The job has moved on", 5, retry_after=1),
    # what the service itself lacks
    "database_unavailable": Answer(503, "The database can't be reached", 7, retry_after=2),
    "database_busy": Answer(503, "The server is too busy", 7, retry_after=2),
    "redis_unavailable": Answer(503, "Redis can't be reached", 7, retry_after=2),
    "queue_full": Answer(503, "The queue is full", 7, retry_after=15),
    "too_many_followers": Answer(429, "Too many open streams and long-polls", 7, retry_after=15),
    "server_stops": Answer(503, "The server stops", 7, retry_after=2),
    "request_timeout": Answer(504, "The request took too long", 7, retry_after=5),
    "stack": Answer(500, "The one-machine stack failed", 8),
    "server_unreachable": Answer(503, "The server can't be reached", 7, retry_after=2),
    "client": Answer(500, "The command failed", 1),
    "internal": Answer(500, "Something broke here", 1),
}

_HTTP_CODES = {404: "not_found", 405: "method_not_allowed"}
MEDIA_TYPE = "application/problem+json"


def problem(request: Request, error: HaulageError) -> Response:
    """The answer to an error of the domain."""
    answer = ANSWERS[error.code]
    retry_after = getattr(error, "retry_after", answer.retry_after)
    headers = {"Retry-After": str(retry_after)} if retry_after else {}
    fields = [FieldProblem(field=field, message=text) for field, text in getattr(error, "problems", ())]
    if isinstance(error, BodyTooLarge):
        headers["Connection"] = "close"
    position = getattr(error, "queue_position", None)
    return _respond(request, error.code, answer.status, answer.title, error.message, headers, fields, position)


def http_problem(request: Request, error: HTTPException) -> Response:
    """The answer to what Starlette itself refuses: no such path, no such method."""
    title = HTTPStatus(error.status_code).phrase
    detail = {
        404: f"There is nothing at {request.scope['path']}. See /openapi.json for what there is.",
        405: f"{request.method} is not possible here; the Allow header says what is.",
    }.get(error.status_code, error.detail)
    code = _HTTP_CODES.get(error.status_code, "http_error")
    return _respond(request, code, error.status_code, title, detail, dict(error.headers or {}), [])


def internal_problem(request: Request) -> Response:
    """The answer to a bug. It says nothing of it: the log does, under the request id."""
    detail = "An unexpected error was logged under this request id."
    return _respond(request, "internal", 500, ANSWERS["internal"].title, detail, {}, [])


def _respond(
    request: Request,
    code: str,
    status: int,
    title: str,
    detail: str,
    headers: Mapping[str, str],
    fields: list[FieldProblem],
    queue_position: int | None = None,
) -> Response:
    body = ProblemBody(
        type=f"urn:haulage:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        instance=quote(request.scope["path"]),
        error=code,
        message=detail,
        request_id=request.scope.get("state", {}).get("request_id", ""),
        errors=fields or None,
        queue_position=queue_position,
    )
    return Response(
        body.model_dump_json(exclude_none=True),
        status,
        {"Cache-Control": "no-store", **headers},
        MEDIA_TYPE,
    )
