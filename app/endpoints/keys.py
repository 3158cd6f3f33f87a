"""API keys: create, list and revoke them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from app.access.credentials import KEY_PREFIX, digest_of, new_id, new_secret
from app.access.guard import principal_of
from app.access.principals import Role, Scope
from app.access.request_bodies import NewKey
from app.context import context, json_response, managed_owner
from app.problems import Forbidden, NotFound
from app.requests import read_body
from app.schemas import KeyCreated, KeyItem, KeyList
from jobs.access.keys import MAX_KEYS, Key, add_key, list_keys, revoke_key
from jobs.access.users import save_user
from jobs.errors import InvalidRequest

NO_STORE = {"Cache-Control": "no-store"}


async def create(request: Request) -> Response:
    """A new key of the caller, which is shown once. A user whom a proxy names is added, since keys belong to users."""
    new, it, principal = await read_body(request, NewKey), context(request), principal_of(request)
    owner = principal.owner
    if Scope.ACT_AS in new.scopes and principal.role is not Role.ADMIN:
        raise Forbidden(f"Only keys of admins have the scope {Scope.ACT_AS}.")
    secret, key_id = KEY_PREFIX + new_secret(), new_id()
    if await save_user(it.services.database, owner):
        await it.access.announce_revocation()
    key = await add_key(
        it.services.database,
        digest_of(secret),
        key_id=key_id,
        owner=owner,
        name=new.name,
        scopes=new.scopes,
        expires_at=None if new.expires_in is None else datetime.now(UTC) + timedelta(seconds=new.expires_in),
    )
    if key is None:
        raise InvalidRequest(f"You have {MAX_KEYS} valid keys. Revoke those that nothing uses.")
    request.state.subject = key_id
    return json_response(KeyCreated(key=secret, **_values(key)), 201, NO_STORE)


async def listing(request: Request) -> Response:
    """The caller's keys; those of everybody for an admin."""
    found = await list_keys(context(request).services.database, managed_owner(request))
    return json_response(KeyList(keys=[KeyItem(**_values(key)) for key in found]), headers=NO_STORE)


async def revoke(request: Request) -> Response:
    """Revokes one of the caller's keys; any, for an admin. Streams that it opened end within three seconds."""
    it, key_id = context(request), request.path_params["id"]
    if not await revoke_key(it.services.database, key_id, managed_owner(request)):
        raise NotFound(f"There is no valid key {key_id}.")
    await it.access.announce_revocation()
    return Response(None, 204)


def _values(key: Key) -> dict[str, Any]:
    return {name: getattr(key, name) for name in key.__slots__} | {"scopes": sorted(key.scopes)}
