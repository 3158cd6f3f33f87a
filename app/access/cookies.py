"""The session cookie: out of reach of scripts, and sent by pages of this site only."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from app.access.credentials import COOKIE, SECURE_COOKIE
from app.public_address import PublicAddress


def set_session_cookie(
    response: Response, request: Request, address: PublicAddress, secret: str, lifetime: float
) -> None:
    """Sets the cookie for `lifetime` seconds. The session may end earlier."""
    secure = is_secure(request, address)
    response.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        secret,
        max_age=int(lifetime),
        path="/",
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def clear_session_cookie(response: Response, request: Request, address: PublicAddress) -> None:
    """Removes the cookie."""
    secure = is_secure(request, address)
    name = SECURE_COOKIE if secure else COOKIE
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")


def is_secure(request: Request, address: PublicAddress) -> bool:
    """Whether the browser reaches the gateway over HTTPS: as `PUBLIC_URL` says, or else as the request came."""
    return address.is_secure(request.scope["scheme"])
