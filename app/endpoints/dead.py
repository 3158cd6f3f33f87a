"""Dead jobs: list them, and delete those that are not to be retried."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.context import context, listed_owner
from app.pagination import page_limit, page_of, page_response, time_cursor
from app.requests import RequestReader, path_job_id, query_choices
from app.schemas import DeadPage
from app.serializers import dead_of
from jobs.bundles.downloads import Download
from jobs.engine.jobs import Job
from jobs.kinds import Kind
from jobs.processing.processing import Processing
from jobs.services import Services
from jobs.uploads.uploads import Upload


async def listing(request: Request) -> Response:
    """The caller's dead jobs of all kinds, or of some, latest first."""
    with RequestReader(request) as read:
        limit = read(page_limit)
        cursor = read(time_cursor)
        kinds = read(query_choices, "kind", Kind) or tuple(Kind)
        owner = read(listed_owner)
    it = context(request)
    found = [job for kind in kinds for job in await _dead_page(it.services, kind, owner, cursor, limit + 1)]
    found.sort(key=_position, reverse=True)
    jobs = [dead_of(job, it.address.root) for job in found[: limit + 1]]
    page = page_of(jobs, limit, lambda job: (job.finished_at.isoformat(), str(job.job_id)))
    return page_response(request, DeadPage(jobs=list(page.items), next_cursor=page.next_cursor), page.next_cursor)


async def _dead_page(
    services: Services, kind: Kind, owner: str, before: tuple[datetime, UUID] | None, limit: int
) -> Sequence[Download | Upload | Processing]:
    match kind:
        case Kind.DOWNLOAD:
            return await services.downloads.dead_page(owner, before, limit)
        case Kind.UPLOAD:
            return await services.uploads.dead_page(owner, before, limit)
        case Kind.IMAGE | Kind.PDF | Kind.VIDEO:
            return await services.processing.dead_page(kind, owner, before, limit)


def _position(job: Job) -> tuple[datetime, UUID]:
    assert job.finished_at is not None
    return job.finished_at, job.id


async def delete(request: Request) -> Response:
    """Soft-deletes a dead job. Its rows are deleted after its leftover objects."""
    job_id = path_job_id(request)
    it = context(request)
    await it.services.lifecycle.delete(job_id)
    it.hub.polling.invalidate(job_id)
    return Response(None, 204)
