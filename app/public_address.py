"""Where clients reach the gateway: the one truth for its checks of hosts and origins, its paths and its links."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.types import Scope

from app.problems import ForbiddenOrigin, WrongHost
from jobs.addresses import DEFAULT_PORTS
from jobs.settings import GatewaySettings, Settings

_PORT = re.compile(r":[0-9]*$")


class Patterns:
    """Hosts or origins as `jobs.addresses` returns them: names, `*` for all, `*.site.example` for each name below it."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self._names = frozenset(patterns)
        wildcards = [re.escape(one).replace(r"\*", "[a-z0-9_.-]+") for one in patterns if "*." in one]
        self.regex = "|".join(wildcards) or None
        """Matches in full what one of the wildcards stands for; None without wildcards."""
        self._wildcards = re.compile(self.regex) if self.regex else None

    def __contains__(self, text: str) -> bool:
        if text in self._names or "*" in self._names:
            return True
        return self._wildcards is not None and self._wildcards.fullmatch(text) is not None


class PublicAddress:
    """The public address of one gateway, as its settings have it."""

    def __init__(self, settings: GatewaySettings) -> None:
        public = urlsplit(settings.public_url or "")
        self.root = settings.root_path
        """Path below which clients reach the gateway: empty, or as `/haulage`."""
        self.url = f"{public.scheme}://{public.netloc}{self.root}" if public.netloc else None
        """The gateway's URL without a final slash; None if only the `Host` of a request tells it."""
        self._hosts = Patterns([*settings.allowed_hosts, *([_host_name(public.netloc)] if public.netloc else [])])
        self._own_origin = f"{public.scheme}://{public.netloc}" if self.url else None
        self._origins = Patterns(settings.cors_origins)

    def enter(self, scope: Scope) -> str:
        """Puts the root path into the scope as ASGI has it, and returns the path below it.

        `path` starts with `root_path` from then on, whether or not the proxy has removed it.
        """
        root, path = self.root, scope["path"]
        if not root:
            return str(path)
        if f"{path}/".startswith(f"{root}/"):
            path = path[len(root) :] or "/"
        scope["root_path"] = root
        scope["path"] = root + path
        return str(path)

    def is_secure(self, scheme: str) -> bool:
        """Whether clients reach the gateway over HTTPS: as `PUBLIC_URL` says, or else the scheme of their request."""
        return self.url.startswith("https:") if self.url else scheme in {"https", "wss"}

    def check_host(self, headers: Mapping[bytes, bytes]) -> None:
        """Raises `WrongHost` for a name that is not ours: another site could point its own name at this address."""
        name = _host_name(headers.get(b"host", b"").decode("latin-1"))
        if name not in self._hosts:
            raise WrongHost(f"The host name {name[:100]!r} is not in ALLOWED_HOSTS.")

    def check_origin(self, headers: Mapping[bytes, bytes]) -> None:
        """Raises `ForbiddenOrigin` for a page of a site that is not one of `CORS_ORIGINS` (RFC 6455, section 10.2)."""
        if b"origin" not in headers:
            return
        origin = headers[b"origin"].decode("latin-1").lower()
        if origin not in self._origins and not self.has_own_origin(headers):
            raise ForbiddenOrigin(f"The origin {origin[:100]!r} is neither that of PUBLIC_URL nor in CORS_ORIGINS.")

    def has_own_origin(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether the `Origin` is that of `PUBLIC_URL`, or of the host that the request names."""
        origin = headers[b"origin"].decode("latin-1").lower()
        scheme, _, authority = origin.partition("://")
        host = headers.get(b"host", b"").decode("latin-1").lower()
        if scheme in DEFAULT_PORTS:
            host = host.removesuffix(f":{DEFAULT_PORTS[scheme]}")
        return origin == self._own_origin or (bool(authority) and authority == host)


def intake_address(settings: Settings) -> PublicAddress:
    """Where clients reach the intake: at `INTAKE_URL`, or else, through a proxy, where they reach the gateway.

    The host of `PUBLIC_URL` is accepted, too.
    """
    if settings.intake_url is None:
        return PublicAddress(settings)
    gateway = urlsplit(settings.public_url or "").netloc
    own = {
        "public_url": settings.intake_url,
        "root_path": urlsplit(settings.intake_url).path,
        "allowed_hosts": (*settings.allowed_hosts, *([_host_name(gateway)] if gateway else [])),
    }
    return PublicAddress(settings.model_copy(update=own))


def _host_name(host: str) -> str:
    """The name in a `Host` header."""
    return _PORT.sub("", host.lower()).removesuffix(".")
