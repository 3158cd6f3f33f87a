"""Who the caller is: sessions of the web page, sign-in by a one-time link, sign-out, tickets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response

from app.access.cookies import clear_session_cookie, set_session_cookie
from app.access.credentials import digest_of, new_id, new_secret
from app.access.guard import principal_of
from app.access.principals import Principal, Proof, Scope
from app.access.request_bodies import SignIn
from app.access.same_origin import check_same_origin
from app.access.tickets import TICKET_TTL, new_ticket
from app.client_counts import client_address
from app.context import Context, context, json_response, managed_owner
from app.problems import Forbidden, NotFound, Unauthenticated
from app.requests import read_body
from app.schemas import Caller, SessionItem, SessionList, SignInOptions, Ticket
from jobs.access.sessions import list_sessions, open_session, revoke_session, use_sign_in_link

NO_STORE = {"Cache-Control": "no-store"}


async def current(request: Request) -> Response:
    """Who the caller is; nobody, if the request proves nothing. So a page can ask without an error."""
    it = context(request)
    try:
        principal = await it.guard.authenticator.authenticate(request)
    except Unauthenticated:
        return json_response(Caller(mode="required", user=None, sign_in=_sign_in_options(it)), headers=NO_STORE)
    return json_response(_caller(it, principal), headers=NO_STORE)


async def sign_in(request: Request) -> Response:
    """Opens a session for the user of a one-time link, which is used up. The cookie carries the session's secret."""
    body = await read_body(request, SignIn)
    it = context(request)
    if it.guard.authenticator.is_open:
        raise Forbidden("This server is open: there is nobody to sign in as. Set AUTH_MODE=required first.")
    check_same_origin(request.scope, dict(request.scope["headers"]), it.address)
    database, settings = it.services.database, it.services.settings
    with it.access.failed_attempts.counted(client_address(request.scope)):
        owner = await use_sign_in_link(database, digest_of(body.link))
        if owner is None:
            raise Unauthenticated(
                "This link is unknown, was used before, or has expired. `haulage users signin NAME` prints a new one."
            )
    secret, principal = await open_new_session(request, owner, "link")
    response = json_response(_caller(it, principal), headers=NO_STORE)
    set_session_cookie(response, request, it.address, secret, settings.session_lifetime)
    return response


async def open_new_session(request: Request, owner: str, how: str) -> tuple[str, Principal]:
    """Opens a session of a user that exists. Returns its secret and its principal. Raises `Unauthenticated`."""
    it, secret, address = context(request), new_secret(), client_address(request.scope)
    await open_session(
        it.services.database,
        digest_of(secret),
        session_id=new_id(),
        owner=owner,
        how=how,
        lifetime=it.services.settings.session_lifetime,
        user_agent=request.headers.get("user-agent"),
        address=address or None,
    )
    principal = await it.guard.authenticator.session(secret, address)
    await it.audit.record(request, principal, "signIn", principal.proof_id)
    return secret, principal


async def sign_out(request: Request) -> Response:
    """Ends the session of the request, and with it its streams; the same again without one."""
    it = context(request)
    response = Response(None, 204, NO_STORE)
    clear_session_cookie(response, request, it.address)
    try:
        principal = await it.guard.authenticator.authenticate(request)
    except Unauthenticated:
        return response
    if principal.proof is Proof.SESSION:
        await revoke_session(it.services.database, principal.proof_id)
        await it.access.announce_revocation()
        await it.audit.record(request, principal, "signOut", principal.proof_id)
    return response


async def listing(request: Request) -> Response:
    """The caller's open sessions; those of everybody for an admin."""
    it, principal = context(request), principal_of(request)
    found = await list_sessions(it.services.database, managed_owner(request), it.services.settings.session_idle)
    current_id = principal.proof_id if principal.proof is Proof.SESSION else None
    items = [
        SessionItem(**{name: getattr(one, name) for name in one.__slots__}, current=one.id == current_id)
        for one in found
    ]
    return json_response(SessionList(sessions=items), headers=NO_STORE)


async def revoke(request: Request) -> Response:
    """Ends one of the caller's sessions; any, for an admin."""
    it, session_id = context(request), request.path_params["id"]
    if not await revoke_session(it.services.database, session_id, managed_owner(request)):
        raise NotFound(f"There is no open session {session_id}.")
    await it.access.announce_revocation()
    return Response(None, 204)


async def ticket(request: Request) -> Response:
    """A ticket for one stream: as the caller, for a minute, once."""
    secret = await new_ticket(context(request).services.database, principal_of(request), Scope.JOBS_READ)
    expires_at = datetime.now(UTC) + timedelta(seconds=TICKET_TTL)
    return json_response(Ticket(ticket=secret, expires_at=expires_at), 201, NO_STORE)


def _caller(it: Context, principal: Principal) -> Caller:
    return Caller(
        mode="open" if it.guard.authenticator.is_open else "required",
        user=principal.owner,
        sign_in=_sign_in_options(it),
        role=principal.role,
        scopes=sorted(principal.scopes),
        groups=sorted(principal.groups),
        proof=principal.proof,
        expires_at=principal.expires_at,
    )


def _sign_in_options(it: Context) -> SignInOptions:
    settings = it.services.settings
    return SignInOptions(provider=settings.oidc_display_name, proxy=settings.auth_proxy_user is not None)
