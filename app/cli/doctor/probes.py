"""Requests through everything that lies between this machine and the gateway, each sent once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlsplit

import urllib3
from pydantic import ValidationError
from urllib3.exceptions import HTTPError

from app.cli.client import ApiClient
from app.schemas import SeenRequest

A = TypeVar("A")
R = TypeVar("R")

_READ_SIZE = 64 * 1024
_LIMITED = {"too_many_diagnoses", "too_many_connections"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How long the probes last, in seconds. All probes of a plan run at the same time.

    `race_gaps`: after how long a pause POSTs are sent to find the keep-alive race; None leaves out that check.
    """

    silences: tuple[float, ...] = (20, 45)
    waits: tuple[float, ...] = (20, 45, 65)
    websocket_silence: float = 45
    pause: float = 2
    race_gaps: tuple[float, ...] | None = None
    timeout: float = 20


QUICK = Plan()
THOROUGH = Plan(silences=(20, 45, 65, 105, 150), waits=(20, 45, 65, 105, 125), race_gaps=(5, 60, 75))


class ProbeFailed(Exception):
    """The response did not come, or did not come from the gateway. `after`: seconds from the request on."""

    def __init__(self, message: str, after: float, problem: str | None = None) -> None:
        super().__init__(message)
        self.after = after
        self.problem = problem
        """The code of the problem, if the gateway itself responded with one."""


class ProbeRefused(ProbeFailed):
    """The gateway limits diagnostic requests."""


class Path:
    """The path to the gateway at a URL. What fails raises `ProbeFailed`."""

    def __init__(self, url: str, plan: Plan, token: str | None = None) -> None:
        """`token`: an API key, for what needs one; requests to the store do not carry it.

        Raises `InvalidRequest` when `url` is not the URL of a server.
        """
        self.url = ApiClient(url).server
        self.plan = plan
        self.parts = urlsplit(self.url)
        self.host = self.parts.netloc
        self.origin = f"{self.parts.scheme}://{self.host}"
        self.authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.pool = urllib3.PoolManager(retries=False, maxsize=256)
        self.seen: SeenRequest

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        wait: float = 0,
        preload: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        """Sends a request to a path of the server, or a whole URL. `wait`: seconds that the response may take longer."""
        started = time.monotonic()
        url = path if "://" in path else self.url + path
        timeout = urllib3.Timeout(connect=self.plan.timeout, read=self.plan.timeout + wait)
        try:
            return self.pool.request(
                method,
                url,
                headers=headers,
                body=body,
                timeout=timeout,
                redirect=False,
                preload_content=preload,
            )
        except HTTPError as error:
            raise _closed(error, started) from error

    def json(self, method: str, path: str, **options: Any) -> tuple[Any, urllib3.BaseHTTPResponse]:
        """The gateway's response as JSON. Raises `ProbeFailed` for any other status than 200."""
        started = time.monotonic()
        response = self.send(method, path, **options)
        after = time.monotonic() - started
        try:
            body = json.loads(response.data)
        except ValueError:
            body = None
        if response.status != HTTPStatus.OK or not isinstance(body, dict):
            raise _refusal(response.status, body, after)
        return body, response

    def see(self, method: str = "GET", **options: Any) -> SeenRequest:
        """What the gateway has seen of a request."""
        wait = options.get("wait", 0)
        body, _ = self.json(method, f"/v1/diagnose/request?wait={wait:g}", **options)
        try:
            return SeenRequest.model_validate(body)
        except ValidationError as error:
            raise ProbeFailed("the response is not from a Haulage gateway of this version", 0) from error

    def event_times(self, silence: float) -> tuple[list[float], str]:
        """When the two events of a stream arrived, in seconds from the request on; and its content coding."""
        started = time.monotonic()
        response = self.send(
            "GET",
            f"/v1/diagnose/stream?silence={silence:g}",
            headers={"Accept": "text/event-stream", "Accept-Encoding": "gzip"},
            wait=silence,
            preload=False,
        )
        try:
            if response.status != HTTPStatus.OK:
                raise _refusal(response.status, _json(response.read()), time.monotonic() - started)
            coding = response.headers.get("Content-Encoding", "")
            times: list[float] = []
            text = b""
            while data := response.read1(_READ_SIZE, decode_content=True):
                text += data
                events = text.count(b"data:")
                times += [time.monotonic() - started] * (events - len(times))
        except HTTPError as error:
            raise _closed(error, started) from error
        finally:
            response.close()
        if len(times) != 2:  # noqa: PLR2004 - its two events
            raise ProbeFailed(f"the stream ended after {len(times)} of 2 events", time.monotonic() - started)
        return times, coding


def in_parallel(run: Callable[[A], R], arguments: Iterable[A]) -> list[R]:
    """Calls `run` with each argument, in a thread of its own, and returns the results in this order."""
    listed = list(arguments)
    with ThreadPoolExecutor(max(1, len(listed))) as threads:
        return list(threads.map(run, listed))


def longest(durations: Sequence[float], send: Callable[[float], object]) -> tuple[float, float | None]:
    """The longest duration that passed, and after how many seconds a longer one was cut, None if none was.

    `send` is called with each of them at the same time, and raises `ProbeFailed` if it is cut.
    """

    def cut_after(duration: float) -> float | None:
        try:
            send(duration)
        except ProbeRefused:
            raise
        except ProbeFailed as error:
            return error.after
        return None

    cuts = dict(zip(durations, in_parallel(cut_after, durations), strict=True))
    cut = min((after for after in cuts.values() if after is not None), default=None)
    return max((duration for duration, after in cuts.items() if after is None), default=0), cut


def reason_of(error: Exception) -> str:
    """The first line of an error, or its type if it has no text."""
    return (str(error) or type(error).__name__).splitlines()[0]


def _closed(error: HTTPError, started: float) -> ProbeFailed:
    after = time.monotonic() - started
    return ProbeFailed(f"no response within {after:.1f} s ({type(error).__name__})", after)


def _refusal(status: int, body: object, after: float) -> ProbeFailed:
    problem = body.get("error") if isinstance(body, dict) else None
    if problem in _LIMITED:
        return ProbeRefused("the gateway limits diagnostic requests", after, problem)
    sender = f"the gateway ({problem})" if problem else "a proxy"
    return ProbeFailed(f"status {status} after {after:.1f} s from {sender}", after, problem)


def _json(text: bytes) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None
