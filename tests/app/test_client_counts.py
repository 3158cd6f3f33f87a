"""Counts by client."""

from __future__ import annotations

import pytest

from app.client_counts import ClientCounts, client_of


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_ipv6_clients_are_counted_by_network(address: str, client: str) -> None:
    assert client_of(address) == client


@pytest.mark.parametrize(("address", "is_full"), [("203.0.113.7", True), ("unknown", False), ("", False)])
def test_clients_of_unknown_address_are_counted_only_in_total(address: str, is_full: bool) -> None:
    counts = ClientCounts(limit_per_client=1)
    counts.acquire(address)
    assert counts.is_full(address) is is_full
    assert counts.total == 1
