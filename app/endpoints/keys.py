"""API keys: list and revoke them. `haulage keys create` creates them, so that no page ever shows one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.access.guard import principal_of
from app.access.principals import Role
from app.context import context, json_response
from app.problems import NotFound
from app.schemas import KeyItem, KeyList
from jobs.access.keys import list_keys, revoke_key


async def listing(request: Request) -> Response:
    """The caller's keys; those of everybody for an admin."""
    found = await list_keys(context(request).services.database, _managed(request))
    items = [
        KeyItem(**{name: getattr(one, name) for name in one.__slots__} | {"scopes": sorted(one.scopes)})
        for one in found
    ]
    return json_response(KeyList(keys=items), headers={"Cache-Control": "no-store"})


async def revoke(request: Request) -> Response:
    """Revokes one of the caller's keys; any, for an admin. Streams that it opened end within three seconds."""
    it, key_id = context(request), request.path_params["id"]
    if not await revoke_key(it.services.database, key_id, _managed(request)):
        raise NotFound(f"There is no valid key {key_id}.")
    await it.access.announce_revocation()
    return Response(None, 204)


def _managed(request: Request) -> str | None:
    principal = principal_of(request)
    return None if principal.role is Role.ADMIN else principal.owner
