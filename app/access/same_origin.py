"""Protection from other sites whose pages make a browser send the session cookie along (CSRF).

An unsafe request, and a WebSocket, count only if the page that makes them is of this very origin: by `Sec-Fetch-Site`,
which all current browsers send and no page can set, or else by `Origin`. A request with neither comes from no page.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import Scope

from app.problems import ForbiddenOrigin
from app.public_address import PublicAddress

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def check_same_origin(scope: Scope, headers: Mapping[bytes, bytes], address: PublicAddress) -> None:
    """Raises `ForbiddenOrigin` for a request with a cookie that a page of another origin has made."""
    if scope["type"] == "http" and scope["method"] in _SAFE:
        return
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        allowed = site in {b"same-origin", b"none"}
    else:
        allowed = b"origin" not in headers or address.has_own_origin(headers)
    if not allowed:
        raise ForbiddenOrigin(
            "A page of another origin made this request. Pages of other origins need a token, not a cookie."
        )
