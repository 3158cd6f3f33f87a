"""Which addresses a request may be sent to. It does no I/O.

The rules are those of the IANA registries of special-purpose addresses (RFC 6890, as of November 2026). `is_global` of
`ipaddress` is no substitute: that of Python 3.11 calls multicast, 6to4 and NAT64 addresses global.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_SPECIAL_IPV4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by a provider's customers
        "127.0.0.0/8",  # this machine
        "168.63.129.16/32",  # Azure's service for its virtual machines, in a public range
        "169.254.0.0/16",  # this link; the metadata services of clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocols of the IETF
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
_GLOBAL_IPV6 = IPv6Network("2000::/3")
"""All that is assigned as global unicast. Whatever lies outside is special, or not assigned yet."""
_SPECIAL_IPV6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocols of the IETF, with Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which may lead to any IPv4 address
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Return whether the address belongs to a host of the Internet.

    One that embeds an IPv4 address (`::ffff:0:0/96`, `64:ff9b::/96`) is judged by that.
    """
    if isinstance(address, IPv6Address):
        embedded = address.ipv4_mapped
        if embedded is None and address in _NAT64:
            embedded = IPv4Address(int(address) & 0xFFFF_FFFF)
        if embedded is None:
            return address in _GLOBAL_IPV6 and not any(address in network for network in _SPECIAL_IPV6)
        address = embedded
    return not any(address in network for network in _SPECIAL_IPV4)


class Destinations:
    """Where requests may go: to public addresses, and to what `EGRESS_ALLOW` adds.

    Its items are networks (`10.2.0.0/16`, `fd00::/8`, one address), host names, or `*.example.com` for the names below one.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._networks: list[Network] = []
        self._names: set[str] = set()
        self._domains: list[str] = []
        for item in allowed:
            try:
                self._networks.append(ip_network(item))
            except ValueError:
                if item.startswith("*."):
                    self._domains.append(item[1:])
                else:
                    self._names.add(item)

    def allows_name(self, host: str) -> bool:
        """Return whether a host name is allowed whatever addresses it has."""
        name = host.lower().removesuffix(".")
        return name in self._names or any(name.endswith(domain) for domain in self._domains)

    def allows(self, address: Address) -> bool:
        """Return whether the address is public or in an allowed network."""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return is_public(address) or any(address in network for network in self._networks)
