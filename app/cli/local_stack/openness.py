"""Who may use a local stack: programs of this machine, everybody who signs in, or, if that is wished twice, everybody."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self
from urllib.parse import urlsplit

from app.stack.ports import HOST
from jobs.errors import InvalidRequest
from jobs.settings import Settings

_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared, not listened on


@dataclass(frozen=True, slots=True)
class Openness:
    """Addresses to listen on, and settings of gateway and workers that follow from them."""

    hosts: tuple[str, ...]
    environment: dict[str, str]
    others_may_come: bool = False
    """Whether other machines, or a proxy on this one, are to reach the gateway; then they need the store, too."""

    @classmethod
    def of(cls, hosts: Sequence[str], *, public: bool, insecure_open: bool) -> Self:
        """Raises `InvalidRequest` for addresses that other machines reach, unless it is said who may come from there."""
        if public and insecure_open:
            raise InvalidRequest("Choose either --public or --insecure-open.")
        if public:
            # Any name is fine then: a page of a foreign name gets neither cookie nor key, and so nothing at all.
            _check_links_from_https()
            names = {} if "ALLOWED_HOSTS" in os.environ or "PUBLIC_URL" in os.environ else {"ALLOWED_HOSTS": "*"}
            environment = {"AUTH_MODE": "required", **names}
            return cls(_with_loopback(hosts or ["0.0.0.0"]), environment, others_may_come=True)  # noqa: S104
        others = [host for host in hosts if not _is_loopback(host)]
        if others and not insecure_open:
            raise InvalidRequest(
                f"Other machines can reach {', '.join(others)}. Add --public, so that everybody has to sign in,"
                " or --insecure-open, so that everybody who reaches it may do everything."
            )
        if others:
            _check_links_from_https()
        return cls(_with_loopback(hosts), {"AUTH_MODE": "open"} if insecure_open else {}, others_may_come=bool(others))

    @property
    def public_name(self) -> str:
        """The name or address by which others reach this machine, for URLs: that of `PUBLIC_URL`, or of `hosts`.

        For `0.0.0.0` and `::` it is the address that this machine has in the network of its default route.
        """
        named = urlsplit(os.environ.get("PUBLIC_URL") or "").hostname
        others = [host for host in self.hosts if not _is_loopback(host)]
        host = named or next((host for host in others if host not in _EVERYWHERE), None)
        host = host or (_own_address() if others else HOST)
        return f"[{host}]" if ":" in host and not host.startswith("[") else host

    def explanation(self, settings: Settings) -> str:
        """A line for the person at the terminal."""
        if settings.auth_mode == "required":
            return "Everybody has to sign in, or to send an API key: see `haulage keys create --help`."
        if all(map(_is_loopback, self.hosts)):
            return "It is open, to this machine only: nobody has to sign in."
        return "It is OPEN: everybody who can reach it may do everything."


def _with_loopback(hosts: Sequence[str]) -> tuple[str, ...]:
    """The addresses, with 127.0.0.1: the command line uses it."""
    return tuple(dict.fromkeys([*hosts, *([] if _EVERYWHERE & set(hosts) else [HOST])]))


def _check_links_from_https() -> None:
    """Raises `InvalidRequest` if browsers would block what links to results lead to."""
    public, store = os.environ.get("PUBLIC_URL") or "", os.environ.get("S3_PUBLIC_ENDPOINT") or ""
    if public.lower().startswith("https:") and not store.lower().startswith("https:"):
        raise InvalidRequest(
            "PUBLIC_URL is https, but links to results would be http, which browsers block on such pages. Set"
            " S3_PUBLIC_ENDPOINT to an https URL that your proxy passes on to the port of --store-port, with its Host."
        )


def _own_address() -> str:
    """The address from which this machine would reach others; 127.0.0.1 without a network. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # reserved for documentation (RFC 5737)
        except OSError:
            return HOST
        return str(probe.getsockname()[0])


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
