"""Counts of what is open at once, by name, and of what clients have open, by address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from jobs.settings import GatewaySettings


class OpenCounts:
    """Counts what is open, in total and for each name."""

    def __init__(self) -> None:
        self._names: Counter[str] = Counter()
        self.total = 0

    def count(self, name: str) -> int:
        """What is open for this name."""
        return self._names[name]

    def acquire(self, name: str) -> None:
        """Counts one more for this name, until `release`."""
        self._names[name] += 1
        self.total += 1

    def release(self, name: str) -> None:
        """One for this name was closed."""
        self.total -= 1
        self._names[name] -= 1
        if not self._names[name]:
            del self._names[name]


class ClientCounts:
    """Counts what is open by client. An IPv6 client is its /64 network, of which every host has one.

    Clients whose address is not known are limited only in total: as one client they would soon be refused.
    """

    def __init__(self, limit_per_client: int) -> None:
        self._limit_per_client = limit_per_client
        self._counts = OpenCounts()

    @property
    def total(self) -> int:
        """What is open in total."""
        return self._counts.total

    def is_full(self, client: str) -> bool:
        """Whether the client at this address has as many open as it may have."""
        name = client_of(client)
        return name != "" and self._counts.count(name) >= self._limit_per_client

    def acquire(self, client: str) -> None:
        """Counts one more of this address, until `release`."""
        self._counts.acquire(client_of(client))

    def release(self, client: str) -> None:
        """One of this address was closed."""
        self._counts.release(client_of(client))

    @contextmanager
    def acquired(self, client: str) -> Iterator[None]:
        """Counts one more of this address while the block runs."""
        self.acquire(client)
        try:
            yield
        finally:
            self.release(client)


def client_address(scope: Scope) -> str:
    """The client's address, as limits count it; empty if it is not known, as that of a UNIX socket."""
    client = scope.get("client")
    return client[0] if client else ""


class TrustedProxies:
    """The addresses that `TRUSTED_PROXIES` has, as uvicorn matches them."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._hosts = ProxyHeadersMiddleware(_no_app, list(settings.trusted_proxies)).trusted_hosts

    def __contains__(self, address: str) -> bool:
        return address in self._hosts


async def _no_app(*_: object) -> None:
    """An application that is never called."""


@lru_cache(maxsize=4096)
def client_of(address: str) -> str:
    """What stands for the client at this address: an IPv4 address or an IPv6 network. Empty for what is no address.

    Some proxies forward `unknown` for all clients (RFC 7239, section 6.2).
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    if not isinstance(ip, IPv6Address):
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ip_network((int(ip), 64), strict=False))
