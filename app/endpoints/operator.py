"""What operators see: the fleet, its workers, and the jobs of all owners."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.context import context, json_response
from app.operator_schemas import JobCount, OperatorJobPage, StatusCounts
from app.pagination import cursor_of, page_limit, page_response, time_cursor
from app.requests import RequestReader, invalid, path_job_id, query_choices, query_flag, query_text, query_time
from app.serializers import CACHE_CONTROL
from jobs.engine.job_filters import JobFilter
from jobs.engine.jobs import Status
from jobs.kinds import Kind

MAX_TEXT = 200
"""The longest text that is searched for, in characters."""
HEADERS = {"Cache-Control": CACHE_CONTROL}


async def overview(request: Request) -> Response:
    """The fleet as it is now."""
    return json_response(await context(request).overview.read(), headers=HEADERS)


async def workers(request: Request) -> Response:
    """The workers, and what each runs now."""
    return json_response(await context(request).operators.workers(), headers=HEADERS)


async def listing(request: Request) -> Response:
    """The jobs of all owners, newest first."""
    with RequestReader(request) as read:
        wanted = read(job_filter)
        limit = read(page_limit)
        before = read(time_cursor)
    it = context(request)
    found = await it.services.finder.page(wanted, before, limit)
    following = None if found.following is None else cursor_of(found.following[0].isoformat(), str(found.following[1]))
    jobs = await it.operators.jobs([job_id for _, job_id in found.jobs])
    return page_response(request, OperatorJobPage(jobs=jobs, next_cursor=following), following)


async def count(request: Request) -> Response:
    """How many jobs meet the same conditions."""
    found = await context(request).services.finder.count(job_filter(request))
    body = JobCount(count=sum(found.values()), by_status=StatusCounts.of(found))
    return json_response(body, headers=HEADERS)


async def timeline(request: Request) -> Response:
    """One job, and all that has happened to it."""
    return json_response(await context(request).operators.timeline(path_job_id(request)), headers=HEADERS)


def job_filter(request: Request) -> JobFilter:
    """The filter of the query. Raises `InvalidRequest`, with all problems."""
    with RequestReader(request) as read:
        text = read(query_text, "q")
        statuses = read(query_choices, "status", Status)
        kinds = read(query_choices, "kind", Kind)
        owner = read(query_text, "owner")
        since, until = read(query_time, "since"), read(query_time, "until")
        dead = read(query_flag, "dead")
        if text is not None and len(text) > MAX_TEXT:
            raise invalid("q", f"must have at most {MAX_TEXT} characters", text)
    return JobFilter(
        text=text.strip(),
        statuses=frozenset(statuses),
        kinds=frozenset(kinds),
        owner=owner or None,
        since=since,
        until=until,
        dead=dead,
    )
