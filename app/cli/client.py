"""A client of the HTTP API: patient with servers that are away for a moment, clear about those that stay away."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

import urllib3
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from app.cli.errors import Refused, ServerUnreachable
from app.schemas import Accepted, JobStatus, Link
from jobs.errors import InvalidRequest

_FIRST_PAUSES = (0.2, 0.5, 1.0)
"""Seconds before each further try while no server has answered yet: probably there is none."""
_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0, 5.0)
"""The same for a server that was there: probably it is being started again."""
_LONGEST_PAUSE = 5.0
_CONNECT_TIMEOUT = 5.0
_READ_TIMEOUT = 30.0
_BUSY = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}
_NOT_SENT = (NewConnectionError, ConnectTimeoutError)


class Api:
    """The API of one server. Every method may raise `Refused` and `ServerUnreachable`."""

    def __init__(self, server: str) -> None:
        """Raises `InvalidRequest` when `server` is no http address."""
        parts = urlsplit(server)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidRequest(f"{server!r} is not the address of a server, like http://127.0.0.1:8080")
        self.server = server.rstrip("/")
        self.pool = urllib3.PoolManager(retries=False)
        self._pauses: tuple[float, ...] = _FIRST_PAUSES

    def initiate(self, body: Mapping[str, Any]) -> Accepted:
        """Start a job. The key makes a try whose answer got lost safe to repeat."""
        headers = {"Idempotency-Key": str(uuid4())}
        return Accepted.model_validate_json(self.ask("POST", "/v1/download/initiate", body=body, headers=headers).data)

    def poll(self, job_id: UUID, since: int, etag: str | None, wait: int) -> tuple[JobStatus | None, str | None]:
        """Fetch the job, with the files that changed after `since`, and its ETag. None if it still has this `etag`.

        With `wait` the server responds as soon as something has changed, and after that many seconds at the latest.
        """
        headers = ({"Prefer": f"wait={wait}"} if wait else {}) | ({"If-None-Match": etag} if etag else {})
        answer = self.ask("GET", f"{_job(job_id)}?since={since}", headers=headers, patience=_READ_TIMEOUT + wait)
        status = None if answer.status == HTTPStatus.NOT_MODIFIED else JobStatus.model_validate_json(answer.data)
        return status, answer.headers.get("ETag")

    def link(self, job_id: UUID) -> Link:
        """A fresh presigned URL, and what it leads to."""
        return Link.model_validate_json(self.ask("GET", f"{_job(job_id)}/download-url").data)

    def jobs(self, status: str | None, limit: int) -> bytes:
        """A `JobPage` of the newest jobs, in the server's JSON."""
        query = {"limit": limit} | ({"status": status} if status else {})
        return self.ask("GET", f"/v1/download/jobs?{urlencode(query)}").data

    def status(self, job_id: UUID, since: int | None) -> bytes:
        """A `JobStatus` with the files that have changed after `since`, in the server's JSON; None wants no files."""
        return self.ask("GET", _job(job_id) if since is None else f"{_job(job_id)}?since={since}").data

    def dead(self, limit: int, cursor: str | None = None) -> bytes:
        """A `DeadPage` of the jobs that died last, in the server's JSON."""
        return self.ask("GET", f"/v1/download/dead?{_page(limit, cursor)}").data

    def history(self, job_id: UUID, limit: int, cursor: str | None = None) -> bytes:
        """A `HistoryPage` of a job's transitions, oldest first, in the server's JSON."""
        return self.ask("GET", f"{_job(job_id)}/history?{_page(limit, cursor)}").data

    def retry(self, job_id: UUID) -> bytes:
        """Queue an ended job again. Repeated only while it surely did not get through: done twice it is refused."""
        return self.ask("POST", f"{_job(job_id)}/retry", repeatable=False).data

    def drop(self, job_id: UUID) -> None:
        """Delete a dead job. Repeated only as `retry` is."""
        self.ask("DELETE", f"/v1/download/dead/{job_id}", repeatable=False)

    def cancel(self, job_id: UUID) -> bytes:
        """Cancel a job; a `JobStatus` in the server's JSON."""
        return self.ask("DELETE", _job(job_id)).data

    def ask(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        patience: float = _READ_TIMEOUT,
        repeatable: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        """The answer, after further tries where they may help. `patience`: seconds without a byte."""
        for pause in (*self._pauses, None):
            asked = 0.0
            try:
                answer = self._send(method, path, body, headers or {}, patience)
            except HTTPError as error:
                if pause is None or not (repeatable or isinstance(error, _NOT_SENT)):
                    raise self._unreachable(error) from error
            else:
                self._pauses = _PAUSES
                if answer.status < HTTPStatus.BAD_REQUEST:
                    return answer
                if pause is None or not _may_pass(answer):
                    raise self._refused(answer)
                asked = retry_after(answer)
            time.sleep(max(pause, asked))
        raise AssertionError

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str], patience: float
    ) -> urllib3.BaseHTTPResponse:
        timeout = urllib3.Timeout(connect=_CONNECT_TIMEOUT, read=patience)
        all_headers = {"Accept": "application/json", **headers}
        return self.pool.request(method, self.server + path, json=body, headers=all_headers, timeout=timeout)

    def _unreachable(self, error: HTTPError) -> ServerUnreachable:
        return ServerUnreachable(
            f"The server at {self.server} can't be reached ({type(error).__name__}). Is it running? "
            "Start one with `haulage up`, or name another with --server."
        )

    def _refused(self, answer: urllib3.BaseHTTPResponse) -> Refused:
        problem = problem_of(answer)
        if "error" not in problem:
            return Refused(f"{self.server} answered {answer.status}: is it a Haulage server?", "client")
        return Refused(str(problem.get("message", problem["error"])), str(problem["error"]))


def _job(job_id: UUID) -> str:
    return f"/v1/download/job/{job_id}"


def _page(limit: int, cursor: str | None) -> str:
    return urlencode({"limit": limit} | ({"cursor": cursor} if cursor else {}))


def _may_pass(answer: urllib3.BaseHTTPResponse) -> bool:
    problem = problem_of(answer).get("error")
    if problem == "too_many_followers":  # a poll that does not wait is answered
        return False
    return answer.status in _BUSY or problem == "idempotency_key_in_flight"


def retry_after(answer: urllib3.BaseHTTPResponse) -> float:
    """Seconds after which the server asks to come back, as far as we are that patient."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), _LONGEST_PAUSE) if text.isdecimal() else 0.0


def problem_of(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    """The members of a problem (RFC 9457); none for an answer that is something else."""
    try:
        found = json.loads(answer.data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
