"""Results: links to them, and their deletion."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.access.guard import principal_of
from app.context import context, json_response
from app.requests import path_job_id
from app.schemas import Checksum, Link
from app.serializers import omitted_of
from jobs.bundles.downloads import Download
from jobs.bundles.result_links import LinkMethod

NO_STORE = {"Cache-Control": "no-store"}


async def download_url(request: Request) -> Response:
    """A new presigned URL, with the properties of the result."""
    link = await context(request).result_links.link(await _download(request))
    body = Link(
        url=link.url,
        expires_at=link.expires_at,
        bundle_expires_at=link.bundle_expires_at,
        size=link.result.size,
        checksum=Checksum.of(link.result.crc32),
        sha256=link.result.sha256,
        filename=link.result.filename,
        omitted=omitted_of(link.result),
    )
    return json_response(body, headers=NO_STORE)


async def file(request: Request) -> Response:
    """The stable link: redirects to a presigned URL for the method of the request."""
    method: LinkMethod = "HEAD" if request.method == "HEAD" else "GET"
    it = context(request)
    link = await it.result_links.link(await _download(request), method)
    if method == "GET":
        await it.access.shares.use(request, principal_of(request))
    return RedirectResponse(link.url, 303, NO_STORE)


async def remove(request: Request) -> Response:
    """Expires the result; a worker deletes the bundle at once, unless another job shares it. Source objects stay."""
    it = context(request)
    job = await it.services.lifecycle.expire((await _download(request)).id)
    it.hub.polling.invalidate(job.id, job.seq)
    return Response(None, 204)


async def _download(request: Request) -> Download:
    return await context(request).services.downloads.read(path_job_id(request))
