"""Unit tests: the tests that use no server, found by their fixtures, and run without sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import pytest

FIXTURES = frozenset({"stack", "servers", "server", "store", "bare_cli", "clamd", "own_clamd"})
"""The fixtures that start servers or `haulage` processes. Every other fixture that needs one of those requests it."""
MARKS = ("browser", "chaos", "containers", "drills", "kubernetes", "proxies", "servers", "slow")


def is_unit(item: pytest.Item) -> bool:
    """Returns True if the test uses none of these fixtures, directly or through another, and has none of these marks."""
    marked = any(item.get_closest_marker(mark) for mark in MARKS)
    return not marked and FIXTURES.isdisjoint(getattr(item, "fixturenames", ()))


@contextmanager
def sockets_blocked() -> Iterator[None]:
    """Makes every attempt to listen or to connect fail. The pair of sockets by which an event loop wakes itself works."""

    def refuse(*_: object) -> None:
        raise AssertionError("A unit test must not use the network. Mark it with `@pytest.mark.servers`.")

    with ExitStack() as patches:
        for name in ("bind", "connect", "connect_ex"):
            patches.enter_context(patch.object(socket.socket, name, refuse))
        yield
