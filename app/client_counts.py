"""Counts of what clients have open at once, by address."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network

from starlette.types import Scope


class ClientCounts:
    """Counts what is open, in total and for each client. An IPv6 client is its /64 network, of which every host has one."""

    def __init__(self, limit_per_client: int) -> None:
        self._limit_per_client = limit_per_client
        self._clients: Counter[str] = Counter()
        self.total = 0

    def is_full(self, client: str) -> bool:
        """Whether the client at this address has as many open as it may have."""
        return self._clients[client_of(client)] >= self._limit_per_client

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
    """The client's address, as limits count it; empty for a UNIX socket."""
    client = scope.get("client")
    return client[0] if client else ""


@lru_cache(maxsize=4096)
def client_of(address: str) -> str:
    """What stands for the client at this address: an IPv4 address, an IPv6 network, or what else it is."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if not isinstance(ip, IPv6Address):
        return address
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ip_network((int(ip), 64), strict=False))
