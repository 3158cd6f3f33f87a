"""The history of a job: all its transitions."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.context import context
from app.pagination import number_cursor, page_limit, page_of, page_response
from app.requests import RequestReader, path_job_id
from app.schemas import HistoryPage
from app.serializers import transition_of


async def history(request: Request) -> Response:
    """A job's transitions, oldest first."""
    with RequestReader(request) as read:
        job_id = read(path_job_id)
        limit = read(page_limit)
        after = read(number_cursor)
    found = await context(request).services.lifecycle.events(job_id, after, limit + 1)
    page = page_of(found, limit, lambda event: (str(event["seq"]),))
    history = HistoryPage(transitions=[transition_of(event) for event in page.items], next_cursor=page.next_cursor)
    return page_response(request, history, page.next_cursor)
