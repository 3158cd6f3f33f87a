"""Dead jobs: look at them, and drop those that nobody wants any more. The way back is a job's `retry`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.context import answer, context
from app.endpoints.jobs import next_link
from app.requests import Reading, encode_cursor, job_cursor, path_job_id, query_int
from app.schemas import DeadPage
from app.serializers import CACHE_CONTROL, dead_of
from jobs.owners import ANONYMOUS


async def listing(request: Request) -> Response:
    """Own dead jobs, those that died last first."""
    with Reading(request) as reading:
        limit = reading(query_int, "limit", 50, 1, 200)
        cursor = reading(job_cursor)
    found = await context(request).services.downloads.dead_page(ANONYMOUS, cursor, limit + 1)
    jobs = [dead_of(job) for job in found[:limit]]
    following = encode_cursor(jobs[-1].finished_at.isoformat(), str(jobs[-1].job_id)) if len(found) > limit else None
    page = DeadPage(jobs=jobs, next_cursor=following)
    return answer(page, headers={"Cache-Control": CACHE_CONTROL, **next_link(request, following)})


async def delete(request: Request) -> Response:
    """Takes a dead job out of sight, for good."""
    job_id = path_job_id(request)
    it = context(request)
    await it.services.lifecycle.delete(job_id)
    it.hub.polling.invalidate(job_id)
    return Response(None, 204)
