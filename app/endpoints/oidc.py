"""Sign-in of the page at an OpenID provider: the way there, and the way back. Errors are pages, since people see them."""

from __future__ import annotations

import re
from html import escape
from urllib.parse import quote, unquote

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.access.cookies import is_secure, set_session_cookie
from app.access.credentials import new_secret
from app.access.oidc import OpenIdProvider
from app.client_counts import client_address
from app.context import context
from app.endpoints.sessions import NO_STORE, open_new_session
from app.problems import RESPONSES, SignInFailed
from jobs.access.users import save_user
from jobs.errors import HaulageError

log = structlog.get_logger()

PATH = "/sign-in/oidc"
CALLBACK = f"{PATH}/callback"
_COOKIE = "haulage_oidc"
_COOKIE_LIFETIME = 600
"""Seconds that a sign-in may take."""
_LOCAL_PATH = re.compile(r"/(?:[A-Za-z0-9._~-][A-Za-z0-9._~/-]*)?")
"""Where a sign-in may lead back to: a path of this site, and nothing that a browser could take for another one."""
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def begin(request: Request) -> Response:
    """Sends the browser to the provider. `returnTo`: the path of the page to which the sign-in leads back."""
    secret = new_secret()
    try:
        url = await _provider(request).authorization_url(secret)
    except HaulageError as error:
        return _error_page(request, error)
    target = request.query_params.get("returnTo", "/")
    response = RedirectResponse(url, 303, NO_STORE)
    secure = is_secure(request, context(request).address)
    response.set_cookie(
        _cookie_name(secure=secure),
        f"{secret}.{quote(target if _LOCAL_PATH.fullmatch(target) else '/', safe='')}",
        max_age=_COOKIE_LIFETIME,
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )
    return response


async def callback(request: Request) -> Response:
    """Opens a session for whom the provider names. The user is added, or gets the groups and the role of now."""
    it = context(request)
    name = _cookie_name(secure=is_secure(request, it.address))
    secret, _, target = request.cookies.get(name, "").partition(".")
    path = unquote(target)
    if not _LOCAL_PATH.fullmatch(path):
        path = "/"
    try:
        with it.access.failed_attempts.counted(client_address(request.scope)):
            signed_in = await _provider(request).finish(secret or None, request.query_params)
        if await save_user(it.services.database, signed_in.owner, signed_in.role, signed_in.groups):
            await it.access.announce_revocation()
        session, _ = await open_new_session(request, signed_in.owner, "oidc")
    except HaulageError as error:
        response = _error_page(request, error, path)
    else:
        home = it.address.root + path
        response = RedirectResponse(home, 303, NO_STORE)
        set_session_cookie(response, request, it.address, session, it.services.settings.session_lifetime)
    response.delete_cookie(name, path="/", secure=is_secure(request, it.address), httponly=True, samesite="lax")
    return response


def _provider(request: Request) -> OpenIdProvider:
    it = context(request)
    if it.guard.authenticator.is_open:
        raise SignInFailed("This server is open: nobody has to sign in. Set AUTH_MODE=required first.")
    provider = it.access.openid
    if provider is None:
        raise SignInFailed("No sign-in provider is set. The administrator can set OIDC_ISSUER.")
    return provider


def _cookie_name(*, secure: bool) -> str:
    return f"__Host-{_COOKIE}" if secure else _COOKIE


def _error_page(request: Request, error: HaulageError, path: str = "/") -> Response:
    """What went wrong, and a link to begin again, which leads to the same path."""
    root, response = escape(context(request).address.root), RESPONSES[error.code]
    again = f"{root}{PATH}" if path == "/" else f"{root}{PATH}?returnTo={quote(path)}"
    text = f"""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="robots" content="noindex">
  <title>{escape(response.title)}</title>
  <link rel="icon" href="{root}/static/icon.svg" type="image/svg+xml">
  <link rel="stylesheet" href="{root}/static/page.css">
</head>
<body>
  <main>
    <h1>{escape(response.title)}</h1>
    <p>{escape(error.message)}</p>
    <p><a href="{again}">Sign in again</a></p>
  </main>
</body>
</html>
"""
    return Response(text, response.status, {**NO_STORE, "Content-Security-Policy": _POLICY}, "text/html")
