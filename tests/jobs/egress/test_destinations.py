"""Which addresses are public, and what `EGRESS_ALLOW` adds."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from jobs.egress.destinations import Destinations, is_public

PUBLIC = (
    "1.1.1.1",
    "8.8.8.8",
    "11.0.0.1",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2003::1",
    "2606:4700::1111",
    "2a00:1450:4001::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
)
SPECIAL = (
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a00:1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:2::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_host_of_the_internet_is_public(text: str) -> None:
    assert is_public(ip_address(text))
    assert Destinations().allows(ip_address(text))


@pytest.mark.parametrize("text", SPECIAL)
def test_a_special_address_is_not(text: str) -> None:
    assert not is_public(ip_address(text))
    assert not Destinations().allows(ip_address(text))


@pytest.mark.parametrize(
    ("item", "address", "other"),
    [
        ("10.2.0.0/16", "10.2.255.1", "10.3.0.1"),
        ("10.2.0.7", "10.2.0.7", "10.2.0.8"),
        ("10.2.0.0/16", "::ffff:10.2.0.1", "::ffff:10.3.0.1"),
        ("fd00:1::/32", "fd00:1::9", "fd00:2::9"),
    ],
)
def test_a_network_is_allowed_and_its_neighbours_are_not(item: str, address: str, other: str) -> None:
    destinations = Destinations([item])
    assert destinations.allows(ip_address(address))
    assert not destinations.allows(ip_address(other))
    assert destinations.allows(ip_address("8.8.8.8"))


@pytest.mark.parametrize(
    ("item", "name", "other"),
    [
        ("minio.internal", "minio.internal", "x.minio.internal"),
        ("minio.internal", "MinIO.Internal.", "minio.internal.example"),
        ("*.corp.example", "a.b.corp.example", "corp.example"),
        ("*.corp.example", "a.corp.example", "evilcorp.example"),
    ],
)
def test_a_name_is_allowed_and_others_are_not(item: str, name: str, other: str) -> None:
    destinations = Destinations([item])
    assert destinations.allows_name(name)
    assert not destinations.allows_name(other)
