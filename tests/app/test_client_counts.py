"""Counts by client."""

from __future__ import annotations

import pytest

from app.client_counts import client_of


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_ipv6_clients_are_counted_by_network(address: str, client: str) -> None:
    assert client_of(address) == client
