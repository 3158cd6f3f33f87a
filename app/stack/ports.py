"""Free TCP ports on 127.0.0.1."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection, Iterable
from contextlib import ExitStack

HOST = "127.0.0.1"
LARGEST_OFFSET = 10_000
# Below the ephemeral ports of Linux (from 32768) and macOS (from 49152), so that no outgoing connection uses a port
# between two starts. A port plus the largest offset is below them as well.
_RANGE = range(12_000, 32_768 - LARGEST_OFFSET)
_TRIES = 1000


def is_free(port: int) -> bool:
    """Return True if a server could listen on `port` now, even with connections in TIME_WAIT."""
    with socket.socket() as probe:
        return _bind(probe, port)


def free_ports(offsets: Iterable[int], taken: Collection[int] = ()) -> list[int]:
    """Return one free port for each offset, all distinct; port plus offset is free as well.

    Each is held until all are found. Ports in `taken` are excluded. Raises `OSError` when the range is exhausted.
    """
    with ExitStack() as held:
        return [_reserve(held, offset, taken) for offset in offsets]


def _reserve(held: ExitStack, offset: int, taken: Collection[int]) -> int:
    for port in random.sample(_RANGE, _TRIES):
        with ExitStack() as attempt:
            wanted = {port, port + offset}
            probes = {number: attempt.enter_context(socket.socket()) for number in wanted.difference(taken)}
            if len(probes) == len(wanted) and all(_bind(probe, number) for number, probe in probes.items()):
                held.push(attempt.pop_all())
                return port
    message = f"no free port between {_RANGE.start} and {_RANGE.stop}"
    raise OSError(message)


def _bind(probe: socket.socket, port: int) -> bool:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((HOST, port))
        # Of two sockets that are bound with SO_REUSEADDR only one may listen.
        probe.listen(1)
    except OSError:
        return False
    return True
