"""The history of a job: every transition it has made."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.context import answer, context
from app.endpoints.jobs import next_link
from app.requests import Reading, encode_cursor, event_cursor, path_job_id, query_int
from app.schemas import HistoryPage
from app.serializers import CACHE_CONTROL, transition_of


async def history(request: Request) -> Response:
    """A job's transitions, oldest first."""
    with Reading(request) as reading:
        job_id = reading(path_job_id)
        limit = reading(query_int, "limit", 50, 1, 200)
        after = reading(event_cursor)
    found = await context(request).services.lifecycle.events(job_id, after, limit + 1)
    events, more = found[:limit], len(found) > limit
    following = encode_cursor(str(events[-1]["seq"])) if more else None
    page = HistoryPage(transitions=[transition_of(event) for event in events], next_cursor=following)
    return answer(page, headers={"Cache-Control": CACHE_CONTROL, **next_link(request, following)})
