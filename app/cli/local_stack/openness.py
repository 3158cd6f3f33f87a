"""Who may use a local stack: programs of this machine, everybody who signs in, or, if that is wished twice, everybody."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

from app.stack.ports import HOST
from jobs.errors import InvalidRequest
from jobs.settings import Settings


@dataclass(frozen=True, slots=True)
class Openness:
    """Addresses to listen on, and settings of gateway and workers that follow from them."""

    hosts: tuple[str, ...]
    environment: dict[str, str]

    @classmethod
    def of(cls, hosts: Sequence[str], *, public: bool, insecure_open: bool) -> Self:
        """Raises `InvalidRequest` for addresses that other machines reach, unless it is said who may come from there."""
        if public and insecure_open:
            raise InvalidRequest("Choose either --public or --insecure-open.")
        if public:
            # Any name is fine then: a page of a foreign name gets neither cookie nor key, and so nothing at all.
            names = {} if "ALLOWED_HOSTS" in os.environ or "PUBLIC_URL" in os.environ else {"ALLOWED_HOSTS": "*"}
            return cls(_with_loopback(hosts or ["0.0.0.0"]), {"AUTH_MODE": "required", **names})  # noqa: S104
        others = [host for host in hosts if not _is_loopback(host)]
        if others and not insecure_open:
            raise InvalidRequest(
                f"Other machines can reach {', '.join(others)}. Add --public, so that everybody has to sign in,"
                " or --insecure-open, so that everybody who reaches it may do everything."
            )
        return cls(_with_loopback(hosts), {"AUTH_MODE": "open"} if insecure_open else {})

    def explanation(self, settings: Settings) -> str:
        """A line for the person at the terminal."""
        if settings.auth_mode == "required":
            return "Everybody has to sign in, or to send an API key: see `haulage keys create --help`."
        if all(map(_is_loopback, self.hosts)):
            return "It is open, to this machine only: nobody has to sign in."
        return "It is OPEN: everybody who can reach it may do everything."


def _with_loopback(hosts: Sequence[str]) -> tuple[str, ...]:
    """The addresses, with 127.0.0.1: the command line uses it."""
    everywhere = {"0.0.0.0", "::"} & set(hosts)  # noqa: S104 - compared, not listened on
    return tuple(dict.fromkeys([*hosts, *([] if everywhere else [HOST])]))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
