"""Where errors become responses: one table from error codes to HTTP problems, WebSocket close codes and exit codes.

HTTP problems are those of RFC 9457. An event stream sends the `retry` of the close code instead, where it has one.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from app.close_codes import CloseCode
from app.exit_codes import ExitCode
from app.metrics import LIMITED
from app.rate_limit_headers import jobs_quota
from app.schemas import FieldProblem, ProblemBody
from jobs.errors import HaulageError, TooManyJobs


class UnsupportedMediaType(HaulageError):
    code = "unsupported_media_type"


class BodyTooLarge(HaulageError):
    code = "body_too_large"


class WrongHost(HaulageError):
    code = "wrong_host"


class ForbiddenOrigin(HaulageError):
    """A page of another site tried to open a WebSocket: browsers do not check that themselves (RFC 6455, section 10.2)."""

    code = "forbidden_origin"


class Unauthenticated(HaulageError):
    """Nothing in the request proves who it comes from. The message says what to do."""

    code = "unauthenticated"


class NotFound(HaulageError):
    """A key or a session that does not exist, or is not the caller's."""

    code = "not_found"


class InvalidToken(Unauthenticated):
    """A bearer token that is not accepted. `retry_after`: seconds after which it may be, if its key is known by then."""

    code = "invalid_token"

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class IssuerUnavailable(HaulageError):
    """The keys of a token's issuer could not be read, and there are none that were read recently enough."""

    code = "issuer_unavailable"


class SignInFailed(HaulageError):
    """A sign-in at an OpenID provider did not succeed."""

    code = "sign_in_failed"


class ShareNotFound(HaulageError):
    code = "share_not_found"


class PasswordRequired(HaulageError):
    """A share link has a password, which the request does not have, or another one."""

    code = "password_required"


class TooManyPasswords(HaulageError):
    code = "too_many_passwords"


class Forbidden(HaulageError):
    """The caller is known, and may not do this: a scope or a role is missing."""

    code = "forbidden"


class UnsupportedSubprotocol(HaulageError):
    code = "unsupported_subprotocol"


class TooManyRequests(HaulageError):
    """The caller has sent as many requests as it may. `retry_after`: seconds until it may send another one."""

    code = "too_many_requests"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooManyFailedAttempts(TooManyRequests):
    """Too many requests from one address had a credential that is not valid."""

    code = "too_many_failed_attempts"


class TooManyFollowers(HaulageError):
    code = "too_many_followers"


class ServerStops(HaulageError):
    code = "server_stops"


class RequestTimeout(HaulageError):
    code = "request_timeout"


class MalformedRequest(HaulageError):
    """Not HTTP/1.1 (RFC 9112), or in a form that two servers might read differently."""

    code = "malformed_request"


class HeadTooLarge(HaulageError):
    code = "head_too_large"


class TargetTooLong(HaulageError):
    code = "target_too_long"


class RequestIncomplete(HaulageError):
    """The rest of a request's head or body did not arrive in time."""

    code = "request_incomplete"


class UnsupportedTusVersion(HaulageError):
    code = "unsupported_tus_version"


class UploadEnded(HaulageError):
    """An upload that was cancelled, or has lapsed, before all its bytes had arrived."""

    code = "upload_ended"


class UnsupportedTransferCoding(HaulageError):
    code = "unsupported_transfer_coding"


class TooManyConnections(HaulageError):
    code = "too_many_connections"


class TooManyDiagnoses(HaulageError):
    code = "too_many_diagnoses"


class GatewayFull(HaulageError):
    code = "gateway_full"


class IntakeMissing(HaulageError):
    """There is no intake to which the gateway could redirect."""

    code = "intake_missing"


@dataclass(frozen=True, slots=True)
class ErrorResponse:
    """How an error is reported. `retry_after`: seconds after which a retry may succeed, None if it won't."""

    status: int
    title: str
    exit_code: ExitCode = ExitCode.FAILED
    retry_after: int | None = None
    close_code: CloseCode = CloseCode.INTERNAL


