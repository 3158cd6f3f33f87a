"""Dead jobs: list them, and delete those that are not to be retried."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.context import context, listed_owner
from app.pagination import page_limit, page_of, page_response, time_cursor
from app.requests import RequestReader, path_job_id
from app.schemas import DeadPage
from app.serializers import dead_of


async def listing(request: Request) -> Response:
    """The caller's dead jobs, latest first."""
    with RequestReader(request) as read:
        limit = read(page_limit)
        cursor = read(time_cursor)
        owner = read(listed_owner)
    it = context(request)
    found = await it.services.downloads.dead_page(owner, cursor, limit + 1)
    jobs = [dead_of(job, it.address.root) for job in found]
    page = page_of(jobs, limit, lambda job: (job.finished_at.isoformat(), str(job.job_id)))
    return page_response(request, DeadPage(jobs=list(page.items), next_cursor=page.next_cursor), page.next_cursor)


async def delete(request: Request) -> Response:
    """Soft-deletes a dead job. Its rows are deleted after its leftover objects."""
    job_id = path_job_id(request)
    it = context(request)
    await it.services.lifecycle.delete(job_id)
    it.hub.polling.invalidate(job_id)
    return Response(None, 204)
