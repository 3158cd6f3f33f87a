"""Users that a reverse proxy has signed in, and names in headers (Authelia, authentik, oauth2-proxy, nginx `auth_request`).

Anybody can send such headers. They are believed if the TCP connection comes from one of `TRUSTED_PROXIES`, and the request
has the secret that only the proxy knows: in a cluster, an address alone can be another program's tomorrow. They are removed
from all other requests.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn._types import ASGI3Application
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from app.access.bearer_tokens import role_of
from app.access.principals import ALL_SCOPES, Principal, Proof
from app.problems import Unauthenticated
from jobs.owners import is_user_name
from jobs.settings import Settings

SECRET_HEADER = b"x-auth-proxy-secret"
_SEPARATOR = re.compile(r"[,;|]")
"""Between groups: Authelia, oauth2-proxy and Tailscale send commas, authentik `|`."""


class ProxyHeaderFilter:
    """Removes the headers from all requests but those of the proxy. It comes before what rewrites the client's address."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._names = {SECRET_HEADER, *_names_of(settings)}
        secret = settings.auth_proxy_secret
        self._secret = secret.get_secret_value().encode() if secret else b""
        self._trusted = ProxyHeadersMiddleware(
            cast("ASGI3Application", app), list(settings.trusted_proxies)
        ).trusted_hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            fields = scope["headers"]
            named = [(name, value) for name, value in fields if name in self._names]
            if named:
                removed = {SECRET_HEADER} if self._is_of_proxy(scope, named) else self._names
                scope["headers"] = [field for field in fields if field[0] not in removed]
        await self._app(scope, receive, send)

    def _is_of_proxy(self, scope: Scope, named: list[tuple[bytes, bytes]]) -> bool:
        secrets = [value for name, value in named if name == SECRET_HEADER]
        if len(secrets) != 1 or len({name for name, _ in named}) != len(named):
            return False  # one of them twice: the client has sent it, too
        peer = scope["client"][0] if scope.get("client") else ""
        return peer in self._trusted and hmac.compare_digest(secrets[0], self._secret)


class ProxyUsers:
    """Principals of the headers that the filter has left."""

    def __init__(self, settings: Settings) -> None:
        names = _names_of(settings)
        self._user = names[0] if names else None
        self._groups = names[1:]
        self._settings = settings

    def principal(self, headers: Mapping[bytes, bytes]) -> Principal | None:
        """The user that the proxy names; None if it names none.

        Raises `Unauthenticated` for what is no name of a user, or not UTF-8: nothing else may prove then who it is.
        """
        if self._user is None or not headers.get(self._user, b"").strip():
            return None
        try:
            name = headers[self._user].decode().strip()
            text = b",".join(headers.get(header, b"") for header in self._groups).decode()
        except UnicodeDecodeError:
            raise Unauthenticated("The proxy names a user or groups in another encoding than UTF-8.") from None
        if not is_user_name(name):
            raise Unauthenticated(f"The proxy names {name[:50]!r}, which is not the name of a user.")
        groups = frozenset(group.strip() for group in _SEPARATOR.split(text) if group.strip())
        return Principal(
            owner=name,
            role=role_of(groups, self._settings),
            scopes=ALL_SCOPES,
            groups=groups,
            proof=Proof.PROXY,
            proof_id=name,
        )


def _names_of(settings: Settings) -> list[bytes]:
    """The names of the headers in lower case, that of the user first; none without `AUTH_PROXY_USER`."""
    if settings.auth_proxy_user is None:
        return []
    return [name.lower().encode() for name in (settings.auth_proxy_user, settings.auth_proxy_groups) if name]
