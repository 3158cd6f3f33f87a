"""A client of the HTTP API that retries while a server is briefly unavailable, and reports clearly when it stays so."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote, urlencode
from uuid import UUID, uuid4

import urllib3
from pydantic import BaseModel, ValidationError
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationParseError, NewConnectionError
from urllib3.util import Url, parse_url

from app.cli.errors import Refused, ServerUnreachable
from app.schemas import (
    Accepted,
    BaseStatus,
    Link,
    NewUploadItem,
    PartsSigned,
    Reprocessed,
    UploadItem,
    UploadPage,
    UploadParts,
    UploadsCreated,
    UploadStatus,
)
from jobs.errors import InvalidRequest

M = TypeVar("M", bound=BaseModel)
S = TypeVar("S", bound=BaseStatus)

_FIRST_RETRIES = (0.2, 0.5, 1.0)
"""Seconds before each retry while no server has responded yet: probably none is running."""
_RETRIES = (0.2, 0.5, 1.0, 2.0, 4.0, 5.0)
"""The same for a server that responded before: probably it is restarting."""
_MAX_RETRY_AFTER = 5.0
_LONG_WAIT = 60.0
"""Seconds: a client that has to wait longer for its limit is told so at once."""
_CONNECT_TIMEOUT = 5.0
_READ_TIMEOUT = 30.0
_TRANSIENT = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_NOT_TRANSIENT = {"too_many_followers", "too_many_running_jobs", "too_many_uploads", "upload_quota_exceeded"}
"""Problems with a transient status that only the caller, or a long wait, can solve."""
_CONNECTIONS = 8
_NOT_SENT = (NewConnectionError, ConnectTimeoutError)


class ApiClient:
    """The API of one server. Every method may raise `Refused` and `ServerUnreachable`."""

    def __init__(self, server: str, token: str | None = None) -> None:
        """`token`: an API key that each request to the server carries, and no request to the store.

        Raises `InvalidRequest` when `server` is not the http or https URL of a host, perhaps with a port and a path."""
        self.server = _checked_url(server)
        self._authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.pool = urllib3.PoolManager(retries=False, maxsize=_CONNECTIONS)
        self._retries: tuple[float, ...] = _FIRST_RETRIES

    def initiate(self, body: Mapping[str, Any]) -> Accepted:
        """Start a job. The idempotency key makes it safe to retry when the response was lost."""
        headers = {"Idempotency-Key": str(uuid4())}
        response = self.request("POST", "/v1/download/initiate", body=body, headers=headers)
        return parse(Accepted, response.data)

    def poll(
        self, job_id: UUID, since: int, etag: str | None, wait: int, model: type[S]
    ) -> tuple[S | None, str | None]:
        """Fetch the job, with the files that changed after `since`, and its ETag. None if it still has this `etag`.

        `model`: the status of its kind. With `wait` the server responds as soon as something has changed, and after that
        many seconds at the latest.
        """
        headers = ({"Prefer": f"wait={wait}"} if wait else {}) | ({"If-None-Match": etag} if etag else {})
        path = f"{_job_path(job_id)}?since={since}"
        response = self.request("GET", path, headers=headers, timeout=_READ_TIMEOUT + wait)
        changed = response.status != HTTPStatus.NOT_MODIFIED
        return parse(model, response.data) if changed else None, response.headers.get("ETag")

    def create_uploads(self, files: Sequence[Mapping[str, Any]], options: Mapping[str, Any]) -> list[NewUploadItem]:
        """Create an upload for each file, in their order. Safe to retry, as `initiate`.

        `options`: other fields of the body, such as `visibility` and `recipe`.
        """
        headers = {"Idempotency-Key": str(uuid4())}
        response = self.request("POST", "/v1/upload", body={"files": files, **options}, headers=headers)
        return parse(UploadsCreated, response.data).jobs

    def uploads(self, status: str | None = None) -> Iterator[list[UploadItem]]:
        """Fetch own uploads, in this status if there is one, page by page, newest first."""
        chosen = {"status": status} if status else {}
        cursor: str | None = None
        while True:
            query = urlencode(chosen | {"limit": 200} | ({"cursor": cursor} if cursor else {}))
            page = parse(UploadPage, self.request("GET", f"/v1/upload/jobs?{query}").data)
            yield page.jobs
            cursor = page.next_cursor
            if cursor is None:
                return

    def upload(self, job_id: UUID) -> UploadStatus:
        """Fetch the status of an upload."""
        return parse(UploadStatus, self.request("GET", f"/v1/upload/job/{job_id}").data)

    def parts(self, job_id: UUID) -> UploadParts:
        """Fetch which parts of an upload were signed and sent."""
        return parse(UploadParts, self.request("GET", f"/v1/upload/{job_id}/parts").data)

    def send_parts(self, job_id: UUID, sign: Mapping[int, int], sent: Sequence[int]) -> PartsSigned:
        """Fetch URLs for parts, given with their CRC-32, and report those that were `sent`."""
        wanted = [{"number": number, "crc32": f"{crc32:08x}"} for number, crc32 in sign.items()]
        body = {"sign": wanted, "sent": list(sent)}
        return parse(PartsSigned, self.request("POST", f"/v1/upload/{job_id}/parts", body=body).data)

    def complete_upload(self, job_id: UUID, sent: Sequence[int]) -> None:
        """Complete an upload, and report the last parts that were `sent`; it may be repeated."""
        self.request("POST", f"/v1/upload/{job_id}/complete", body={"sent": list(sent)})

    def reprocess(self, selection: Mapping[str, Any]) -> Reprocessed:
        """Let some of the selected files be processed again. It may be repeated: what waits already is left out."""
        return parse(Reprocessed, self.request("POST", "/v1/files/reprocess", body=selection).data)

    def link(self, job_id: UUID) -> Link:
        """Fetch a fresh presigned URL of the job's result."""
        return parse(Link, self.request("GET", f"{_job_path(job_id)}/download-url").data)

    def jobs(self, status: str | None, limit: int) -> bytes:
        """Fetch the newest jobs: a `JobPage` in the server's JSON."""
        query = {"limit": limit} | ({"status": status} if status else {})
        return self.request("GET", f"/v1/download/jobs?{urlencode(query)}").data

    def status(self, job_id: UUID, since: int | None) -> bytes:
        """Fetch the status of a job in the server's JSON, with the files that changed after `since`, or none for None."""
        return self.request("GET", _job_path(job_id) if since is None else f"{_job_path(job_id)}?since={since}").data

    def dead_jobs(self, limit: int, cursor: str | None = None) -> bytes:
        """Fetch the most recent dead jobs: a `DeadPage` in the server's JSON."""
        return self.request("GET", f"/v1/download/dead?{_page_query(limit, cursor)}").data

    def history(self, job_id: UUID, limit: int, cursor: str | None = None) -> bytes:
        """Fetch a job's transitions, oldest first: a `HistoryPage` in the server's JSON."""
        return self.request("GET", f"{_job_path(job_id)}/history?{_page_query(limit, cursor)}").data

    def retry(self, job_id: UUID) -> bytes:
        """Queue an ended job again. Resent only if it was surely not received: a second retry would be refused."""
        return self.request("POST", f"{_job_path(job_id)}/retry", repeatable=False).data

    def delete_dead_job(self, job_id: UUID) -> None:
        """Delete a dead job. Resent only if it was surely not received: a second one would find no job."""
        self.request("DELETE", f"/v1/download/dead/{job_id}", repeatable=False)

    def notices(self, state: str, limit: int, cursor: str | None = None) -> bytes:
        """Fetch notices for operators, latest first, `open` ones or `all`: a `NoticePage` in the server's JSON."""
        return self.request("GET", f"/v1/notices?state={state}&{_page_query(limit, cursor)}").data

    def acknowledge_notice(self, notice_id: int) -> bytes:
        """Acknowledge a notice; returns a `NoticeItem` in the server's JSON. It may be repeated."""
        return self.request("POST", f"/v1/notices/{notice_id}/acknowledge").data

    def webhooks(self) -> bytes:
        """Fetch the webhooks: a `WebhookList` in the server's JSON."""
        return self.request("GET", "/v1/webhooks").data

    def create_webhook(self, new: Mapping[str, Any]) -> bytes:
        """Create a webhook: a `WebhookCreated` in the server's JSON. Resent only if it was surely not received."""
        return self.request("POST", "/v1/webhooks", body=new, repeatable=False).data

    def change_webhook(self, webhook_id: str, action: str, body: Mapping[str, Any] | None = None) -> bytes:
        """`rotate`, `enable`, `test` or `replay` a webhook. Resent only if it was surely not received."""
        return self.request(
            "POST", f"/v1/webhooks/{quote(webhook_id, safe='')}/{action}", body=body, repeatable=False
        ).data

    def delete_webhook(self, webhook_id: str) -> None:
        """Delete a webhook. Resent only if it was surely not received: a second one would find none."""
        self.request("DELETE", f"/v1/webhooks/{quote(webhook_id, safe='')}", repeatable=False)

    def deliveries(self, webhook_id: str, limit: int, cursor: str | None = None) -> bytes:
        """Fetch what was sent to a webhook, newest first: a `DeliveryPage` in the server's JSON."""
        return self.request(
            "GET", f"/v1/webhooks/{quote(webhook_id, safe='')}/deliveries?{_page_query(limit, cursor)}"
        ).data

    def queues(self) -> bytes:
        """Fetch which queues are paused: a `QueueList` in the server's JSON."""
        return self.request("GET", "/v1/operator/queues").data

    def pause_queue(self, kind: str, reason: str | None) -> bytes:
        """Pause a queue; returns a `QueueState` in the server's JSON. It may be repeated."""
        body = {} if reason is None else {"reason": reason}
        return self.request("POST", f"/v1/operator/queues/{kind}/pause", body=body).data

    def resume_queue(self, kind: str) -> bytes:
        """Resume a queue; returns a `QueueState` in the server's JSON. It may be repeated."""
        return self.request("POST", f"/v1/operator/queues/{kind}/resume").data

    def workers(self) -> bytes:
        """Fetch the workers and what they run: a `WorkerList` in the server's JSON."""
        return self.request("GET", "/v1/operator/workers").data

    def order_worker(self, name: str, order: str) -> bytes:
        """Let a worker `drain` or `resume`; returns a `WorkerOrder` in the server's JSON. It may be repeated."""
        return self.request("POST", f"/v1/operator/workers/{quote(name, safe='')}/{order}").data

    def actions(self) -> bytes:
        """Fetch the latest bulk actions: an `OperatorActionList` in the server's JSON."""
        return self.request("GET", "/v1/operator/actions").data

    def action(self, action_id: int) -> bytes:
        """Fetch a bulk action: an `OperatorAction` in the server's JSON."""
        return self.request("GET", f"/v1/operator/actions/{action_id}").data

    def create_action(self, command: str, wanted: Mapping[str, Any], expected: int) -> bytes:
        """Create a bulk action; returns an `OperatorAction` in the server's JSON. Resent only if it was not received:
        a second one would do the same to jobs that match by then."""
        body = {"action": command, "filter": wanted, "expected": expected}
        return self.request("POST", "/v1/operator/actions", body=body, repeatable=False).data

    def stop_action(self, action_id: int) -> bytes:
        """Stop a bulk action; returns an `OperatorAction` in the server's JSON. It may be repeated."""
        return self.request("DELETE", f"/v1/operator/actions/{action_id}").data

    def cancel(self, job_id: UUID) -> bytes:
        """Cancel a job; returns a `JobStatus` in the server's JSON."""
        return self.request("DELETE", _job_path(job_id)).data

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = _READ_TIMEOUT,
        repeatable: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        """Send a request, with retries where they may help. `timeout`: seconds without a byte."""
        all_headers = {"Accept": "application/json", **self._authorization, **(headers or {})}
        timeouts = urllib3.Timeout(connect=_CONNECT_TIMEOUT, read=timeout)
        for delay in (*self._retries, None):
            requested_delay = 0.0
            try:
                response = self.pool.request(
                    method, self.server + path, json=body, headers=all_headers, timeout=timeouts
                )
            except HTTPError as error:
                if delay is None or not (repeatable or isinstance(error, _NOT_SENT)):
                    raise ServerUnreachable(
                        f"The server at {self.server} can't be reached ({type(error).__name__}). Is it running? "
                        "Start one with `haulage up`, or choose another with --server."
                    ) from error
            else:
                self._retries = _RETRIES
                if response.status < HTTPStatus.BAD_REQUEST:
                    self._require_json(response)
                    return response
                problem = _problem_of(response)
                retry_after = response.headers.get("Retry-After", "")
                requested_delay = float(retry_after) if retry_after.isdecimal() else 0.0
                is_transient = _is_transient(response.status, problem.get("error"), requested_delay)
                if delay is None or not is_transient:
                    raise self._refusal(response.status, problem)
            time.sleep(max(delay, min(requested_delay, _MAX_RETRY_AFTER)))
        raise AssertionError

    def _require_json(self, response: urllib3.BaseHTTPResponse) -> None:
        """Raises `Refused` for a web page or a redirect to one, for example to log in at a proxy."""
        if response.status in {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}:
            return
        if response.status >= HTTPStatus.MULTIPLE_CHOICES:
            target = response.headers.get("Location", "")
            raise Refused(f"{self.server} redirects to {target}: use that URL if it is the Haulage server.", "client")
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if media_type != "application/json":
            raise Refused(f"{self.server} responded with {media_type or 'no JSON'}: is it a Haulage server?", "client")

    def _refusal(self, status: int, problem: Mapping[str, Any]) -> Refused:
        if "error" not in problem:
            return Refused(f"{self.server} responded with status {status}: is it a Haulage server?", "client")
        return Refused(str(problem.get("message", problem["error"])), str(problem["error"]), problem)


