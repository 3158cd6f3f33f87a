"""Counts of what clients have open at once, by address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from jobs.settings import GatewaySettings


class ClientCounts:
    """Counts what is open, in total and for each client. An IPv6 client is its /64 network, of which every host has one.

    Clients whose address is not known are limited only in total: as one client they would soon be refused.
    """

    def __init__(self, limit_per_client: int) -> None:
        self._limit_per_client = limit_per_client
        self._clients: Counter[str] = Counter()
        self.total = 0

    def is_full(self, client: str) -> bool:
        """Whether the client at this address has as many open as it may have."""
        name = client_of(client)
        return name != "" and self._clients[name] >= self._limit_per_client

    def acquire(self, client: str) -> None:
        """Counts one more of this address, until `release`."""
        self._clients[client_of(client)] += 1
        self.total += 1

    def release(self, client: str) -> None:
        """One of this address was closed."""
        name = client_of(client)
        self.total -= 1
        self._clients[name] -= 1
        if not self._clients[name]:
            del self._clients[name]

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
