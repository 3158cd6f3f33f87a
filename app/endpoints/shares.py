"""Share links to the result of a job: create, list, revoke. `app.endpoints.links.file` is where they lead."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.access.credentials import digest_of, new_id
from app.access.guard import principal_of
from app.access.request_bodies import NewShare
from app.access.share_links import PARAMETER, new_share_secret
from app.context import context, json_response
from app.problems import NotFound
from app.requests import path_job_id, read_body
from app.schemas import ShareCreated, ShareItem, ShareList
from jobs.access.shares import Share, add_share, list_shares, revoke_share

NO_STORE = {"Cache-Control": "no-store"}


async def create(request: Request) -> Response:
    """A new link to the result, which is shown once. It may be sent before the job has completed."""
    new, job_id, it = await read_body(request, NewShare), path_job_id(request), context(request)
    secret = new_share_secret()
    share = await add_share(
        it.services.database,
        digest_of(secret),
        share_id=new_id(),
        job_id=job_id,
        created_by=principal_of(request).owner,
        lifetime=new.expires_in,
        max_uses=new.max_uses,
        password_hash=None if new.password is None else await it.access.shares.passwords.hash(new.password),
    )
    url = f"{it.address.url or it.address.root}/v1/download/job/{job_id}/file?{PARAMETER}={secret}"
    return json_response(ShareCreated(url=url, **_values(share)), 201, NO_STORE)


async def listing(request: Request) -> Response:
    """The links that can be used, without their secrets."""
    found = await list_shares(context(request).services.database, path_job_id(request))
    return json_response(ShareList(shares=[ShareItem(**_values(share)) for share in found]), headers=NO_STORE)


async def revoke(request: Request) -> Response:
    """Revokes a link at once. Links to the store that it led to are valid until they expire (`LINK_TTL`)."""
    job_id, share_id = path_job_id(request), request.path_params["id"]
    if not await revoke_share(context(request).services.database, job_id, share_id):
        raise NotFound(f"Job {job_id} has no share link {share_id}.")
    return Response(None, 204)


def _values(share: Share) -> dict[str, object]:
    names = ("id", "created_by", "created_at", "expires_at", "max_uses", "uses", "has_password")
    return {name: getattr(share, name) for name in names}