def parse(model: type[M], body: bytes) -> M:
    """Return a response as its model. Raises `Refused` when it is another one: the server may have another version."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise Refused("The server's response is not the expected one: is it a Haulage server?", "client") from error


def _checked_url(server: str) -> str:
    """Return the URL without a slash at its end. Raises `InvalidRequest`."""
    if "@" in server.partition("//")[2].partition("/")[0]:  # not repeated in the message: it may be a password
        raise InvalidRequest("The URL of the server must not contain a user name or password.")
    try:
        url = parse_url(server.strip())
    except LocationParseError:
        url = Url()
    if url.scheme not in {"http", "https"} or not url.host:
        raise InvalidRequest(f"{server!r} is not the URL of a server, like http://127.0.0.1:8080")
    if url.query is not None or url.fragment is not None:
        raise InvalidRequest(f"The URL of the server must not contain ? or #: {server!r}")
    return url.url.rstrip("/")


def _job_path(job_id: UUID) -> str:
    return f"/v1/download/job/{job_id}"


def _page_query(limit: int, cursor: str | None) -> str:
    return urlencode({"limit": limit} | ({"cursor": cursor} if cursor else {}))


def _is_transient(status: int, problem: object, retry_after: float) -> bool:
    """Whether a retry within seconds may succeed. `retry_after`: seconds for which the server wants to be left alone."""
    if problem in _NOT_TRANSIENT:
        return False
    if status == HTTPStatus.TOO_MANY_REQUESTS and retry_after > _LONG_WAIT:
        return False
    return status in _TRANSIENT or problem == "idempotency_key_in_flight"


def _problem_of(response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    """Return the members of a problem (RFC 9457); empty for any other response."""
    try:
        found = json.loads(response.data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