RESPONSES: dict[str, ErrorResponse] = {
    # bad requests
    "invalid_request": ErrorResponse(400, "Invalid request", ExitCode.INVALID, close_code=CloseCode.BAD_REQUEST),
    "unsupported_media_type": ErrorResponse(415, "Unsupported media type", ExitCode.INVALID),
    "body_too_large": ErrorResponse(413, "The body is too large", ExitCode.INVALID),
    "wrong_host": ErrorResponse(400, "Unknown host name", ExitCode.INVALID, close_code=CloseCode.WRONG_HOST),
    "forbidden_origin": ErrorResponse(403, "Origin not allowed", ExitCode.INVALID, close_code=CloseCode.FORBIDDEN),
    "unsupported_subprotocol": ErrorResponse(
        400, "Unsupported subprotocol", ExitCode.INVALID, close_code=CloseCode.BAD_SUBPROTOCOL
    ),
    "malformed_request": ErrorResponse(400, "Malformed request", ExitCode.INVALID),
    "head_too_large": ErrorResponse(431, "The request head is too large", ExitCode.INVALID),
    "target_too_long": ErrorResponse(414, "The address is too long", ExitCode.INVALID),
    "request_incomplete": ErrorResponse(408, "The request did not arrive in time", ExitCode.UNAVAILABLE),
    "unsupported_transfer_coding": ErrorResponse(501, "Unsupported transfer coding", ExitCode.INVALID),
    "unauthenticated": ErrorResponse(401, "Sign in or send a key", ExitCode.NOT_ALLOWED, close_code=CloseCode.SIGN_IN),
    "invalid_token": ErrorResponse(
        401, "The token is not accepted", ExitCode.NOT_ALLOWED, close_code=CloseCode.SIGN_IN
    ),
    "issuer_unavailable": ErrorResponse(
        503, "The token's issuer is unavailable", ExitCode.UNAVAILABLE, retry_after=5, close_code=CloseCode.UNAVAILABLE
    ),
    "grant_exhausted": ErrorResponse(403, "The grant is used up", ExitCode.NOT_ALLOWED),
    "sign_in_failed": ErrorResponse(400, "Sign-in failed", ExitCode.NOT_ALLOWED),
    "share_not_found": ErrorResponse(404, "Share link not found", ExitCode.NOT_FOUND),
    "password_required": ErrorResponse(401, "Password required", ExitCode.NOT_ALLOWED),
    "too_many_passwords": ErrorResponse(429, "Too many wrong passwords", ExitCode.UNAVAILABLE, retry_after=60),
    "forbidden": ErrorResponse(403, "Not allowed", ExitCode.NOT_ALLOWED, close_code=CloseCode.FORBIDDEN),
    "not_found": ErrorResponse(404, "Not found", ExitCode.NOT_FOUND),
    "user_not_found": ErrorResponse(404, "User not found", ExitCode.NOT_FOUND),
    "notice_not_found": ErrorResponse(404, "Notice not found", ExitCode.NOT_FOUND),
    "worker_not_found": ErrorResponse(404, "Worker not found", ExitCode.NOT_FOUND),
    "action_not_found": ErrorResponse(404, "Action not found", ExitCode.NOT_FOUND),
    "action_ended": ErrorResponse(409, "The action has ended", ExitCode.WRONG_STATE),
    "count_changed": ErrorResponse(409, "More jobs match than expected", ExitCode.WRONG_STATE),
    "job_not_found": ErrorResponse(404, "Job not found", ExitCode.NOT_FOUND, close_code=CloseCode.NOT_FOUND),
    "illegal_transition": ErrorResponse(409, "Not possible in the job's current state", ExitCode.WRONG_STATE),
    "not_ready": ErrorResponse(409, "The job has not completed yet", ExitCode.WRONG_STATE),
    "source_changed": ErrorResponse(409, "The file has changed since the job completed", ExitCode.WRONG_STATE),
    "result_expired": ErrorResponse(410, "The result has expired", ExitCode.EXPIRED),
    "result_gone": ErrorResponse(404, "The result no longer exists", ExitCode.NOT_FOUND),
    "idempotency_key_reused": ErrorResponse(
        422, "The Idempotency-Key was used for a different request", ExitCode.INVALID
    ),
    "idempotency_key_in_flight": ErrorResponse(
        409, "A request with this Idempotency-Key is still being processed", ExitCode.WRONG_STATE, retry_after=1
    ),
    "file_not_found": ErrorResponse(404, "File not found", ExitCode.NOT_FOUND),
    "file_gone": ErrorResponse(410, "The file was removed", ExitCode.EXPIRED),
    "upload_too_large": ErrorResponse(413, "The file is too large", ExitCode.INVALID),
    "parts_missing": ErrorResponse(409, "Parts of the file are missing", ExitCode.WRONG_STATE),
    "unsupported_tus_version": ErrorResponse(412, "Another version of tus is needed", ExitCode.INVALID),
    "upload_ended": ErrorResponse(410, "The upload was cancelled", ExitCode.WRONG_STATE),
    "upload_busy": ErrorResponse(
        423, "The upload is being sent by another request", ExitCode.WRONG_STATE, retry_after=1
    ),
    "wrong_offset": ErrorResponse(409, "The bytes do not follow those that have arrived", ExitCode.WRONG_STATE),
    "wrong_checksum": ErrorResponse(460, "The bytes do not have the checksum", ExitCode.INVALID),
    "too_many_uploads": ErrorResponse(429, "Too many open uploads", ExitCode.UNAVAILABLE, retry_after=30),
    "upload_quota_exceeded": ErrorResponse(429, "Too many bytes in a day", ExitCode.UNAVAILABLE, retry_after=3600),
    "webhook_not_found": ErrorResponse(404, "Webhook not found", ExitCode.NOT_FOUND),
    "too_many_webhooks": ErrorResponse(409, "Too many webhooks", ExitCode.WRONG_STATE),
    "invalid_url": ErrorResponse(422, "Not a URL that requests can be sent to", ExitCode.INVALID),
    "egress_refused": ErrorResponse(422, "Requests may not be sent to this host", ExitCode.INVALID),
    "egress_failed": ErrorResponse(502, "The host did not respond", ExitCode.UNAVAILABLE),
    "egress_timeout": ErrorResponse(504, "The host did not respond in time", ExitCode.UNAVAILABLE),
    "mail_failed": ErrorResponse(502, "The mail was not sent", ExitCode.UNAVAILABLE),
    # failed attempts
    "source_rejected": ErrorResponse(422, "The URL cannot be fetched", ExitCode.INVALID),
    "source_unavailable": ErrorResponse(502, "The host of a URL did not deliver the file", ExitCode.UNAVAILABLE),
    "source_too_slow": ErrorResponse(504, "The host of a URL is too slow", ExitCode.UNAVAILABLE),
    "type_mismatch": ErrorResponse(422, "The file is not what it claims to be", ExitCode.INVALID),
    "upload_incomplete": ErrorResponse(409, "The upload is incomplete", ExitCode.INVALID),
    "processing_failed": ErrorResponse(422, "Not everything could be made of the file", ExitCode.FAILED),
    "decoder_failed": ErrorResponse(500, "The decoder has crashed"),
    "decoder_timeout": ErrorResponse(500, "The decoder was too slow"),
    "scratch_full": ErrorResponse(503, "No scratch space is free", ExitCode.UNAVAILABLE, retry_after=5),
    "files_missing": ErrorResponse(404, "Files are missing", ExitCode.NOT_FOUND),
    "bundle_too_large": ErrorResponse(422, "The bundle would be too large", ExitCode.INVALID),
    "checksum_mismatch": ErrorResponse(
        502, "A file does not match its checksum in the catalogue", ExitCode.UNAVAILABLE
    ),
    "object_missing": ErrorResponse(404, "Object not found", ExitCode.NOT_FOUND),
    "storage_fault": ErrorResponse(503, "The store returned an error", ExitCode.UNAVAILABLE, retry_after=5),
    "storage_down": ErrorResponse(503, "The store is unavailable", ExitCode.UNAVAILABLE, retry_after=5),
    "storage_busy": ErrorResponse(503, "The store is overloaded", ExitCode.UNAVAILABLE, retry_after=5),
    "storage_refused": ErrorResponse(503, "The store denied access", ExitCode.UNAVAILABLE, retry_after=5),
    "storage_out": ErrorResponse(503, "The store is unavailable", ExitCode.UNAVAILABLE, retry_after=5),
    "storage_unreachable": ErrorResponse(503, "The store cannot be reached", ExitCode.UNAVAILABLE, retry_after=5),
    "storage_timeout": ErrorResponse(503, "The store did not respond in time", ExitCode.UNAVAILABLE, retry_after=5),
    "infected": ErrorResponse(422, "The file is infected", ExitCode.INVALID),
    "unscannable": ErrorResponse(422, "The file could not be scanned for viruses", ExitCode.INVALID),
    "scanner_unavailable": ErrorResponse(503, "The virus scanner is unavailable", ExitCode.UNAVAILABLE, retry_after=5),
    "scanner_timeout": ErrorResponse(
        503, "The virus scanner did not respond in time", ExitCode.UNAVAILABLE, retry_after=5
    ),
    "scanner_misconfigured": ErrorResponse(
        503, "The virus scanner is not set up correctly", ExitCode.UNAVAILABLE, retry_after=30
    ),
    "sandbox_unavailable": ErrorResponse(503, "Files cannot be processed", ExitCode.UNAVAILABLE, retry_after=30),
    "attempt_timeout": ErrorResponse(504, "The attempt took too long", ExitCode.UNAVAILABLE),
    "queue_paused": ErrorResponse(503, "The queue is paused", ExitCode.UNAVAILABLE, retry_after=30),
    "stale_fence": ErrorResponse(409, "The job was changed by someone else", ExitCode.WRONG_STATE, retry_after=1),
    # the service
    "database_unavailable": ErrorResponse(
        503, "The database is unavailable", ExitCode.UNAVAILABLE, retry_after=2, close_code=CloseCode.UNAVAILABLE
    ),
    "database_refused": ErrorResponse(
        503, "The database refuses this server", ExitCode.UNAVAILABLE, retry_after=30, close_code=CloseCode.UNAVAILABLE
    ),
    "database_busy": ErrorResponse(
        503, "The server is overloaded", ExitCode.UNAVAILABLE, retry_after=2, close_code=CloseCode.UNAVAILABLE
    ),
    "redis_unavailable": ErrorResponse(503, "Redis is unavailable", ExitCode.UNAVAILABLE, retry_after=2),
    "queue_full": ErrorResponse(503, "The queue is full", ExitCode.UNAVAILABLE, retry_after=15),
    "too_many_jobs": ErrorResponse(429, "Too many downloads in an hour", ExitCode.UNAVAILABLE),
    "too_many_running_jobs": ErrorResponse(
        429, "Too many downloads at the same time", ExitCode.UNAVAILABLE, retry_after=15
    ),
    "too_many_requests": ErrorResponse(429, "Too many requests", ExitCode.UNAVAILABLE, retry_after=60),
    "too_many_failed_attempts": ErrorResponse(
        429, "Too many failed attempts to sign in", ExitCode.UNAVAILABLE, retry_after=3, close_code=CloseCode.TOO_MANY
    ),
    "too_many_followers": ErrorResponse(
        429, "Too many open streams and long-polls", ExitCode.UNAVAILABLE, retry_after=15, close_code=CloseCode.TOO_MANY
    ),
    "too_many_connections": ErrorResponse(
        429, "Too many connections from one address", ExitCode.UNAVAILABLE, retry_after=15
    ),
    "too_many_diagnoses": ErrorResponse(429, "Too many diagnostic requests", ExitCode.UNAVAILABLE, retry_after=60),
    "gateway_full": ErrorResponse(503, "Too many connections", ExitCode.UNAVAILABLE, retry_after=5),
    "intake_missing": ErrorResponse(501, "No intake", ExitCode.FAILED),
    "server_stops": ErrorResponse(
        503, "The server is shutting down", ExitCode.UNAVAILABLE, retry_after=2, close_code=CloseCode.RESTART
    ),
    "request_timeout": ErrorResponse(504, "The request took too long", ExitCode.UNAVAILABLE, retry_after=5),
    "stack": ErrorResponse(500, "Local stack failed", ExitCode.STACK_FAILED),
    "server_unreachable": ErrorResponse(503, "The server cannot be reached", ExitCode.UNAVAILABLE, retry_after=2),
    "client": ErrorResponse(500, "The command failed", ExitCode.FAILED),
    "internal": ErrorResponse(500, "Internal server error", ExitCode.FAILED),
}

