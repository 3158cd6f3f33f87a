"""Reads requests: bodies, path and query parameters, headers. All problems of a request are reported at once."""

from __future__ import annotations

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.requests import HTTPConnection, Request

from app.problems import UnsupportedMediaType
from app.validation import Problem, problems_of, rejection
from jobs.errors import InvalidRequest
from jobs.tracing.traceparent import parse_traceparent

B = TypeVar("B", bound=BaseModel)
E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")
P = ParamSpec("P")

MAX_SEQ = 2**63 - 1
"""The largest `bigint` of PostgreSQL."""
MAX_STREAMED = 50
"""Jobs on one event stream."""
MAX_WAIT = 60
"""Longest long-poll, in seconds."""
SHOWN = 5
"""Problems in the summary; `errors` has them all."""

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class RequestReader:
    """Reads one request: the problems found in its block, those of the body included, are raised as one at its end."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._problems: list[Problem] = []

    def __enter__(self) -> Self:
        return self

    def __call__(self, read: Callable[Concatenate[Request, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The result of `read`; its problems are collected."""
        try:
            return read(self._request, *args, **kwargs)
        except InvalidRequest as error:
            self._problems += error.problems
            return cast("T", None)  # never used: the end of the block raises

    def __exit__(self, _: object, error: BaseException | None, __: TracebackType | None) -> None:
        if self._problems and (error is None or isinstance(error, InvalidRequest)):
            problems = [*self._problems, *(error.problems if error else ())]
            raise InvalidRequest(summary("request", problems), problems) from error


def traceparent(request: HTTPConnection) -> str | None:
    """The trace that the request has brought; None if it has none, several, or one that is invalid (W3C Trace Context)."""
    headers = request.headers.getlist("traceparent")
    return parse_traceparent(headers[0]) if len(headers) == 1 else None


async def read_body(request: Request, model: type[B]) -> B:
    """The body as a model. Raises `UnsupportedMediaType`, or `InvalidRequest` with every offending field."""
    raw = await read_json(request)
    return check(raw, model)


async def read_optional_body(request: Request, model: type[B]) -> B:
    """The same; without a body, the model with its defaults."""
    return await read_body(request, model) if await request.body() else model()


async def read_json(request: Request) -> Any:
    """The body as JSON; a byte order mark is ignored (RFC 8259, section 8.1).

    Raises `UnsupportedMediaType` and `InvalidRequest`.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        sent = f", not {media_type}" if media_type else ": set the Content-Type header"
        raise UnsupportedMediaType(f"The body must be application/json{sent}.")
    body = await request.body()
    if body.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise InvalidRequest("The body is UTF-16, but JSON is sent as UTF-8.", [("body", "must be UTF-8 (RFC 8259)")])
    if not body:
        raise InvalidRequest("The body is empty, but JSON is needed.", [("body", "is required")])
    try:
        return from_json(body.removeprefix(BOM_UTF8), allow_inf_nan=False)
    except ValueError as error:
        rule = f"is not valid JSON: {error}"
        raise InvalidRequest(f"The body {rule}.", [("body", rule)]) from error


def check(raw: Any, model: type[B]) -> B:
    """The value as a model. Raises `InvalidRequest` with every offending field."""
    problems: list[Problem] = []
    checked: B | None = None
    try:
        checked = model.model_validate(raw)
    except ValidationError as error:
        problems = problems_of(error, "body")
    repeated = getattr(model, "repeated", None)
    if repeated is not None:
        problems += repeated(raw)
    if problems or checked is None:
        raise InvalidRequest(summary("request", problems), problems)
    return checked


def summary(what: str, problems: Sequence[Problem]) -> str:
    """The problems of a request or message in one sentence."""
    listed = "; ".join(f"{field}: {text}" for field, text in problems[:SHOWN])
    more = f" (and {len(problems) - SHOWN} more)" if len(problems) > SHOWN else ""
    return f"The {what} is not valid: {listed}{more}."


def invalid(field: str, rule: str, value: str) -> InvalidRequest:
    """The error for one value of a request that breaks a rule."""
    problem = (field, rejection(rule, value))
    return InvalidRequest(summary("request", [problem]), [problem])


def path_job_id(request: Request) -> UUID:
    """The job id of the path. Raises `InvalidRequest` unless it is a UUID in its usual form."""
    return uuid_of(request.path_params["jobId"])


def uuid_of(text: str) -> UUID:
    """A job id. Raises `InvalidRequest` unless it is a UUID in its usual form."""
    if _UUID.fullmatch(text) is None:
        raise invalid("jobId", "must be a UUID", text)
    return UUID(text)


def query_jobs(request: Request) -> dict[UUID, int]:
    """The query's `jobs=id:since,…`: up to `MAX_STREAMED` jobs, with the client's last `seq` of each."""
    items = [item for item in request.query_params.get("jobs", "").split(",") if item]
    rule = f"must be 1 to {MAX_STREAMED} pairs of id:since, separated by commas"
    found: dict[UUID, int] = {}
    for item in items[: MAX_STREAMED + 1]:
        job_id, _, since = item.partition(":")
        if _UUID.fullmatch(job_id) is None or re.fullmatch(r"[0-9]{0,18}", since, re.ASCII) is None:
            raise invalid("jobs", rule, item)
        found[UUID(job_id)] = int(since or 0)
    if not items or len(items) > MAX_STREAMED:
        problem = ("jobs", f"{rule}, not {len(items)}")
        raise InvalidRequest(summary("request", [problem]), [problem])
    return found


def query_choices(request: Request, name: str, choices: type[E]) -> tuple[E, ...]:
    """Members of `choices` from the query, separated by commas, each once; empty if absent. Raises `InvalidRequest`."""
    text = request.query_params.get(name)
    if text is None:
        return ()
    try:
        return tuple(dict.fromkeys(map(choices, text.split(","))))
    except ValueError as error:
        rule = "must be one or more, separated by commas, of " + ", ".join(choices)
        raise invalid(name, rule, text) from error


def query_text(request: Request, name: str) -> str:
    """A text from the query, empty if absent. Raises `InvalidRequest` for one that PostgreSQL can't store."""
    text = request.query_params.get(name, "")
    if "\0" in text:
        raise invalid(name, "must have no NUL character", text)
    return text


