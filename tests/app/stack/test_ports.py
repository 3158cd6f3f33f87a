"""Free ports."""

from __future__ import annotations

import socket

import pytest

from app.stack import ports
from app.stack.ports import HOST, free_ports, is_free

pytestmark = pytest.mark.servers


def test_ports_are_distinct_and_free() -> None:
    found = free_ports([0] * 300 + [10_000])
    assert len({*found, found[-1] + 10_000}) == 302
    assert all(is_free(port) for port in found)


def test_a_port_that_is_listened_on_is_not_free() -> None:
    with socket.create_server((HOST, 0)) as server:
        assert not is_free(server.getsockname()[1])


def test_taken_ports_are_left_out() -> None:
    every = ports._RANGE  # noqa: SLF001 - each process of the tests has a range of its own
    middle = every.start + len(every) // 2
    assert min(free_ports([0] * 20, taken=range(every.start, middle))) >= middle