MEDIA_TYPE = "application/problem+json"
CLIENT_CLOSED_REQUEST = 499
"""nginx's status for a client that disconnected; HTTP has none."""


async def handle(request: Request, error: Exception) -> Response:
    """The handler of all exceptions, for Starlette."""
    return problem(request, error)


def problem(request: Request, error: BaseException) -> Response:
    """The response to any error. One to a bug says nothing about it: the log does, under the request id."""
    match error:
        case HaulageError():
            response = RESPONSES[error.code]
            _count_limited(error)
            retry_after = getattr(error, "retry_after", response.retry_after)
            headers = {"Retry-After": str(retry_after)} if retry_after else {}
            if isinstance(error, TooManyJobs):
                request.scope["state"]["response"].quotas.append(jobs_quota(error.limit, 0, error.retry_after))
            if isinstance(error, Unauthenticated):  # RFC 6750, section 3
                headers["WWW-Authenticate"] = 'Bearer realm="haulage"'
            if isinstance(error, PasswordRequired):  # RFC 7617
                headers["WWW-Authenticate"] = 'Basic realm="share link", charset="UTF-8"'
            if isinstance(error, (BodyTooLarge, MalformedRequest, UnsupportedTransferCoding)):
                headers["Connection"] = "close"
            fields = [FieldProblem(field=field, message=text) for field, text in getattr(error, "problems", ())]
            body = _body(request, error.code, response.status, response.title, error.message)
            more = {name: getattr(error, name, None) for name in ("queue_position", "missing_parts", "count")}
            body = body.model_copy(update={"errors": fields or None, **more})
        case HTTPException():  # Starlette's own: no such path, no such method
            scope = request.scope
            root = scope.get("app_root_path", scope.get("root_path", ""))  # a mount moves the latter
            status, headers = error.status_code, dict(error.headers or {})
            code, detail = {
                404: (
                    "not_found",
                    f"The path {scope['path']} does not exist. See {root}/openapi.json for all paths.",
                ),
                405: (
                    "method_not_allowed",
                    f"{request.method} is not allowed here: see the Allow header.",
                ),
            }.get(status, ("http_error", error.detail))
            body = _body(request, code, status, HTTPStatus(status).phrase, detail)
        case ClientDisconnect():  # in the middle of its body: no bug, and nobody reads the response
            return Response(None, CLIENT_CLOSED_REQUEST)
        case _:
            detail = "An unexpected error was logged. Quote the requestId when you report it."
            headers, body = {}, _body(request, "internal", 500, RESPONSES["internal"].title, detail)
    headers = {"Cache-Control": "no-store", **headers}
    return Response(body.model_dump_json(exclude_none=True), body.status, headers, MEDIA_TYPE)


def close_code_of(error: BaseException) -> CloseCode:
    """The close code for any error."""
    if not isinstance(error, HaulageError):
        return CloseCode.INTERNAL
    code = RESPONSES[error.code].close_code
    if code.retry is not None:  # else a stream responds with a problem
        _count_limited(error)
    return code


def _count_limited(error: HaulageError) -> None:
    """Counts an error that says that a limit was reached."""
    if error.code in _FULL or RESPONSES[error.code].status == HTTPStatus.TOO_MANY_REQUESTS:
        LIMITED.labels(error.code).inc()


_FULL = frozenset({"database_busy", "gateway_full", "queue_full"})
"""The codes that stand for a limit, though their status is 503: it is one of this server, not of the client."""


def _body(request: Request, code: str, status: int, title: str, detail: str) -> ProblemBody:
    return ProblemBody(
        type=f"urn:haulage:problem:{code}",
        title=title,
        status=status,
        detail=detail,
        instance=quote(request.scope["path"]),
        error=code,
        message=detail,
        request_id=request.scope.get("state", {}).get("request_id", ""),
    )