def query_int(request: HTTPConnection, name: str, default: int, low: int, high: int) -> int:
    """An integer from the query, `default` if absent. Raises `InvalidRequest` unless it is from `low` to `high`."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII) is None or not low <= int(text) <= high:
        raise invalid(name, f"must be a whole number from {low} to {high}", text)
    return int(text)


def query_flag(request: Request, name: str) -> bool:
    """`true` or `false` from the query; false if absent. Raises `InvalidRequest`."""
    text = request.query_params.get(name, "false")
    if text not in {"true", "false"}:
        raise invalid(name, "must be true or false", text)
    return text == "true"


def query_time(request: Request, name: str) -> datetime | None:
    """A time from the query, in UTC; None if absent. Raises `InvalidRequest` unless it is RFC 3339 with an offset."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
        if time.tzinfo is not None:
            return time.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise invalid(name, "must be a time with its offset, as 2026-11-30T12:00:00Z (RFC 3339)", text)


def prefer_wait(request: Request, longest: float = MAX_WAIT) -> float | None:
    """Seconds of `Prefer: wait=N` (RFC 7240, section 4.3), at most `longest`; None without it."""
    for name, text in _preferences(request):
        if name == "wait" and text.isdecimal():
            return min(float(text[:9]), longest)
    return None


def prefers_async(request: Request) -> bool:
    """Whether the client would rather get 202 than wait longer: `Prefer: respond-async` (RFC 7240, section 4.1)."""
    return any(name == "respond-async" for name, _ in _preferences(request))


def _preferences(request: Request) -> Iterator[tuple[str, str]]:
    """The names, in lower case, and values of all `Prefer` headers, without their parameters (RFC 7240, section 2)."""
    for header in request.headers.getlist("prefer"):
        for preference in header.split(","):
            name, _, text = preference.partition(";")[0].partition("=")
            yield name.strip().lower(), text.strip().strip('"')


def idempotency_key(request: Request) -> str | None:
    """The Idempotency-Key (draft-ietf-httpapi-idempotency-key-header-07), quoted or not. Raises `InvalidRequest`."""
    text = request.headers.get("idempotency-key")
    if text is None:
        return None
    if len(text) > 1 and text.startswith('"') and text.endswith('"'):
        text = text[1:-1]
    if re.fullmatch(r"[\x21-\x7e]{1,255}", text) is None:
        raise invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters", text)
    return text
